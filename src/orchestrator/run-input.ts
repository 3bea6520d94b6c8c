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

/** A run to carry out, or to go on with. */
export interface RunInput {
  readonly start: OrchStarted;
  /** What earlier processes did of it. */
  readonly before: RunState | undefined;
  /** What a request changes in it before it goes on. */
  readonly change?: RunChange;
  readonly units: readonly Unit[];
  readonly config: Config;
  readonly keepWorktrees: boolean;
}

/** What a run is carried out with. */
export interface RunServices {
  readonly store: EventLog & UnitRecords;
  readonly repository: Repository;
  readonly worktrees: WorktreeManager;
  readonly sandbox: Sandbox;
  /** The agent of a provider, ready to start. Throws a ChooError where there is none. */
  readonly agentOf: (provider: string) => Agent;
  /** Takes secret values out of what is shown, logged or remembered; and what is searched for before a commit. */
  readonly redact: (text: string) => string;
  readonly secretForms: readonly Buffer[];
  /** Where the story of a unit goes. */
  readonly openLog: (unit: string) => LogSink;
  /** Where the output of gates and commands is kept. */
  readonly logDirectory: string;
  readonly scratch: string;
  readonly rateLimits: RateLimitPolicy;
  /** Told of every event once it is safe, in order. What it throws is lost. */
  readonly onEvents: (events: readonly RunEvent[], state: RunState) => void;
  readonly onActivity: (unit: string, text: string) => void;
}
