import { ChooError } from '../errors.ts';
import type { Database, DatabaseAddress } from './database/database.ts';
import type { Listener } from './database/notifications.ts';
import { migrationStatus } from './database/migrate.ts';
import { type RunChange, RunStore } from './runs/run-store.ts';
import { type DatabaseOptions, migrateTables, openListener, openServerDatabase } from './server-database.ts';

/** What a server process opens of the database. */
export interface ServerStore extends AsyncDisposable {
  readonly address: DatabaseAddress;
  readonly database: Database;
  readonly listener: Listener;
  readonly runStore: RunStore;
}

export interface ServerStoreOptions extends DatabaseOptions {
  /** `migrate` updates old tables, `require` refuses them: a command that only reads must not change them under a server. */
  readonly tables: 'migrate' | 'require';
  /** Called after each change that this process makes to a run. */
  readonly onChange?: (change: RunChange) => void;
}

/** Opens the store of a server. Throws a ChooError (`environment`). */
export async function openServerStore(options: ServerStoreOptions): Promise<ServerStore> {
  const { tables, onChange } = options;
  await using stack = new AsyncDisposableStack();
  const { address, database } = stack.use(await openServerDatabase(options));
  if (tables === 'migrate') await migrateTables(database);
  else await requireTables(database);
  const listener = stack.use(await openListener(address, options));
  const opened = stack.move();
  return {
    address,
    database,
    listener,
    runStore: new RunStore(database, { onChange }),
    [Symbol.asyncDispose]: async () => opened.disposeAsync(),
  };
}

async function requireTables(database: Database): Promise<void> {
  const missing = (await migrationStatus(database)).filter(({ appliedAt }) => appliedAt === undefined);
  if (missing.length === 0) return;
  throw new ChooError('environment', 'the database is older than this choo', {
    hint: '`choo serve` and `choo db migrate` bring it up to date; update every process that uses it',
  });
}
