import { execa } from 'execa';
import { appendFile, chmod, chown, mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { INSIDE_UID } from '../../../../src/sandbox/bubblewrap/sandbox-user.ts';
import { openEmbedded } from '../../../../src/store/embedded/embedded.ts';
import { findPackage } from '../../../../src/store/embedded/postgres-binaries.ts';
import { findServerPaths } from '../../../../src/store/embedded/server-paths.ts';
import { startOrJoin, stop } from '../../../../src/store/embedded/postgres-server.ts';
import { acquireServerLock } from '../../../../src/store/embedded/server-lock.ts';
import { chooseServerUser } from '../../../../src/store/embedded/postgres-user.ts';
import {
  dataDirectory,
  IS_ROOT,
  ORDINARY_UID,
  query,
  startDatabaseProcess,
  untilDead,
} from '../../../helpers/database-process.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

describe('the socket', () => {
  test('is in the data directory, which no other process finds elsewhere', async () => {
    await using place = await dataDirectory();
    await using database = await openEmbedded(place.path);
    expect(database.connection.host).toBe(join(place.path, 'postgres-socket'));
  });

  test('has a short path, however long that of the data directory and of the temporary one is', async () => {
    await using place = await dataDirectory();
    const long = join(place.path, 'x'.repeat(120));
    await mkdir(long, { mode: 0o711 });
    await execa('mv', [place.data, join(place.path, 'postgres-binaries'), long]);
    await using users = new AsyncDisposableStack();
    for (const TMPDIR of [place.path, long]) {
      const user = users.use(await startDatabaseProcess(long, { env: { TMPDIR } }));
      const { connection } = await user.opened();
      expect(Buffer.byteLength(join(connection.host, '.s.PGSQL.5432'))).toBeLessThanOrEqual(107);
      expect((await stat(connection.host)).mode & 0o777).toBe(0o700);
      expect(await query(connection, 'select 1 as one')).toEqual({ one: 1 });
      await user.release();
      await expect(stat(connection.host)).rejects.toThrow('ENOENT'); // a stopped server leaves nothing there
    }
  });

  test('is reached whatever PGPORT and the like say', async () => {
    await using place = await dataDirectory();
    const env = { PGPORT: '1', PGSSLMODE: 'require', PGHOST: 'elsewhere', PGUSER: 'x', PGDATABASE: 'x' };
    await using user = await startDatabaseProcess(place.path, { env });
    const { connection } = await user.opened();
    await user.release(); // it has asked the server something
    expect(connection).toMatchObject({ port: 5432, ssl: false });
  });

  test.runIf(IS_ROOT)(
    'lets nobody else in, not even the server’s own user, were it open to them',
    async () => {
      await using place = await dataDirectory();
      await using database = await openEmbedded(place.path);
      const { host } = database.connection;
      // The driver, as some user: prints the code of the error.
      const connect = async (uid: number): Promise<string> => {
        const program = `
        const { default: pg } = await import(${JSON.stringify(import.meta.resolve('pg'))});
        const client = new pg.Client(${JSON.stringify(database.connection)});
        process.setgroups([]); process.setgid(${uid}); process.setuid(${uid});
        await client.connect().then(() => console.log('in'), ({ code }) => console.log(code));
        process.exit()`;
        return (await execa(process.execPath, ['--input-type=module', '--eval', program])).stdout;
      };
      const { uid } = await stat(place.data);
      expect([await connect(0), await connect(ORDINARY_UID)]).toEqual(['in', 'EACCES']);
      await chmod(host, 0o777);
      await chmod(join(host, '.s.PGSQL.5432'), 0o777);
      expect(await connect(0)).toBe('in');
      for (const other of [uid, ORDINARY_UID, INSIDE_UID]) expect(await connect(other)).toBe('28000');
    },
  );

  test.runIf(IS_ROOT)('is in no directory that somebody else has made for it', async () => {
    await using place = await dataDirectory();
    const long = join(await realpath(place.path), 'x'.repeat(90));
    await mkdir(long, { mode: 0o711 });
    await execa('mv', [place.data, join(place.path, 'postgres-binaries'), long]);
    const { connection } = await (async () => {
      await using database = await openEmbedded(long);
      return database;
    })();
    await mkdir(connection.host);
    await chown(connection.host, ORDINARY_UID, ORDINARY_UID);
    try {
      await expect(openEmbedded(long)).rejects.toMatchObject({
        code: 'environment',
        message: `${connection.host} exists already, and belongs to user ${ORDINARY_UID}`,
      });
    } finally {
      await rm(connection.host, { recursive: true });
    }
  });
});

describe('data', () => {
  test('of another major version is left alone, and how to move on is said', async () => {
    await using place = await dataDirectory();
    await writeFile(join(place.data, 'PG_VERSION'), '15\n');
    await expect(openEmbedded(place.path)).rejects.toMatchObject({
      code: 'environment',
      message: `${place.data} is of PostgreSQL 15, and this choo has PostgreSQL 18`,
      hint: expect.stringMatching(
        /start the choo that made it, dump .* move the directory away, .* restore .* DATABASE_URL/,
      ),
    });
    expect(await readdir(join(place.path, 'postgres-users'))).toEqual(['users']);
  });

  test('that is none is left alone', async () => {
    await using place = await dataDirectory({ empty: true });
    await mkdir(place.data);
    await writeFile(join(place.data, 'notes.txt'), 'mine');
    if (IS_ROOT) await execa('chown', ['-R', `${ORDINARY_UID}`, place.data]);
    await expect(openEmbedded(place.path)).rejects.toMatchObject({
      code: 'conflict',
      message: `${place.data} is not empty, and no PostgreSQL data directory`,
    });
    expect(await readdir(place.data)).toEqual(['notes.txt']);
  });

  test('that the server cannot use is named with the server’s words', async () => {
    await using place = await dataDirectory();
    await rm(join(place.data, 'global/pg_control'));
    await expect(openEmbedded(place.path)).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringMatching(
        /^the built-in PostgreSQL did not start: .*could not find the database system/s,
      ),
      hint: expect.stringContaining(join(place.data, 'server.log')),
    });
    expect(await readdir(join(place.path, 'postgres-users/users'))).toEqual([]);
  });

  test('that cannot be made is no data', async () => {
    await using place = await dataDirectory({ empty: true });
    const programs = join(place.path, 'postgres-binaries', (await findPackage()).name, 'bin');
    await mkdir(programs, { recursive: true });
    await writeFile(join(programs, 'initdb'), '#!/bin/sh\necho no space left; exit 1\n', { mode: 0o755 });
    await expect(openEmbedded(place.path)).rejects.toMatchObject({
      code: 'environment',
      message: `could not make a PostgreSQL data directory at ${place.data}: no space left`,
    });
    expect((await readdir(place.path)).toSorted()).toEqual(['postgres-binaries', 'postgres-users']);
  });
});

describe('every wait has an end', () => {
  test('for a turn', async () => {
    await using place = await temporaryDirectory();
    await using _ = await acquireServerLock(place.path);
    await expect(acquireServerLock(place.path, 50)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`process ${process.pid} has been starting or stopping`),
      hint: expect.stringContaining(join(place.path, 'lock')),
    });
  });

  test('for a server that neither answers nor stops', async () => {
    await using place = await dataDirectory();
    await using user = await startDatabaseProcess(place.path);
    await user.opened();
    const postmaster = (await place.postmaster()) ?? 0;
    const server = await findServerPaths(place.path, await chooseServerUser(place.data));
    process.kill(postmaster, 'SIGSTOP');
    try {
      const opening = startOrJoin(server, async () => 'not needed', 50);
      await expect(opening).rejects.toMatchObject({
        code: 'environment',
        message: expect.stringMatching(/^the built-in PostgreSQL did not start: timeout/),
      });
      await expect(stop(place.data, 50)).rejects.toMatchObject({
        code: 'environment',
        message: `the built-in PostgreSQL (process ${postmaster}) does not stop`,
      });
    } finally {
      process.kill(postmaster, 'SIGCONT');
    }
    await untilDead(postmaster); // as it was told
  });
});

test('a log that has grown makes room for a new one', async () => {
  await using place = await dataDirectory();
  await appendFile(join(place.data, 'server.log'), 'x'.repeat(1_000_001));
  await using _ = await openEmbedded(place.path);
  expect((await stat(join(place.data, 'server.log'))).size).toBeLessThan(10_000);
  expect((await stat(join(place.data, 'server.log.old'))).size).toBeGreaterThan(1_000_000);
});
