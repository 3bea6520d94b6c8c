import type { LimitFunction } from 'p-limit';
import type { Level } from './options.ts';

/** What a hook had against a request. */
export type Violation = string;

/** JSON that goes out as it is. */
export type Json = Readonly<Record<string, unknown>>;

export interface User {
  readonly id: number;
  login: string;
  readonly type: 'User' | 'Bot' | 'Organization';
  /** What the emulator says of it. */
  readonly profile: Json;
}

interface App {
  readonly id: number;
  readonly slug: string;
  readonly privateKey: string;
  readonly webhookSecret: string;
  readonly permissions: Readonly<Record<string, 'read' | 'write'>>;
  /** Who its writing is by. */
  readonly bot: User;
}

export interface Installation {
  readonly id: number;
  readonly account: User;
  readonly permissions: Readonly<Record<string, 'read' | 'write'>>;
  suspended: boolean;
  deleted: boolean;
}

export interface Label {
  readonly id: number;
  name: string;
  color: string;
  description: string | null;
}

/** One side of a pull request. */
export interface Side {
  repository: Repository;
  ref: string;
  sha: string;
}

/** What makes a pull request of an issue. */
export interface Pull {
  readonly id: number;
  readonly nodeId: string;
  readonly head: Side;
  readonly base: Side;
  draft: boolean;
  /** In a stack of GitHub's own, which alone changes its base. */
  isStacked?: boolean;
  mergedAt: string | null;
  mergedBy: User | null;
  mergeCommit: string | null;
}

export interface Issue {
  readonly id: number;
  readonly number: number;
  readonly user: User;
  /** Written by the app. */
  readonly viaApp: boolean;
  readonly createdAt: string;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  stateReason: string | null;
  updatedAt: string;
  closedAt: string | null;
  labels: Label[];
  pull: Pull | undefined;
}

export interface Comment {
  readonly id: number;
  readonly issue: Issue;
  readonly user: User;
  readonly viaApp: boolean;
  readonly createdAt: string;
  updatedAt: string;
  body: string;
}

export interface Reaction {
  readonly id: number;
  readonly comment: number;
  readonly user: User;
  readonly content: string;
  readonly createdAt: string;
}

export interface CheckSuite {
  readonly id: number;
  readonly sha: string;
  readonly branch: string | null;
  readonly createdAt: string;
  /** Asked for again, and no run has moved since. */
  rerequested: boolean;
}

export interface CheckRun {
  readonly id: number;
  readonly suite: CheckSuite;
  readonly annotations: Json[];
  name: string;
  status: string;
  conclusion: string | null;
  externalId: string;
  detailsUrl: string | null;
  startedAt: string | null;
  completedAt: string | null;
  output: { title: string | null; summary: string | null; text: string | null };
  actions: readonly { label: string; description: string; identifier: string }[];
}

export interface Status {
  readonly id: number;
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly user: User;
  readonly createdAt: string;
}

export interface Repository {
  readonly id: number;
  /** What the emulator says of it: the dozens of URLs. */
  readonly profile: Json;
  owner: User;
  name: string;
  /** `owner/name` as it was; asking for it leads here. */
  readonly formerNames: string[];
  /** The bare repository, which is the truth about refs, commits and files. */
  readonly bare: string;
  readonly parent: Repository | undefined;
  readonly drafts: boolean;
  readonly isPrivate: boolean;
  readonly collaborators: Map<string, Level>;
  installation: Installation | undefined;
  /** Refs change one writer at a time. */
  readonly alone: LimitFunction;
  readonly labels: Label[];
  readonly issues: Issue[];
  readonly comments: Comment[];
  readonly reactions: Reaction[];
  readonly suites: CheckSuite[];
  readonly checks: CheckRun[];
  readonly statuses: Status[];
}

/** Who asks. A person, the app by its key, or the app on an installation by a token. */
export type Actor =
  | { readonly kind: 'user'; readonly user: User }
  | { readonly kind: 'app'; readonly user: User }
  | {
      readonly kind: 'installation';
      readonly user: User;
      readonly installation: Installation;
      /** Ids; undefined for all that the installation is on. */
      readonly repositories: ReadonlySet<number> | undefined;
      readonly permissions: Readonly<Record<string, string>>;
    };

/** An event that GitHub would tell the app. */
export interface Happening {
  readonly event: string;
  readonly action?: string;
  readonly sender: User;
  readonly repository?: Repository;
  readonly installation?: Installation;
  readonly payload: Json;
}

/** All that this GitHub knows, apart from what git knows. */
export interface World {
  readonly origin: string;
  readonly root: string;
  readonly app: App;
  readonly users: User[];
  readonly repositories: Repository[];
  readonly installations: Installation[];
  readonly nextId: () => number;
  /** Tells the app, if it is installed there. */
  readonly raise: (happening: Happening) => void;
}

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

export function fullName(repository: Repository): string {
  return `${repository.owner.login}/${repository.name}`;
}

export function userNamed(world: World, login: string): User | undefined {
  return world.users.find((user) => user.login.toLowerCase() === login.toLowerCase());
}

export function repositoryNamed(world: World, name: string): Repository | undefined {
  return world.repositories.find((each) => fullName(each).toLowerCase() === name.toLowerCase());
}

/** The same by a name that it had once. */
export function repositoryOnceNamed(world: World, name: string): Repository | undefined {
  const wanted = name.toLowerCase();
  return world.repositories.find((each) =>
    each.formerNames.some((former) => former.toLowerCase() === wanted),
  );
}

/** What a person may do there. */
export function levelOf(repository: Repository, user: User): Level {
  if (user.id === repository.owner.id) return 'admin';
  return repository.collaborators.get(user.login.toLowerCase()) ?? (repository.isPrivate ? 'none' : 'read');
}

/** Whether a person may change what is there. */
export function mayWrite(repository: Repository, user: User): boolean {
  return ['admin', 'write'].includes(levelOf(repository, user));
}

/** A node id of the shape that GitHub's have, which says what it is of. */
export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(`${kind}:${id}`).toString('base64url')}`;
}
