import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pRetry from 'p-retry';
import pg from 'pg';
import type { Tables } from './tables.ts';

/** The address of a PostgreSQL: a URL, or the directory of its socket. */
export type DatabaseAddress =
  | { readonly url: string }
  | { readonly host: string; readonly user: string; readonly database: string };

export type Database = Kysely<Tables>;
export type Trx = Transaction<Tables>;

/** The schema of choo's own tables, and the one of pg-boss. */
export const SCHEMA = 'choo';
export const JOB_SCHEMA = 'choo_jobs';

/** Statement timeout. No statement takes this long unless the server stopped answering. Milliseconds. */
const STATEMENT_MS = 20_000;

/** Idle-in-transaction timeout: frees the locks of a client whose machine vanished. Milliseconds. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** TCP keepalive, for a peer that vanished. First probe and interval in seconds, then the number of probes. */
const PROBES = ['tcp_keepalives_idle=5', 'tcp_keepalives_interval=2', 'tcp_keepalives_count=3'] as const;

/** The options of every connection that choo opens. */
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
 * Opens the database. Connections are made on demand, at most `size`. `onError` gets the errors of idle connections that
 * broke; the next statement opens a new one.
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
    client.on('error', onError); // a connection that breaks in use emits its own error, and its statement fails
    planOnce(client);
  });
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** Limit of prepared statements per connection; choo has fewer. */
const MAX_PREPARED_STATEMENTS = 500;

/** Names statements, so that a connection plans each one once: most take longer to plan than to run (ADR 12). */
function createPlanner(): (client: pg.PoolClient) => void {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= MAX_PREPARED_STATEMENTS) return known;
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

/** Errors after which the same transaction can be retried: the server went away, or two transactions conflicted. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
  '53300', // too many connections
  '25P03', // idle-in-transaction timeout
  '57P01', // the server is shutting down
  '57P02', // the server crashed
  '57P03', // the server is starting
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT', // no socket
  'EPIPE',
  'ETIMEDOUT',
]);

/** How long a change is retried while the database cannot be reached. Milliseconds. */
const RETRY_FOR_MS = 30_000;

/** Retries transient errors. `attempt` must be idempotent. */
export async function retryTransient<T>(attempt: () => Promise<T>): Promise<T> {
  return pRetry(attempt, {
    retries: Infinity,
    maxRetryTime: RETRY_FOR_MS,
    minTimeout: 50,
    maxTimeout: 1_000,
    shouldRetry: ({ error }) => isTransient(error),
  });
}

/** Whether a retry may help. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (TRANSIENT_CODES.has(code) || code.startsWith('08')) return true;
  // The driver's own errors for a broken connection have no code.
  return /Connection terminated|Client has encountered a connection error|not queryable|timeout exceeded when trying to connect|Query read timeout/i.test(
    error.message,
  );
}
