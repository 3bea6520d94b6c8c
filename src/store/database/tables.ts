import type { ColumnType, Generated } from 'kysely';
import type { UnitRecord } from '../../events/store.ts';
import type { BigInteger, DefaultBigInteger, DefaultTimestamp, Json, Leased, Timestamp } from './columns.ts';

/** Where a unit of a server's run stands. `waiting`: for others; `queued`: a job says that it may start. */
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

/** A git remote that runs are for. */
interface RepositoryTable {
  id: Generated<string>;
  remote: string;
  installation: string;
  /** How many of its units are worked on at once; null: no limit of its own. */
  max_units: number | null;
  /** Random; what else is needed to name its copy on a machine. A new one leaves the old copy behind. */
  copy: Generated<string>;
}

/** Who shares the machines fairly. `served` grows with every slot they were given. */
interface InstallationTable {
  name: string;
  served: BigInteger;
}

/** What came from outside, once each, and a job until it is handled. */
interface DeliveryTable extends Leased {
  id: string;
  event: string;
  received_at: Generated<Timestamp>;
  handled_at: Timestamp | null;
  payload: Json<unknown>;
  /** In the order they came. */
  number: Generated<string>;
  /** Those of one thread are handled one at a time, in order. */
  thread: string;
  github_repository: BigInteger | null;
  tries: Generated<number>;
  not_before: DefaultTimestamp;
  /** Why the last try failed, or why there will be no other. */
  trouble: string | null;
}

/** A repository that the App is installed on, by GitHub's number for it: names change. */
interface GitHubRepositoryTable {
  github_id: BigInteger;
  repository: BigInteger;
  installation: BigInteger;
  owner: string;
  name: string;
  default_branch: string;
  /** The commit of the newest configuration without errors; null: there was none. */
  config_commit: string | null;
  has_labels: Generated<boolean>;
  /** When choo lost it. What is kept of it goes soon after. */
  removed_at: Timestamp | null;
}

/** What choo has written on GitHub, by what it is; a row is there before the request is made. */
interface PostTable {
  repository: BigInteger;
  key: string;
  /** GitHub's number for it; null: it was asked for, and nobody knows what came of it. */
  github_id: BigInteger | null;
  /** Of what stands there now; null: unknown. */
  hash: string | null;
}

/** Which commit's plan a thread was shown, and when. */
interface PostedPlanTable {
  repository: BigInteger;
  thread: number;
  commit: string;
  posted_at: Timestamp;
}

/** Who asked for a run, where they are answered, and how much of it was told there. */
interface ReportTable extends Leased {
  run: string;
  repository: BigInteger;
  /** The number of an issue or pull request; null: the check of the plan is all there is. */
  thread: number | null;
  is_pull: boolean;
  /** The branch that pull requests go to. */
  base: string;
  /** GitHub's number of the person; null: nobody has to be looked up. */
  actor_id: BigInteger | null;
  /** They were looked up again when the first unit started. */
  approved: Generated<boolean>;
  /** Told up to this event, and to this count of other reasons to tell it anew. */
  seq: Generated<number>;
  wanted: Generated<number>;
  /** When what GitHub refused is tried again; null: nothing was. */
  retry_at: Date | null;
  not_before: DefaultTimestamp;
}

/** The pull requests of units. */
interface UnitPullTable {
  repository: BigInteger;
  target: string;
  unit: string;
  number: number;
  node_id: string;
  state: 'open' | 'merged' | 'closed' | 'lost';
  base: string;
  draft: boolean;
  /** Of its title and body. */
  hash: string;
  /** The run that opened it; null: one from before that was noted. */
  run: string | null;
}

/** When the next change may be made on GitHub in the name of an installation. */
interface WriteTurnTable {
  installation: BigInteger;
  next_at: Timestamp;
}

/** What somebody asked for, once each, whatever it came in. */
interface RequestTable {
  source: string;
  repository: BigInteger;
  run: string | null;
  received_at: Generated<Timestamp>;
}

/** A process that works on units, or did. */
interface WorkerTable {
  number: Generated<number>;
  host: string;
  /** Tells the process from every other one of its machine; see process-identity.ts. */
  identity: string;
  /** What marks the processes it starts, so that what it leaves behind is found. */
  owner: string;
  beat_at: Generated<Timestamp>;
}

interface RunTable {
  id: string;
  repository: BigInteger;
  target: string;
  status: RunStatus;
  /** The number of the run's newest event, and when that was, in milliseconds since 1970. */
  seq: number;
  last_at: number;
  parallelism: number;
  /** What a worker needs beside the first event; a server's business. */
  plan: Json<unknown>;
  ended_at: Timestamp | null;
}

/** When a run was given a slot last, as a number that only grows. */
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
  /** The longest way through what depends on it: what is started first. */
  priority: number;
  /** How often it was claimed. What comes with another number than this one is late, and refused. */
  claim: Generated<number>;
  /** The number of the last batch of events that this claim wrote, so that one that is sent twice counts once. */
  batch: Generated<number>;
  /** Who works on it; kept until they say that they stopped, or are known to be dead. */
  worker: number | null;
  /** How many workers died while they had it, since a task of it was completed; see quarantine.ts. */
  deaths: Generated<number>;
  /** None where it was set aside. */
  job: string | null;
  /** How often that job was tried before; where it was set aside, how often the unit was. */
  job_try: number | null;
  /** Not before then. */
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

/** Tokens and dollars of one claim: set aside for the attempt under way, used by it so far, and used by those before it. */
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

/** Tokens and dollars of one run in one day of the database, in UTC. */
interface DaySpendingTable {
  day: ColumnType<Date, Date | string, Date | string>;
  installation: string;
  run: string;
  tokens: BigInteger;
  cost: number;
}

/** Providers that take no work for a while. */
interface HoldTable {
  run: string;
  provider: string;
  until: Timestamp;
}

/** What a unit printed, in pieces. The first and the last are kept, `dropped` characters in between are not. */
interface OutputTable {
  run: string;
  unit: string;
  piece: number;
  text: string;
}

interface OutputTotalTable {
  run: string;
  unit: string;
  /** How many of the pieces are kept for ever, and how many there were in all. */
  head_pieces: Generated<number>;
  pieces: Generated<number>;
  head_length: Generated<number>;
  tail_length: Generated<number>;
  dropped: DefaultBigInteger;
}

/** The tables of choo, in the schema `choo`. */
export interface Tables {
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
  posts: PostTable;
  posted_plans: PostedPlanTable;
  reports: ReportTable;
  unit_pulls: UnitPullTable;
  write_turns: WriteTurnTable;
}
