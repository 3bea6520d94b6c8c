import type { EventBody, RunEvent } from './event.ts';

/** Where a unit stands for its target branch, whatever the run: what makes a later run go on instead of starting over. */
export interface UnitRecord {
  readonly target: string;
  /** From the repository's root to its project, with a slash at its end; left out where that is the root. */
  readonly directory?: string;
  readonly unit: string;
  /** The run that worked on it last. */
  readonly run: string;
  readonly key: string;
  readonly branch: string;
  /** The commit its work started from. */
  readonly base: string;
  /** The heads of its dependencies that `base` holds, by unit. */
  readonly builtOn: Readonly<Record<string, string>>;
  /** Where choo left its branch; null: there is none yet. */
  readonly head: string | null;
  /** The newest commit made for it: `head`, or one that a crash kept from the branch. */
  readonly committed: string;
  /** The tasks that were complete at `committed`. Their gates run again before anybody counts on it. */
  readonly tasks: readonly number[];
  /** `head` passed verify for `key`. */
  readonly verified: boolean;
  /** What became of its pull request, while that is the last that happened. */
  readonly outcome?: 'merged' | 'rejected';
}

/**
 * Where the events of local runs are written. On a server they are written with all that follows from them instead: a run is
 * submitted, and the worker that claimed a unit writes its events.
 */
export interface EventLog {
  /**
   * Adds events to a run, all or none, and returns them numbered from `expected + 1`. They are safe on disk when it
   * resolves. Throws a ChooError (`conflict`) when the run's last number is not `expected`: another process writes to it.
   */
  append(run: string, expected: number, events: readonly EventBody[]): Promise<readonly RunEvent[]>;
}

/** Where the events of runs are read, while they are written by any process. */
export interface RunReader {
  /** The events of a run after a number; none for a run that is not known. */
  read(run: string, after?: number): Promise<readonly RunEvent[]>;
  /** Calls with each event after a number, in order, those there are and those to come, until the signal. */
  subscribe(
    run: string,
    after: number,
    onEvents: (events: readonly RunEvent[]) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** The runs, newest first. */
  runs(): Promise<readonly string[]>;
}

/** What is known of units; follows from the events of all runs. */
export interface UnitRecords {
  /** Of the project at the root of the repository, or in a directory of it. */
  record(target: string, unit: string, directory?: string): Promise<UnitRecord | undefined>;
}
