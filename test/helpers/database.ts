import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll } from 'vitest';
import { openEmbedded } from '../../src/store/embedded/embedded.ts';
import { type Connection, stop } from '../../src/store/embedded/postgres-server.ts';
import { takeTurn } from '../../src/store/embedded/postgres-turns.ts';

/** A database of its own for one test. Who is still connected when it ends is cut off. */
export interface TestDatabase extends AsyncDisposable {
  /** What a client connects with. */
  readonly connection: Connection;
}

interface TestServer extends AsyncDisposable {
  readonly connection: Connection;
  readonly admin: pg.Client;
}

const PREFIX = 'choo-database-';

/** One server for the tests of a file, from the first that asks to the end. */
let server: Promise<TestServer> | undefined;

afterAll(async () => {
  const started = await server?.catch(() => undefined);
  server = undefined;
  await started?.[Symbol.asyncDispose]();
});

/** Makes an empty database: `await using database = await openTestDatabase()`. The first of a file takes two seconds. */
export async function openTestDatabase(): Promise<TestDatabase> {
  server ??= startServer();
  const { connection, admin } = await server;
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`create database ${database}`);
  return {
    connection: { ...connection, database },
    [Symbol.asyncDispose]: async () => {
      await admin.query(`drop database ${database} with (force)`);
    },
  };
}

async function startServer(): Promise<TestServer> {
  await removeLeft();
  await using stack = new AsyncDisposableStack();
  const path = await realpath(await mkdtemp(join(tmpdir(), PREFIX)));
  stack.defer(async () => rm(path, { recursive: true, force: true }));
  await chmod(path, 0o711); // the server may run as another user
  const { connection } = stack.use(await openEmbedded(path));
  const admin = new pg.Client(connection);
  await admin.connect();
  stack.defer(async () => admin.end());
  // Nobody misses this database after a power cut.
  await admin.query('alter system set fsync = off');
  await admin.query('select pg_reload_conf()');
  const kept = stack.move();
  return { connection, admin, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

/** Stops the servers of test runs that were killed. Those of others that are just starting are too young to tell. */
async function removeLeft(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const path = join(tmpdir(), name);
    const found = name.startsWith(PREFIX) ? await stat(path).catch(() => undefined) : undefined;
    if (found === undefined || found.uid !== process.getuid?.() || Date.now() - found.ctimeMs < 600_000)
      continue;
    await using turn = await takeTurn(join(path, 'postgres-users'));
    if (await turn.isUsed()) continue;
    await stop(join(path, 'postgres'));
    await rm(path, { recursive: true, force: true });
  }
}
