import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import type { RunEvent } from '../events/event.ts';
import type { RunState } from '../events/state.ts';
import type { EventLog, UnitRecords } from '../events/store.ts';
import type { OrchStarted } from '../events/unit-record.ts';
import type { Repository } from '../git/repository.ts';
import type { WorktreeManager } from '../git/worktree.ts';
import type { RunChange } from '../scheduler/run-control.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Agent } from '../worker/agent/agent.ts';
import type { RateLimitPolicy } from '../worker/unit-job.ts';
import type { LogSink } from '../worker/unit-log.ts';

/** A run to execute or resume. */
export interface RunInput {
  readonly start: OrchStarted;
  /** Its state after earlier processes. */
  readonly before: RunState | undefined;
  /** A requested change, made before it continues. */
  readonly change?: RunChange;
  readonly units: readonly Unit[];
  readonly config: Config;
  readonly keepWorktrees: boolean;
}

/** Services that execute a run. */
export interface RunServices {
  readonly store: EventLog & UnitRecords;
  readonly repository: Repository;
  readonly worktrees: WorktreeManager;
  readonly sandbox: Sandbox;
  /** The agent of a provider, ready to start. Throws a ChooError when there is none. */
  readonly agentOf: (provider: string) => Agent;
  /** Removes secret values from shown, logged and stored text; `secretForms` are searched for before a commit. */
  readonly redact: (text: string) => string;
  readonly secretForms: readonly Buffer[];
  /** See {@link WorkerServices}. */
  readonly setUpSecrets?: Readonly<Record<string, string>> | undefined;
  /** Opens a unit's log. */
  readonly openLog: (unit: string) => LogSink;
  /** Directory of the output of gates and commands. */
  readonly logDirectory: string;
  readonly scratch: string;
  readonly rateLimits: RateLimitPolicy;
  /** Called with events in order, once they are safe. Its errors are ignored. */
  readonly onEvents: (events: readonly RunEvent[], state: RunState) => void;
  readonly onActivity: (unit: string, text: string) => void;
}
