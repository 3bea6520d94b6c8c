import { randomUUID } from 'node:crypto';
import { type DatabaseAddress, openDatabase } from '../../src/store/database/database.ts';
import { migrate } from '../../src/store/database/migrate.ts';
import { findOrAddRepository } from '../../src/store/runs/run-reader.ts';
import { openTestDatabase } from './database.ts';
import { openProcess, type StoreProcess } from './server-process.ts';

/** A database with choo's tables, and any number of processes on it. */
export interface ServerStore extends AsyncDisposable {
  readonly address: DatabaseAddress;
  readonly open: () => Promise<StoreProcess>;
  /** A repository, by the name of its remote. */
  readonly repository: (remote?: string, installation?: string) => Promise<string>;
}

const onError = (): void => {}; // connections that a test cuts off

/** Uses a database of the built-in server, made for it, unless another one is named, in which it makes choo's tables. */
export async function openServerStore(elsewhere?: DatabaseAddress): Promise<ServerStore> {
  await using stack = new AsyncDisposableStack();
  const address = elsewhere ?? stack.use(await openTestDatabase({ tables: true })).connection;
  const own = openDatabase(address, { name: 'test', size: 2, onError });
  stack.defer(async () => own.destroy());
  if (elsewhere !== undefined) await migrate(own);
  const kept = stack.move();
  return {
    address,
    open: async () => openProcess(address),
    repository: async (remote = `/remote/${randomUUID()}`, installation = 'one') =>
      findOrAddRepository(own, remote, installation),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}
