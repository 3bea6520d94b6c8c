import type { Readiness } from '../web/server.ts';

/** The work of a server: units, and the App's deliveries and reports. Disposing of it stops it at once. */
export interface Work extends AsyncDisposable {
  /** The sandbox of agents and gates. */
  readonly sandbox: string | Promise<string>;
  readonly readiness: () => Promise<Readiness>;
  /** Starts nothing new, waits for running units for CHOO_DRAIN_SECONDS or until `hurry`, and releases the rest. */
  readonly drain: (hurry: AbortSignal) => Promise<void>;
}

/** A worker without a heartbeat in the database for this long is not ready. Milliseconds. */
export const MAX_HEARTBEAT_AGE_MS = 10_000;
/** Interval of a worker's heartbeats to its supervisor. Milliseconds. */
export const HEARTBEAT_MS = 1_000;
