import type { Deliveries } from './deliveries.ts';
import type { LimitFunction } from 'p-limit';
import type { Level } from './options.ts';
import type { Stack } from './pulls/stacks.ts';
import type { Review, ReviewComment, ReviewThread } from './reviews/state.ts';
import type { Ruleset } from './rules.ts';

/** A problem that a hook found in a request. */
export type Violation = string;

/** JSON for an answer. */
export type Json = Readonly<Record<string, unknown>>;

export interface User {
  readonly id: number;
  login: string;
  readonly type: 'User' | 'Bot' | 'Organization';
  /** Its profile from the emulator. */
  readonly profile: Json;
}

interface App {
  readonly id: number;
  readonly slug: string;
  readonly privateKey: string;
  readonly webhookSecret: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where people who sign in may be sent back to. */
  readonly callbackUrls: readonly string[];
  readonly permissions: Readonly<Record<string, 'read' | 'write'>>;
  /** Those it subscribes to; undefined for all. */
  readonly events: readonly string[] | undefined;
  /** The account that is the author of its texts. */
  readonly bot: User;
}

export interface Installation {
  readonly id: number;
  readonly account: User;
  permissions: Readonly<Record<string, 'read' | 'write'>>;
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

/** The part of an issue that makes it a pull request. */
export interface Pull {
  readonly id: number;
  readonly nodeId: string;
  readonly head: Side;
  readonly base: Side;
  draft: boolean;
  mergedAt: string | null;
  mergedBy: User | null;
  mergeCommit: string | null;
  /** The tip of its base before it was merged. */
  broughtFrom: string | null;
  /** Who was asked for a review and has not given one since. */
  readonly requested: User[];
  /** The last merge that GitHub tried, for these two commits. */
  trial?: Trial;
}

/** A merge that was only tried. */
interface Trial {
  readonly base: string;
  readonly head: string;
  /** The merge commit, on no branch; null after a conflict. */
  readonly commit: string | null;
  /** Null until it was asked for. */
  rebaseable: boolean | null;
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
  assignees: User[];
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

/** An App whose checks are there beside those of the app under test. */
export interface OtherApp {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
}

export interface CheckSuite {
  readonly id: number;
  /** Undefined: the app under test. */
  readonly app?: OtherApp | undefined;
  readonly sha: string;
  readonly branch: string | null;
  readonly createdAt: string;
  /** A new run was requested, and no run has changed since. */
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

/** What an owner sets for the merges of a repository, with GitHub's names. */
export interface MergeSettings {
  readonly allow_merge_commit: boolean;
  readonly allow_squash_merge: boolean;
  readonly allow_rebase_merge: boolean;
  readonly delete_branch_on_merge: boolean;
  readonly squash_merge_commit_title: 'PR_TITLE' | 'COMMIT_OR_PR_TITLE';
  readonly squash_merge_commit_message: 'PR_BODY' | 'COMMIT_MESSAGES' | 'BLANK';
}

export interface Repository {
  readonly id: number;
  /** Its fields from the emulator: dozens of URLs. */
  readonly profile: Json;
  owner: User;
  name: string;
  /** Former `owner/name`s; requests for them are redirected here. */
  readonly formerNames: string[];
  /** The bare repository: the source of refs, commits and files. */
  readonly bare: string;
  readonly parent: Repository | undefined;
  readonly drafts: boolean;
  readonly isPrivate: boolean;
  settings: MergeSettings;
  defaultBranch: string;
  /** Whether the automatic deletion of a merged branch wins against the new base of the pull requests on it. */
  deletionWins: boolean;
  /** Whether a push to the branch of a pull request dismisses its approvals. */
  dismissesStale: boolean;
  readonly collaborators: Map<string, Level>;
  installation: Installation | undefined;
  /** Serializes the writers of refs. */
  readonly alone: LimitFunction;
  rulesets: readonly Ruleset[];
  /** GitHub's own stacks; only they may change the bases of their pull requests. */
  readonly stacks: Stack[];
  readonly labels: Label[];
  readonly issues: Issue[];
  readonly comments: Comment[];
  readonly reviews: Review[];
  readonly threads: ReviewThread[];
  readonly reviewComments: ReviewComment[];
  readonly reactions: Reaction[];
  readonly suites: CheckSuite[];
  readonly checks: CheckRun[];
  readonly statuses: Status[];
}

/** The actor of a request: a person, the app by its key, or the app on an installation by a token. */
export type Actor =
  | { readonly kind: 'user'; readonly user: User }
  | { readonly kind: 'app'; readonly user: User }
  | {
      readonly kind: 'installation';
      readonly user: User;
      readonly installation: Installation;
      /** Ids of repositories; undefined for all of the installation. */
      readonly repositories: ReadonlySet<number> | undefined;
      readonly permissions: Readonly<Record<string, string>>;
    };

/** An event that GitHub would deliver to the app. */
export interface Happening {
  readonly event: string;
  readonly action?: string;
  readonly sender: User;
  readonly repository?: Repository;
  readonly installation?: Installation;
  readonly payload: Json;
}

/** The whole state of this GitHub, except what is in git. */
export interface World {
  readonly origin: string;
  readonly root: string;
  readonly app: App;
  readonly users: User[];
  readonly repositories: Repository[];
  readonly installations: Installation[];
  readonly nextId: () => number;
  /** What was delivered to the app. */
  readonly deliveries: Pick<Deliveries, 'all' | 'add' | 'redeliver'>;
  /** Delivers an event to the app, if it is installed there. */
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

/** Finds a repository by a former name. */
export function repositoryOnceNamed(world: World, name: string): Repository | undefined {
  const wanted = name.toLowerCase();
  return world.repositories.find((each) =>
    each.formerNames.some((former) => former.toLowerCase() === wanted),
  );
}

/** A person's permission on a repository. */
export function levelOf(repository: Repository, user: User): Level {
  if (user.id === repository.owner.id) return 'admin';
  return repository.collaborators.get(user.login.toLowerCase()) ?? (repository.isPrivate ? 'none' : 'read');
}

/** Whether a person may write to a repository. */
export function mayWrite(repository: Repository, user: User): boolean {
  return ['admin', 'write'].includes(levelOf(repository, user));
}

/** A node id in GitHub's format, which contains the type of the object. */
export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(`${kind}:${id}`).toString('base64url')}`;
}
