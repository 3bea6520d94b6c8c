import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pRetry from 'p-retry';
import pg from 'pg';
import type { Tables } from './tables.ts';

/** How a PostgreSQL is reached: a URL, or the directory of a socket. */
export type DatabaseAddress =
  | { readonly url: string }
  | { readonly host: string; readonly user: string; readonly database: string };

export type Database = Kysely<Tables>;
export type Trx = Transaction<Tables>;

/** The schema all of choo's own tables are in, and the one of the jobs. */
export const SCHEMA = 'choo';
export const JOB_SCHEMA = 'choo_jobs';

/** No statement of choo takes this long unless nobody answers any more. Milliseconds. */
const STATEMENT_MS = 20_000;

/** Whoever holds something and says nothing for so long lost it: its machine is gone. Milliseconds. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** And a connection over a network that nobody answers on. Seconds: the first probe, each next one, how many. */
const PROBES = ['tcp_keepalives_idle=5', 'tcp_keepalives_interval=2', 'tcp_keepalives_count=3'] as const;

/** What every connection of choo is opened with. */
export function connectionOf(address: DatabaseAddress, name: string): pg.ClientConfig {
  const where = 'url' in address ? { connectionString: address.url } : address;
  return {
    ...where,
    application_name: name,
    options: [`search_path=${SCHEMA}`, ...PROBES].map((setting) => `-c ${setting}`).join(' '),
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
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
  const planOnce = createPlanner();
  pool.on('connect', (client) => {
    client.on('error', onError); // one that breaks while it is lent out says so itself; its statement fails, too
    planOnce(client);
  });
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** How many statements a connection keeps the plans of; choo has fewer. */
const MAX_PREPARED_STATEMENTS = 500;

/** Has connections plan each statement once, by giving it a name: most take longer to plan than to run (ADR 12). */
function createPlanner(): (client: pg.PoolClient) => void {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    // The queue writes the name of a run into what fetches its jobs: no two are the same.
    if (known !== undefined || names.size >= MAX_PREPARED_STATEMENTS || text.includes("'run-")) return known;
    const name = `choo ${names.size + 1}`;
    names.set(text, name);
    return name;
  };
  return (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const named = (text: unknown, values: unknown, ...rest: unknown[]): unknown => {
      const name = typeof text === 'string' && Array.isArray(values) ? nameOf(text) : undefined;
      return name === undefined ? query(text, values, ...rest) : query({ name, text, values }, ...rest);
    };
    client.query = named as typeof client.query;
  };
}

/** Errors after which the same transaction can be tried again: the server went away, or two stood in each other's way. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
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
const RETRY_FOR_MS = 30_000;

/** Tries again while the database is away. What is tried must count once, however often it is done. */
export async function retryTransient<T>(attempt: () => Promise<T>): Promise<T> {
  return pRetry(attempt, {
    retries: Infinity,
    maxRetryTime: RETRY_FOR_MS,
    minTimeout: 50,
    maxTimeout: 1_000,
    shouldRetry: ({ error }) => isTransient(error),
  });
}

/** Whether trying again may help. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (TRANSIENT_CODES.has(code) || code.startsWith('08')) return true;
  // The driver's own words for a connection that broke have no code.
  return /Connection terminated|Client has encountered a connection error|not queryable|timeout exceeded when trying to connect|Query read timeout/i.test(
    error.message,
  );
}
