import type { Database, DatabaseAddress } from './database.ts';
import { openDatabase } from './database.ts';
import { openEmbedded } from './embedded.ts';
import { Jobs } from './jobs.ts';
import { Listener } from './listener.ts';
import { migrate } from './migrate.ts';
import { RunBook } from './run-book.ts';

/** What a process of a server has of the database. */
export interface ServerStore extends AsyncDisposable {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly listener: Listener;
  readonly book: RunBook;
}

export interface ServerStoreOptions {
  /** A PostgreSQL of the operator's; undefined: the built-in one. */
  readonly url: string | undefined;
  readonly dataDirectory: string;
  /** What the connections are called, for whoever looks at the database. */
  readonly name: string;
  /** How many connections there may be at once, beside one that listens. */
  readonly size: number;
  /** This process keeps the queues tidy. */
  readonly supervise: boolean;
  readonly onError: (error: Error) => void;
}

/** Opens the store of a server, its tables brought up to date. Throws a ChooError (`environment`) where that cannot be. */
export async function openServerStore({
  url,
  dataDirectory,
  name,
  size,
  supervise,
  onError,
}: ServerStoreOptions): Promise<ServerStore> {
  await using stack = new AsyncDisposableStack();
  const address: DatabaseAddress =
    url === undefined ? stack.use(await openEmbedded(dataDirectory)).connection : { url };
  const database = openDatabase(address, { name, size, onError });
  stack.defer(async () => database.destroy());
  await migrate(database);
  const jobs = stack.use(await Jobs.open(address, { supervise, onError }));
  const listener = stack.use(new Listener(address, name));
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
