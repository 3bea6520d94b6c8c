import { randomUUID } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import pg from 'pg';
import { afterAll } from 'vitest';
import { openEmbedded } from '../../src/store/embedded/embedded.ts';
import type { Connection } from '../../src/store/embedded/postgres-server.ts';
import { copyDatabase } from './database-template.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A database of its own for one test. Who is still connected when it ends is cut off. */
export interface TestDatabase extends AsyncDisposable {
  /** What a client connects with. */
  readonly connection: Connection;
}

interface TestServer extends AsyncDisposable {
  readonly connection: Connection;
  readonly admin: pg.Client;
}

/** One server for the tests of a file, from the first that asks to the end. */
let server: Promise<TestServer> | undefined;

afterAll(async () => {
  const started = await server?.catch(() => undefined);
  server = undefined;
  await started?.[Symbol.asyncDispose]();
});

/** Makes a database: `await using database = await openTestDatabase()`. It is empty, or has choo's tables. */
export async function openTestDatabase({ tables = false } = {}): Promise<TestDatabase> {
  server ??= startServer();
  const { connection, admin } = await server;
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`create database ${database} template ${tables ? connection.database : 'template0'}`);
  return {
    connection: { ...connection, database },
    [Symbol.asyncDispose]: async () => {
      await admin.query(`drop database ${database} with (force)`);
    },
  };
}

async function startServer(): Promise<TestServer> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  await chmod(path, 0o711); // the server may run as another user
  await copyDatabase(path, 'choo');
  const { connection } = stack.use(await openEmbedded(path));
  const admin = new pg.Client({ ...connection, database: 'template1' }); // a database in use cannot be copied
  await admin.connect();
  stack.defer(async () => admin.end());
  const kept = stack.move();
  return { connection, admin, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}
