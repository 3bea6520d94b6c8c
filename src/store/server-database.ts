import { sql } from 'kysely';
import { ChooError, messageOf } from '../errors.ts';
import { appendAudit } from './audit/chain.ts';
import { type Database, type DatabaseAddress, openDatabase } from './database/database.ts';
import { Listener } from './database/notifications.ts';
import { migrate } from './database/migrate.ts';
import { openEmbedded } from './embedded/embedded.ts';

export interface DatabaseOptions {
  /** The operator's PostgreSQL; undefined: the built-in one. */
  readonly url: string | undefined;
  readonly dataDirectory: string;
  /** Application name of the connections, for people who inspect the database. */
  readonly name: string;
  /** Limit of connections, beside the one that listens. */
  readonly size: number;
  readonly onError: (error: Error) => void;
}

/** An open database; its tables may not be up to date. */
export interface OpenDatabase extends AsyncDisposable {
  readonly address: DatabaseAddress;
  readonly database: Database;
}

/** Opens the database of a server, and starts the built-in one when it does not run. Throws a ChooError (`environment`). */
export async function openServerDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const { url, dataDirectory, name, size, onError } = options;
  await using stack = new AsyncDisposableStack();
  const address: DatabaseAddress =
    url === undefined ? stack.use(await openEmbedded(dataDirectory)).connection : { url };
  const database = openDatabase(address, { name, size, onError });
  stack.defer(async () => database.destroy());
  await sql`select 1`.execute(database).catch((cause: unknown) => {
    const reason = messageOf(cause);
    throw new ChooError('environment', `the database cannot be reached: ${reason}`, {
      hint: url === undefined ? `${dataDirectory}/postgres/server.log may say why` : 'check DATABASE_URL',
      cause,
    });
  });
  const opened = stack.move();
  return { address, database, [Symbol.asyncDispose]: async () => opened.disposeAsync() };
}

/**
 * Opens the database for a web process: migrates the tables, and restarts the built-in server when it goes away. Throws a
 * ChooError (`environment`).
 */
export async function openWebDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  await using stack = new AsyncDisposableStack();
  const { address, database } = stack.use(await openServerDatabase(options));
  await migrateTables(database);
  stack.use(await openListener(address, options));
  const opened = stack.move();
  return { address, database, [Symbol.asyncDispose]: async () => opened.disposeAsync() };
}

/** Migrates the tables, and notes in the audit what was done. */
export async function migrateTables(database: Database): Promise<void> {
  const migrations = await migrate(database);
  const source = `migrated to ${migrations.at(-1)}`;
  if (migrations.length > 0)
    await appendAudit(database, [{ source, what: 'tables migrated', facts: { migrations } }]);
}

/** Listens, and restarts the built-in server when the connection breaks: nothing else does. */
export async function openListener(
  address: DatabaseAddress,
  { url, dataDirectory, name }: DatabaseOptions,
): Promise<Listener> {
  const revive = async (): Promise<void> => {
    if (url === undefined) await (await openEmbedded(dataDirectory))[Symbol.asyncDispose]();
  };
  const listener = new Listener(address, name, revive);
  await listener.ready();
  return listener;
}

/** Rejects while the database, or choo's tables in it, cannot be read. */
export async function probeTables(database: Database): Promise<void> {
  await database.selectFrom('workers').select('number').limit(1).execute();
}
