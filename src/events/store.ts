import type { EventBody, RunEvent } from './event.ts';

/** What is known of a unit for its target branch, across runs, so that a later run continues instead of starting over. */
export interface UnitRecord {
  readonly target: string;
  /** From the repository's root to its project, with a slash at its end; absent for the root. */
  readonly directory?: string;
  readonly unit: string;
  /** The run that worked on it last. */
  readonly run: string;
  readonly key: string;
  readonly branch: string;
  /** The commit its work started from. */
  readonly base: string;
  /** The heads of its dependencies in `base`, by unit. */
  readonly builtOn: Readonly<Record<string, string>>;
  /** The head of its branch, as choo left it; null: there is none yet. */
  readonly head: string | null;
  /** The newest commit made for it: `head`, or one that was not pushed because of a crash. */
  readonly committed: string;
  /** The tasks that were complete at `committed`. Their gates run again before choo relies on it. */
  readonly tasks: readonly number[];
  /** `head` passed verify for `key`. */
  readonly verified: boolean;
  /** What became of its pull request, until something newer happens. */
  readonly outcome?: 'merged' | 'rejected' | 'reverted';
  /** `reverted`: the commit of the target that took the merge back. */
  readonly revert?: string;
}

/**
 * The event log of local runs. A server has none: it writes events in the transactions of the run store, when a run is
 * submitted and when the worker with the claim reports.
 */
export interface EventLog {
  /**
   * Appends events to a run, all or none, and returns them numbered from `expected + 1`. They are durable when it resolves.
   * Throws a ChooError (`conflict`) when the run's last number is not `expected`: another process writes to it.
   */
  append(run: string, expected: number, events: readonly EventBody[]): Promise<readonly RunEvent[]>;
}

/** Reads the events of runs, while any process may append to them. */
export interface RunReader {
  /** The events of a run after a number; none for an unknown run. */
  read(run: string, after?: number): Promise<readonly RunEvent[]>;
  /** Calls `onEvents` with all events after a number, existing and future ones, in order, until the signal. */
  subscribe(
    run: string,
    after: number,
    onEvents: (events: readonly RunEvent[]) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** The runs that a person requested, newest first; by default all. */
  runs(most?: number): Promise<readonly string[]>;
}

/** The unit records, projected from the events of all runs. */
export interface UnitRecords {
  /** The record of a unit; `directory` is its project, by default the root of the repository. */
  record(target: string, unit: string, directory?: string): Promise<UnitRecord | undefined>;
}
