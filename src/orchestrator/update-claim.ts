import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import type { ReviewRequest } from '../events/review-request.ts';
import type { UnitRecord } from '../events/store.ts';
import type { UnitProgress } from '../events/unit-progress.ts';
import type { OrchStarted } from '../events/unit-record.ts';
import type { UnitUpdate } from '../events/unit-update.ts';
import type { Agent } from '../worker/agent/agent.ts';
import type { GateServices, WorkerServices } from '../worker/unit-job.ts';
import type { LogSink } from '../worker/unit-log.ts';

/** The claimed unit of an update run. */
export interface ClaimedUpdate {
  readonly start: OrchStarted;
  readonly update: UnitUpdate;
  readonly config: Config;
  /** As in the approved specs: its gates judge. */
  readonly unit: Unit;
  /** The units that were merged into its branch: their gates judge, too. */
  readonly also: readonly Unit[];
  readonly claim: number;
  readonly branch: string;
  /** The branch's head; undefined when there is no branch. */
  readonly branchHead: string | undefined;
  readonly record: UnitRecord | undefined;
  /** For an update with work for an agent. */
  readonly earlier: EarlierClaims;
}

export interface UpdateServices extends Omit<GateServices, 'log' | 'onActivity'> {
  /** Removes secret values from text before it is shown, logged or stored. */
  readonly redact: (text: string) => string;
  readonly openLog: (unit: string) => LogSink;
  readonly agents: AgentServices;
}

/** An update for which an agent may start. */
export interface AgentServices {
  /** The agent of the unit's provider. Throws a ChooError when there is none. */
  readonly findAgent: () => Agent;
  readonly budget: WorkerServices['budget'];
  readonly rateLimits: WorkerServices['rateLimits'];
  /** The content of a round of review; undefined: there is no such round. */
  readonly readRound: (round: string) => Promise<ReviewRequest | undefined>;
  /** Pauses the unit's provider until a time. Milliseconds since 1970. */
  readonly hold: (until: number) => Promise<void>;
}

/** What earlier claims of this update came to. */
interface EarlierClaims {
  readonly progress: Pick<UnitProgress, 'repairs' | 'waited' | 'committed'>;
  readonly hasAnswered: boolean;
}
