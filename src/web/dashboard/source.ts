import type { RunReader } from '../../events/store.ts';

/** The output of one unit of a run. */
interface OutputOf {
  readonly run: string;
  readonly unit: string;
}

/** A part of a unit's output, as it is stored. */
export interface OutputPart {
  readonly text: string;
  /** Where the next part begins. */
  readonly cursor: number;
  /** Whether something before it is not in it: `tail` began later, or the store did not keep it. */
  readonly isCut: boolean;
}

/** What the dashboard asks of a run, or of units of it. */
export interface ChangeRequest {
  readonly kind: 'cancel' | 'retry' | 'skip';
  readonly run: string;
  /** None: the whole run. */
  readonly units: readonly string[];
  /** Who asks; undefined: whoever has the address, as the source names them. */
  readonly actor?: string;
}

/** The ends of a change in git, as commits. */
interface CommitPair {
  readonly from: string;
  readonly to: string;
}

/** A repository of a server. */
export interface RepositoryFacts {
  /** `OWNER/NAME`, or the address of one that is not on GitHub. */
  readonly name: string;
  /** Its newest runs after so many others. */
  readonly runs: readonly string[];
  /** The last days on which its runs used anything, the newest first. Tokens, dollars. */
  readonly days: readonly {
    readonly day: string;
    readonly runs: number;
    readonly tokens: number;
    readonly cost: number;
  }[];
}

/** The repositories of a server. */
export interface RepositorySource {
  /** The id of the repository that a run is of. */
  readonly of: (run: string) => Promise<string | undefined>;
  /** Undefined: there is none. */
  readonly read: (
    id: string,
    runs: { readonly skipped: number; readonly most: number },
  ) => Promise<RepositoryFacts | undefined>;
}

/** Rows of a server, for a person. */
export interface ServerView {
  /** An identifier; `choo db show` has it under this name. */
  readonly name: string;
  readonly summary: string;
  /** With the same columns each; more than a page shows where there are more. */
  readonly rows: readonly Readonly<Record<string, string | number | boolean | null>>[];
}

/** What an operator sees and does of a whole server. */
export interface ServerSource {
  readonly views: () => Promise<readonly ServerView[]>;
  /**
   * Has a delivery handled again that was given up or waits. `actor`: who asks; undefined: whoever has the address. Throws a
   * ChooError (`usage`) where there is none.
   */
  readonly handleAgain: (delivery: string, actor: string | undefined) => Promise<void>;
}

/** Where the dashboard reads runs: the journal of a repository, or the database of a server. */
export interface DashboardSource {
  /** Where the runs are, for the title: the name of a repository's directory, or of a server. */
  readonly name: string;
  readonly store: Pick<RunReader, 'read' | 'subscribe' | 'runs'>;
  /** Whether a run that its events leave open goes on: some process works on it, or will. */
  readonly isAlive: (run: string) => Promise<boolean>;
  /** A part after a cursor; `length` bounds it, in characters or bytes. Undefined: there is no output. */
  readonly readOutput: (of: OutputOf, after: number, length: number) => Promise<OutputPart | undefined>;
  /** The last part, of about that length. */
  readonly tailOutput: (of: OutputOf, length: number) => Promise<OutputPart | undefined>;
  /** Calls whenever output may have grown, until the signal. */
  readonly followOutput: (of: OutputOf, onGrowth: () => void, signal: AbortSignal) => Promise<void>;
  /** The patch between two commits, cut at a length; undefined: not readable here. */
  readonly readPatch: ((pair: CommitPair, length: number) => Promise<string>) | undefined;
  /** Carries a change out. Throws a ChooError (`usage`, `conflict`) for a refusal. */
  readonly change: (request: ChangeRequest) => Promise<void>;
  /** Whether a whole run can be cancelled and retried from here. */
  readonly changesRuns: boolean;
  /** Undefined: there is one repository. */
  readonly repositories?: RepositorySource;
  /** Undefined: there is no server. */
  readonly server?: ServerSource;
}
