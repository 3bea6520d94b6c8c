import type { ColumnType, Generated } from 'kysely';
import type { UnitRecord } from '../../events/store.ts';
import type { BigInteger, DefaultBigInteger, DefaultTimestamp, Json, Leased, Timestamp } from './columns.ts';
import type { GitHubTables } from './github-tables.ts';

/** The state of a unit of a server's run. `waiting`: for its dependencies; `queued`: it may be claimed. */
export type RowState =
  | 'waiting'
  | 'queued'
  | 'running'
  | 'complete'
  | 'failed'
  | 'blocked'
  | 'cancelled'
  | 'skipped';

/** `waiting`: for the run before it, on the same branch of the same repository. */
export type RunStatus = 'waiting' | 'running' | 'complete' | 'failed' | 'cancelled';

/** See {@link RunTable.purpose}. */
export type RunPurpose = 'work' | 'update';

/** A git remote that has runs. */
interface RepositoryTable {
  id: Generated<string>;
  remote: string;
  installation: string;
  /** How many of its units may be claimed at once; null: no limit of its own. */
  max_units: number | null;
  /** Random part of the name of its copy on a machine. A new value abandons the old copy. */
  copy: Generated<string>;
}

/** Installations share the slots fairly. `served` grows with every slot that one gets. */
interface InstallationTable {
  name: string;
  served: BigInteger;
}

/** A delivery of GitHub, stored once, and a job until it is handled. */
interface DeliveryTable extends Leased {
  id: string;
  event: string;
  received_at: Generated<Timestamp>;
  handled_at: Timestamp | null;
  payload: Json<unknown>;
  /** Order of arrival. */
  number: Generated<string>;
  /** Deliveries of one thread are handled one at a time, in order. */
  thread: string;
  github_repository: BigInteger | null;
  tries: Generated<number>;
  not_before: DefaultTimestamp;
  /** Why the last try failed, or why there will be no other one. */
  trouble: string | null;
}

/** A repository that the App is installed on, keyed by GitHub's id: names change. */
interface GitHubRepositoryTable {
  github_id: BigInteger;
  repository: BigInteger;
  installation: BigInteger;
  owner: string;
  name: string;
  default_branch: string;
  /** The commit of the newest configuration without errors; null: none yet. */
  config_commit: string | null;
  has_labels: Generated<boolean>;
  /** When choo lost access to it. Its data is deleted soon after. */
  removed_at: Timestamp | null;
}

/** Who requested a run, where it is published, and how far. */
interface ReportTable extends Leased {
  run: string;
  repository: BigInteger;
  /** The number of an issue or pull request; null: there is only the check run of the plan. */
  thread: number | null;
  is_pull: boolean;
  /** The branch that pull requests go to. */
  base: string;
  /** GitHub's id of the actor; null: no permission has to be checked. */
  actor_id: BigInteger | null;
  /** The actor's permission was checked again when the first unit started. */
  approved: Generated<boolean>;
  /** Published up to this event. `wanted` counts the other reasons to publish again. */
  seq: Generated<number>;
  wanted: Generated<number>;
  /** When rejected writes are tried again; null: there are none. */
  retry_at: Date | null;
  not_before: DefaultTimestamp;
}

/** A request, stored once, whichever delivery brought it. */
interface RequestTable {
  source: string;
  repository: BigInteger;
  run: string | null;
  received_at: Generated<Timestamp>;
}

/** A worker, alive or not. */
interface WorkerTable {
  number: Generated<number>;
  host: string;
  /** Identifies the process on its machine; see process-identity.ts. */
  identity: string;
  /** Owner mark of the processes it starts, so that they are found after its death. */
  owner: string;
  beat_at: Generated<Timestamp>;
}

interface RunTable {
  id: string;
  repository: BigInteger;
  target: string;
  status: RunStatus;
  /** The number of the run's newest event, and its time in milliseconds since 1970. */
  seq: number;
  last_at: number;
  parallelism: number;
  /** `work`: a person requested it. `update`: it brings its only unit up to date, or verifies its head. */
  purpose: Generated<RunPurpose>;
  /** The unit of an update. */
  update_unit: string | null;
  /** What a worker needs beside the first event; opaque to the store. */
  plan: Json<unknown>;
  ended_at: Timestamp | null;
}

/** When a run last got a slot, as a number that only grows. */
interface RunTurnTable {
  run: string;
  served: BigInteger;
}

interface UnitTable {
  run: string;
  id: string;
  state: RowState;
  key: string;
  provider: string;
  /** Length of its critical path. The highest starts first. */
  priority: number;
  /** Claim number. Writes with any other number are late, and refused. */
  claim: Generated<number>;
  /** The number of the claim's last batch of events, so that a batch that is sent twice counts once. */
  batch: Generated<number>;
  /** The worker that has it, until that worker released it or is known to be dead. */
  worker: number | null;
  /** How many workers died with it since its last completed task; see quarantine.ts. */
  deaths: Generated<number>;
  /** How many workers gave it back unfinished since it was queued anew. */
  tries: Generated<number>;
  /** Earliest time of its next claim. */
  not_before: Generated<Timestamp>;
  beat_at: Timestamp | null;
  head: string | null;
}

interface DependencyTable {
  run: string;
  unit: string;
  depends_on: string;
}

interface EventTable {
  run: string;
  seq: number;
  at: number;
  unit: string | null;
  body: Json<unknown>;
}

interface RecordTable {
  repository: BigInteger;
  target: string;
  unit: string;
  body: Json<Omit<UnitRecord, 'target' | 'unit'>>;
}

/** Tokens and dollars of one claim: reserved for the current attempt, used by it so far, and used by earlier attempts. */
interface SpendingTable {
  run: string;
  unit: string;
  claim: number;
  reserved_tokens: DefaultBigInteger;
  reserved_cost: Generated<number>;
  open_tokens: DefaultBigInteger;
  open_cost: Generated<number>;
  used_tokens: DefaultBigInteger;
  used_cost: Generated<number>;
}

/** Tokens and dollars of one run on one day, in UTC, by the database's clock. */
interface DaySpendingTable {
  day: ColumnType<Date, Date | string, Date | string>;
  installation: string;
  run: string;
  tokens: BigInteger;
  cost: number;
}

/** Provider pauses of a run. */
interface HoldTable {
  run: string;
  provider: string;
  until: Timestamp;
}

/** Output of a unit, in pieces. The first and the last are retained, `dropped` characters between them are not. */
interface OutputTable {
  run: string;
  unit: string;
  piece: number;
  text: string;
}

interface OutputTotalTable {
  run: string;
  unit: string;
  /** How many pieces at the start are retained for good, and how many were written in all. */
  head_pieces: Generated<number>;
  pieces: Generated<number>;
  head_length: Generated<number>;
  tail_length: Generated<number>;
  dropped: DefaultBigInteger;
}

/** The tables of choo, in the schema `choo`. */
export interface Tables extends GitHubTables {
  repositories: RepositoryTable;
  installations: InstallationTable;
  deliveries: DeliveryTable;
  requests: RequestTable;
  workers: WorkerTable;
  runs: RunTable;
  run_turns: RunTurnTable;
  units: UnitTable;
  dependencies: DependencyTable;
  events: EventTable;
  records: RecordTable;
  spending: SpendingTable;
  day_spending: DaySpendingTable;
  holds: HoldTable;
  output: OutputTable;
  output_totals: OutputTotalTable;
  github_repositories: GitHubRepositoryTable;
  reports: ReportTable;
}
