import { type Database, type DatabaseAddress, openDatabase } from '../../src/store/database/database.ts';
import { Listener } from '../../src/store/database/notifications.ts';
import { Dispatcher, type DispatcherOptions } from '../../src/store/queue/dispatcher.ts';
import { RunStore } from '../../src/store/runs/run-store.ts';

const onError = (): void => {}; // connections that a test cuts off

/** What one process of a server has of the database. */
export interface StoreProcess extends AsyncDisposable {
  readonly address: DatabaseAddress;
  readonly database: Database;
  readonly listener: Listener;
  readonly runStore: RunStore;
  /** A worker of this process. */
  readonly work: (
    work: DispatcherOptions['work'],
    options?: Partial<Pick<DispatcherOptions, 'concurrency' | 'maxUnits' | 'quantumMs' | 'times'>>,
  ) => Promise<Dispatcher>;
}

/** Connects as a process would. */
export async function openProcess(address: DatabaseAddress): Promise<StoreProcess> {
  await using stack = new AsyncDisposableStack();
  const database = openDatabase(address, { name: 'test', size: 6, onError });
  stack.defer(async () => database.destroy());
  const listener = stack.use(new Listener(address, 'test'));
  await listener.ready();
  const runStore = new RunStore(database);
  const dispatchers = stack.use(new AsyncDisposableStack());
  const kept = stack.move();
  return {
    address,
    database,
    listener,
    runStore,
    work: async (work, { concurrency = 4, maxUnits, quantumMs = 600_000, times } = {}) =>
      dispatchers.use(
        await Dispatcher.start({
          database,
          runStore,
          listener,
          owner: 'test',
          concurrency,
          maxUnits,
          quantumMs,
          ...(times === undefined ? {} : { times }),
          work,
          onDead: async () => {},
          onError: (what, error) => {
            throw new Error(what, { cause: error });
          },
        }),
      ),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}
