import { sql } from 'kysely';
import { ChooError } from '../errors.ts';
import type { Database, DatabaseAddress } from './database.ts';
import { openDatabase } from './database.ts';
import { openEmbedded } from './embedded.ts';
import { Jobs } from './jobs.ts';
import { Listener } from './listener.ts';
import { migrate, migrationStatus } from './migrate.ts';
import { RunBook } from './run-book.ts';

/** What a process of a server has of the database. */
export interface ServerStore extends AsyncDisposable {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly listener: Listener;
  readonly book: RunBook;
}

export interface DatabaseOptions {
  /** A PostgreSQL of the operator's; undefined: the built-in one. */
  readonly url: string | undefined;
  readonly dataDirectory: string;
  /** What the connections are called, for whoever looks at the database. */
  readonly name: string;
  /** How many connections there may be at once, beside one that listens. */
  readonly size: number;
  readonly onError: (error: Error) => void;
}

export interface ServerStoreOptions extends DatabaseOptions {
  /** Bring the tables up to date, or refuse what is not: a command that only looks must not change them under others. */
  readonly tables: 'migrate' | 'require';
  /** This process keeps the queues tidy. */
  readonly supervise: boolean;
}

/** A database as it is. */
export interface OpenDatabase extends AsyncDisposable {
  readonly address: DatabaseAddress;
  readonly database: Database;
}

/** Opens the database of a server; the built-in one is started when it does not run. Throws a ChooError (`environment`). */
export async function openServerDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const { url, dataDirectory, name, size, onError } = options;
  await using stack = new AsyncDisposableStack();
  const address: DatabaseAddress =
    url === undefined ? stack.use(await openEmbedded(dataDirectory)).connection : { url };
  const database = openDatabase(address, { name, size, onError });
  stack.defer(async () => database.destroy());
  await sql`select 1`.execute(database).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ChooError('environment', `the database cannot be reached: ${reason}`, {
      hint: url === undefined ? `${dataDirectory}/postgres/server.log may say why` : 'check DATABASE_URL',
      cause,
    });
  });
  const kept = stack.move();
  return { address, database, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

/** Opens the store of a server. Throws a ChooError (`environment`) where that cannot be. */
export async function openServerStore(options: ServerStoreOptions): Promise<ServerStore> {
  const { url, dataDirectory, name, tables, supervise, onError } = options;
  await using stack = new AsyncDisposableStack();
  const { address, database } = stack.use(await openServerDatabase(options));
  if (tables === 'migrate') await migrate(database);
  else await requireTables(database);
  const jobs = stack.use(await Jobs.open(address, { supervise, onError }));
  // The built-in server has nobody else to start it again.
  const revive = async (): Promise<void> => {
    if (url === undefined) await (await openEmbedded(dataDirectory))[Symbol.asyncDispose]();
  };
  const listener = stack.use(new Listener(address, name, revive));
  await listener.ready();
  const kept = stack.move();
  return {
    database,
    jobs,
    listener,
    book: new RunBook(database, jobs),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

async function requireTables(database: Database): Promise<void> {
  const missing = (await migrationStatus(database)).filter(({ appliedAt }) => appliedAt === undefined);
  if (missing.length === 0) return;
  throw new ChooError('environment', 'the database is older than this choo', {
    hint: '`choo serve` and `choo db migrate` bring it up to date; update every process that uses it',
  });
}

/** Rejects while the database, or choo's tables in it, cannot be read. */
export async function probeTables(database: Database): Promise<void> {
  await database.selectFrom('workers').select('number').limit(1).execute();
}
