import type { Readiness } from '../web/server.ts';

/** The work of a server: units, and what the App does about deliveries and runs. Disposing of it stops it at once. */
export interface Work extends AsyncDisposable {
  /** What agents and gates run in. */
  readonly sandbox: string | Promise<string>;
  readonly readiness: () => Promise<Readiness>;
  /** Starts nothing new, lets what runs go on for CHOO_DRAIN_SECONDS or until `hurry`, and hands the rest back. */
  readonly drain: (hurry: AbortSignal) => Promise<void>;
}

/** A worker that the database did not hear of for so long is not ready. Milliseconds. */
export const SILENT_MS = 10_000;
/** How often a worker in a process of its own says that it is not deaf. Milliseconds. */
export const BEAT_MS = 1_000;
