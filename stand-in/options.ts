import type { MergeSettings, Violation } from './world.ts';

export type Level = 'admin' | 'write' | 'read' | 'none';

/** The app under test. Omitted fields get defaults. */
interface AppOptions {
  readonly id?: number;
  readonly slug?: string;
  /** PEM. */
  readonly privateKey?: string;
  readonly webhookSecret?: string;
  /** Where people who sign in may be sent back to; by default the dashboard's on 127.0.0.1, at any port. */
  readonly callbackUrls?: readonly string[];
  /** The permissions that the app asks for; by default those that choo needs, without `workflows`. */
  readonly permissions?: Readonly<Record<string, 'read' | 'write'>>;
  /** What the owner of every installation accepted of them; by default all. */
  readonly accepted?: Readonly<Record<string, 'read' | 'write'>>;
  /** The events that the app subscribes to; by default all. */
  readonly events?: readonly string[];
}

interface UserOptions {
  readonly login: string;
  readonly type?: 'User' | 'Bot';
}

export interface RepositoryOptions {
  readonly owner: string;
  readonly name: string;
  /** The files of the first commit on `main`, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** The permissions of people. The owner is an admin; others may read public repositories. */
  readonly collaborators?: Readonly<Record<string, Level>>;
  readonly private?: boolean;
  /** False when the account's plan has no draft pull requests. */
  readonly drafts?: boolean;
  /** By default each method is allowed, and no branch is deleted. */
  readonly settings?: Partial<MergeSettings>;
  /** The installation: by default one for each owner, from 1001; null when the app is not installed here. */
  readonly installation?: number | null;
}

/** A request as a hook sees it, before the answer. */
export interface SeenRequest {
  readonly method: string;
  /** The path below `/api/v3`, or `/graphql`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly graphql?: boolean;
}

export interface GitHubOptions {
  readonly app?: AppOptions;
  readonly users?: readonly UserOptions[];
  readonly repositories?: readonly RepositoryOptions[];
  /** The initial address for webhooks. */
  readonly deliverTo?: string;
  /** Checks a request; the results are added to `violations`. */
  readonly onRequest?: (request: SeenRequest) => readonly Violation[];
}
