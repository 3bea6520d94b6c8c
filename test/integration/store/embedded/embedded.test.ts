import { execa } from 'execa';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { openEmbedded } from '../../../../src/store/embedded/embedded.ts';
import { processStart } from '../../../../src/system/process-identity.ts';
import { descendants, inspectAll } from '../../../../src/system/process-tree.ts';
import {
  dataDirectory,
  type DataDirectory,
  query,
  startDatabaseProcess,
  untilDead,
} from '../../../helpers/database-process.ts';

/** The fields of a process after its name: state, parent, group, session. */
async function statusOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** What the server's log says of how the last one ended. */
async function logOf({ data }: DataDirectory): Promise<string> {
  return readFile(join(data, 'server.log'), 'utf8');
}

describe('the built-in PostgreSQL', () => {
  test('is made at first use, and started again in less time', async () => {
    await using place = await dataDirectory({ empty: true });
    const first = performance.now();
    let madeMs = 0;
    {
      await using database = await openEmbedded(place.path);
      madeMs = performance.now() - first;
      expect(
        await query(
          database.connection,
          `select current_setting('server_encoding') as encoding, datlocale, datcollate
           from pg_database where datname = current_database()`,
        ),
      ).toEqual({ encoding: 'UTF8', datlocale: 'C.UTF-8', datcollate: 'C' });
      const { mode } = await stat(place.data);
      expect(mode & 0o777).toBe(0o700);
      await query(database.connection, 'create table kept as select 42 as answer');
    }
    const second = performance.now();
    await using database = await openEmbedded(place.path);
    expect(performance.now() - second).toBeLessThan(madeMs); // 0.2 s in place of 1.5 s
    expect(await query(database.connection, 'select answer from kept')).toEqual({ answer: 42 });
    expect(await logOf(place)).not.toContain('was not properly shut down');
  });

  test('answers a commit when it is on the disk, and listens to no port', async () => {
    await using place = await dataDirectory();
    await using database = await openEmbedded(place.path);
    const settings = [
      'fsync',
      'synchronous_commit',
      'full_page_writes',
      'listen_addresses',
      'shared_buffers',
    ];
    const values = settings.map((name) => `current_setting('${name}') as ${name}`).join(', ');
    expect(await query(database.connection, `select ${values}`)).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      listen_addresses: '',
      shared_buffers: '32MB',
    });
    const { stdout } = await execa('ls', ['-l', `/proc/${await place.postmaster()}/fd`]);
    const open = new Set(stdout.match(/socket:\[\d+\]/g)?.map((socket) => socket.replace(/\D/g, '')));
    const inet = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8')));
    const inodes = inet
      .join('')
      .split('\n')
      .map((line) => line.trim().split(/\s+/)[9] ?? '');
    expect(open.size).toBeGreaterThan(0);
    expect(inodes.filter((inode) => open.has(inode))).toEqual([]);
  });

  test('takes little memory, with the process that uses it', async ({ skip }) => {
    skip(process.platform !== 'linux', 'needs /proc');
    await using place = await dataDirectory();
    await using user = await startDatabaseProcess(place.path);
    await user.opened();
    const server = descendants(inspectAll(), (await place.postmaster()) ?? 0);
    const pids = [user.pid, ...server.map(({ pid }) => pid)];
    const rollups = pids.map((pid) => readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => ''));
    const sizes = (await Promise.all(rollups)).map((text) =>
      Number(/^Pss: +(\d+) kB$/m.exec(text)?.[1] ?? 0),
    );
    expect(sizes.length).toBeGreaterThanOrEqual(6);
    expect(sizes.reduce((sum, size) => sum + size, 0) / 1024).toBeLessThan(200); // 70 MiB, of which PostgreSQL 12
  });

  test('is shared, and stopped by the last one out', async () => {
    await using place = await dataDirectory();
    await using first = await startDatabaseProcess(place.path);
    const { connection } = await first.opened();
    const postmaster = await place.postmaster();
    await using second = await startDatabaseProcess(place.path);
    expect((await second.opened()).connection).toEqual(connection);
    const third = await openEmbedded(place.path);
    expect(await place.postmaster()).toBe(postmaster);
    await first.release();
    await third[Symbol.asyncDispose]();
    await third[Symbol.asyncDispose]();
    expect(await place.postmaster()).toBe(postmaster);
    expect(await query(connection, 'select 1 as one')).toEqual({ one: 1 });
    await second.release();
    expect(await place.postmaster()).toBeUndefined();
    expect(await logOf(place)).toMatch(/database system is shut down\n$/);
    expect(await readdir(join(place.path, 'postgres-users/users'))).toEqual([]);
  });

  test('is given back once, however often that is asked', async () => {
    await using place = await dataDirectory();
    await using kept = await openEmbedded(place.path);
    const database = await openEmbedded(place.path);
    await Promise.all([database[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
    await database[Symbol.asyncDispose]();
    expect(await query(kept.connection, 'select 1 as one')).toEqual({ one: 1 });
  });

  test('is one for all that make it at the same instant', async () => {
    await using place = await dataDirectory({ empty: true });
    await using stack = new AsyncDisposableStack();
    const users = await Promise.all(
      Array.from({ length: 4 }, async () =>
        stack.use(await startDatabaseProcess(place.path, { how: 'wait' })),
      ),
    );
    for (const user of users) expect(await user.nextLine()).toBe('ready');
    for (const user of users) user.go();
    const opened = await Promise.all(users.map(async (user) => user.opened()));
    for (const [at, { connection }] of opened.entries()) await query(connection, `create table by_${at} ()`);
    const [{ connection } = { connection: undefined }] = opened;
    if (connection === undefined) return;
    expect(
      await query(connection, `select count(*)::int as tables from pg_tables where tablename like 'by\\__'`),
    ).toEqual({ tables: 4 });
    expect((await logOf(place)).match(/starting PostgreSQL/g)).toHaveLength(1);
    expect((await readdir(place.path)).filter((name) => name.includes('draft'))).toEqual([]);
  });

  test('never stops under one that joins', async () => {
    await using place = await dataDirectory();
    await using stack = new AsyncDisposableStack();
    const users = await Promise.all(
      Array.from({ length: 3 }, async () => stack.use(await startDatabaseProcess(place.path, { how: '8' }))),
    );
    await Promise.all(
      users.map(async (user) => {
        await user.opened();
        await user.release();
      }),
    );
    expect(await place.postmaster()).toBeUndefined();
    expect(await logOf(place)).not.toMatch(/FATAL|PANIC|not properly shut down/);
  });

  test('goes on when the first terminal is interrupted', async () => {
    await using place = await dataDirectory();
    await using first = await startDatabaseProcess(place.path);
    const { connection } = await first.opened();
    const postmaster = (await place.postmaster()) ?? 0;
    const [, , group, session] = await statusOf(postmaster);
    expect(session).toBe(String(postmaster)); // its own: no terminal's keys reach it
    expect(group).not.toBe(String(first.pid));
    process.kill(-first.pid, 'SIGINT');
    await untilDead(first.pid);
    expect(await query(connection, 'select 1 as one')).toEqual({ one: 1 });
  });
});

describe('after a crash', () => {
  test('of choo, the server is adopted by the next one, which stops it', async () => {
    await using place = await dataDirectory();
    await using first = await startDatabaseProcess(place.path);
    await first.opened();
    const postmaster = await place.postmaster();
    await first.kill();
    expect(await place.postmaster()).toBe(postmaster);
    await using second = await startDatabaseProcess(place.path);
    await second.opened();
    expect(await place.postmaster()).toBe(postmaster);
    await second.release();
    expect(await place.postmaster()).toBeUndefined();
  });

  test('of choo while it starts or stops the server, the next one does not wait for it', async () => {
    await using place = await dataDirectory();
    const notes = join(place.path, 'postgres-users');
    await mkdir(join(notes, 'users'), { recursive: true });
    const start = (await processStart(process.pid)) ?? '';
    // Dead, though a living process has its number.
    await writeFile(
      join(notes, 'lock'),
      JSON.stringify({ pid: process.pid, start: `${start}0`, token: 'x' }),
    );
    await writeFile(join(notes, 'users', `${process.pid}.${start.replace('/', '.')}0.x`), '');
    {
      await using database = await openEmbedded(place.path);
      expect(await query(database.connection, 'select 1 as one')).toEqual({ one: 1 });
    }
    expect(await place.postmaster()).toBeUndefined();
    expect(await readdir(notes)).toEqual(['users']);
  });

  test('of the server, it is started again with all that was committed', async () => {
    await using place = await dataDirectory();
    await using database = await openEmbedded(place.path);
    await query(database.connection, 'create table kept as select 42 as answer');
    // It outlives the server for as long as it does not look around, and until then none can be started.
    const busy = new pg.Client(database.connection);
    busy.on('error', () => {});
    await busy.connect();
    const counting = busy.query('select count(*) from generate_series(1, 10000000)').catch(() => {});
    const active = `select count(*)::int as busy from pg_stat_activity where query like '%generate' || '_series%'`;
    await expect.poll(async () => query(database.connection, active), { interval: 5 }).toEqual({ busy: 1 });
    const postmaster = (await place.postmaster()) ?? 0;
    process.kill(postmaster, 'SIGKILL');
    await untilDead(postmaster);
    await using again = await openEmbedded(place.path);
    expect(await query(again.connection, 'select answer from kept')).toEqual({ answer: 42 });
    expect(await place.postmaster()).not.toBe(postmaster);
    const log = await logOf(place);
    expect(log).toContain('pre-existing shared memory block');
    expect(log).toContain('was not properly shut down; automatic recovery in progress');
    await counting;
    await busy.end();
  });

  test('of the server, its number may be another process’s', async () => {
    await using place = await dataDirectory();
    const { uid, gid } = await stat(place.data);
    const impostor = execa('sleep', ['60'], { uid, gid, reject: false });
    try {
      const { connection } = await openEmbedded(place.path);
      const path = join(place.data, 'postmaster.pid');
      const postmaster = (await place.postmaster()) ?? 0;
      const text = await readFile(path, 'utf8');
      process.kill(postmaster, 'SIGKILL');
      await untilDead(postmaster);
      const noted = text.replace(String(postmaster), String(impostor.pid));
      await writeFile(path, noted);
      await writeFile(join(connection.host, '.s.PGSQL.5432.lock'), noted);
      await using again = await openEmbedded(place.path);
      expect(await query(again.connection, 'select 1 as one')).toEqual({ one: 1 });
    } finally {
      impostor.kill('SIGKILL');
      await impostor;
    }
  });

  test('of choo while it made the database, what it left is removed', async () => {
    await using place = await dataDirectory({ empty: true });
    await mkdir(join(place.path, 'postgres.draft-x/base'), { recursive: true });
    await writeFile(join(place.path, 'postgres.draft-x/PG_VERSION'), '18\n');
    await using database = await openEmbedded(place.path);
    expect(await query(database.connection, 'select 1 as one')).toEqual({ one: 1 });
    expect((await readdir(place.path)).filter((name) => name.includes('draft'))).toEqual([]);
  });
});
