import { type ColumnType, type Generated, Kysely, PostgresDialect, type Transaction } from 'kysely';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { UnitRecord } from './store.ts';

/** How a PostgreSQL is reached: a URL, or the directory of a socket. */
export type DatabaseAddress =
  | { readonly url: string }
  | { readonly host: string; readonly user: string; readonly database: string };

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

/** A 64-bit number comes as text, for a number of JavaScript cannot hold it. */
type BigInteger = ColumnType<string, number | string, number | string>;
/** The same where the database has a value for it. */
type DefaultBigInteger = ColumnType<string, number | string | undefined, number | string>;
type Timestamp = ColumnType<Date, Date | string, Date | string>;
type Json<T> = ColumnType<T, string, string>;

/** A git remote that runs are for. */
interface RepositoryTable {
  id: Generated<string>;
  remote: string;
  installation: string;
  /** How many of its units are worked on at once; null: no limit of its own. */
  max_units: number | null;
}

/** Who shares the machines fairly. `served` grows with every slot they were given. */
interface InstallationTable {
  name: string;
  served: BigInteger;
}

/** What came from outside, once each. */
interface DeliveryTable {
  id: string;
  event: string;
  received_at: Generated<Timestamp>;
  handled_at: Timestamp | null;
  payload: Json<unknown>;
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
  job: string | null;
  /** How often that job was tried before. */
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

/** Providers that take no work for a while. */
interface HoldTable {
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
interface Tables {
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
  holds: HoldTable;
  output: OutputTable;
  output_totals: OutputTotalTable;
}

export type Database = Kysely<Tables>;
export type Trx = Transaction<Tables>;

/** The schema all of choo's own tables are in, and the one of the jobs. */
export const SCHEMA = 'choo';
export const JOB_SCHEMA = 'choo_jobs';

/** No statement of choo takes this long unless nobody answers any more. Milliseconds. */
const STATEMENT_MS = 20_000;

/** Whoever holds something and says nothing for so long lost it: its machine is gone. Milliseconds. */
const SILENT_MS = 10_000;
/** And a connection over a network that nobody answers on. Seconds: the first probe, each next one, how many. */
const PROBES = ['tcp_keepalives_idle=5', 'tcp_keepalives_interval=2', 'tcp_keepalives_count=3'] as const;

/** What every connection of choo is opened with. */
export function connectionOf(address: DatabaseAddress, name: string): pg.ClientConfig {
  const where = 'url' in address ? { connectionString: address.url } : address;
  return {
    ...where,
    application_name: name,
    options: [`search_path=${SCHEMA}`, ...PROBES].map((setting) => `-c ${setting}`).join(' '),
    idle_in_transaction_session_timeout: SILENT_MS,
    statement_timeout: STATEMENT_MS,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  };
}

/**
 * Opens the database; connections are made as they are needed, `size` at most. `onError` is told of idle connections that
 * broke: the next statement gets a new one.
 */
export function openDatabase(
  address: DatabaseAddress,
  {
    name,
    size = 10,
    onError,
  }: { readonly name: string; readonly size?: number; readonly onError: (error: Error) => void },
): Database {
  const pool = new pg.Pool({
    ...connectionOf(address, name),
    max: size,
    query_timeout: STATEMENT_MS,
    idleTimeoutMillis: 60_000,
  });
  pool.on('error', onError);
  // One that breaks while it is lent out says so itself; its statement fails, too.
  pool.on('connect', (client) => client.on('error', onError));
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** Errors after which the same transaction can be tried again: the server went away, or two stood in each other's way. */
const PASSING: ReadonlySet<string> = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
  '53300', // too many connections
  '25P03', // it was silent for too long in a transaction
  '57P01', // the server shuts down
  '57P02', // it crashed
  '57P03', // it starts
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT', // no socket
  'EPIPE',
  'ETIMEDOUT',
]);

/** How long a change is tried while the database is away. Milliseconds. */
const PATIENCE_MS = 30_000;

/** Tries again while the database is away. What is tried must count once, however often it is done. */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (let pause = 50; ; pause = Math.min(pause * 2, 1_000)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error) || Date.now() + pause > until) throw error;
      await wait(pause);
    }
  }
}

/** Whether trying again may help. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (PASSING.has(code) || code.startsWith('08')) return true;
  // The driver's own words for a connection that broke have no code.
  return /Connection terminated|Client has encountered a connection error|not queryable|timeout exceeded when trying to connect|Query read timeout/i.test(
    error.message,
  );
}
