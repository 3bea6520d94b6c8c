import { sql } from 'kysely';
import { ChooError, messageOf } from '../errors.ts';
import { type Database, type DatabaseAddress, openDatabase } from './database/database.ts';
import { Listener } from './database/notifications.ts';
import { migrate } from './database/migrate.ts';
import { openEmbedded } from './embedded/embedded.ts';

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
    const reason = messageOf(cause);
    throw new ChooError('environment', `the database cannot be reached: ${reason}`, {
      hint: url === undefined ? `${dataDirectory}/postgres/server.log may say why` : 'check DATABASE_URL',
      cause,
    });
  });
  const kept = stack.move();
  return { address, database, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

/**
 * Opens the database for a process that takes deliveries in and does nothing else. Tables are up to date, and the built-in
 * server is started again when it goes. Throws a ChooError (`environment`).
 */
export async function openWebDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  await using stack = new AsyncDisposableStack();
  const { address, database } = stack.use(await openServerDatabase(options));
  await migrate(database);
  stack.use(await openListener(address, options));
  const kept = stack.move();
  return { address, database, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

/** Listens, and starts the built-in server again when the connection breaks: it has nobody else to do so. */
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
