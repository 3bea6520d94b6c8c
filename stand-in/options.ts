import type { Violation } from './world.ts';

export type Level = 'admin' | 'write' | 'read' | 'none';

/** The app that is under test. What is left out is made up. */
interface AppOptions {
  readonly id?: number;
  readonly slug?: string;
  /** PEM. */
  readonly privateKey?: string;
  readonly webhookSecret?: string;
  /** What every installation grants; by default all that choo needs, which does not include `workflows`. */
  readonly permissions?: Readonly<Record<string, 'read' | 'write'>>;
}

interface UserOptions {
  readonly login: string;
  readonly type?: 'User' | 'Bot';
}

export interface RepositoryOptions {
  readonly owner: string;
  readonly name: string;
  /** The first commit on `main`, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** What people may do. The owner is an admin; who is not listed may read what is public. */
  readonly collaborators?: Readonly<Record<string, Level>>;
  readonly private?: boolean;
  /** False where a plan has no draft pull requests. */
  readonly drafts?: boolean;
  /** By default one for each owner, from 1001 on; null for a repository the app is not installed on. */
  readonly installation?: number | null;
}

/** One request as a hook sees it, before it is answered. */
export interface SeenRequest {
  readonly method: string;
  /** Below `/api/v3`, or `/graphql`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly graphql?: boolean;
}

export interface GitHubOptions {
  readonly app?: AppOptions;
  readonly users?: readonly UserOptions[];
  readonly repositories?: readonly RepositoryOptions[];
  /** Where webhooks go from the start. */
  readonly deliverTo?: string;
  /** What it returns is kept in `violations`. */
  readonly onRequest?: (request: SeenRequest) => readonly Violation[];
}
