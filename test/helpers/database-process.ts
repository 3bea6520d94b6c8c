import { execa } from 'execa';
import { chmod, mkdtemp, readFile, readlink, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect } from 'vitest';
import type { Connection } from '../../src/store/embedded/postgres-server.ts';
import { copyDatabase } from './database-template.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const PROGRAM = 'test/fixtures/hold-database.ts';

export const IS_ROOT = process.getuid?.() === 0;
/** An ordinary user that every machine has. */
export const ORDINARY_UID = 65_534;

/** A data directory for one test. Whatever runs on it ends with the test. */
export interface DataDirectory extends AsyncDisposable {
  readonly path: string;
  readonly data: string;
  /** The process id of the server; undefined: none runs. */
  postmaster(): Promise<number | undefined>;
}

/** One with a database in it, or an empty one. */
export async function dataDirectory({ empty = false } = {}): Promise<DataDirectory> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  await chmod(path, 0o711); // the server may run as another user
  const data = join(path, 'postgres');
  const postmaster = async (): Promise<number | undefined> => {
    const [pid = ''] = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    const place = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    return place === data ? Number(pid) : undefined;
  };
  stack.defer(async () => {
    const pid = await postmaster();
    if (pid === undefined) return;
    process.kill(pid, 'SIGQUIT');
    await untilDead(pid);
  });
  if (!empty) await copyDatabase(path, 'bare');
  const kept = stack.move();
  return { path, data, postmaster, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

/** What the program under test says. */
interface Opened {
  readonly connection: Connection;
  /** How long it took to open. */
  readonly ms: number;
}

/** Another process that uses the database, until it is released or killed, or the test ends. */
export interface DatabaseProcess extends AsyncDisposable {
  readonly pid: number;
  nextLine(): Promise<unknown>;
  /** Its next line, which must tell of success. */
  opened(): Promise<Opened>;
  go(): void;
  /** Lets it close the database and end. */
  release(): Promise<void>;
  kill(): Promise<void>;
}

export interface ProcessOptions {
  readonly how?: string;
  /** Runs it as another user, who may be unable to read this checkout and sees it at another place. Only root can. */
  readonly uid?: number;
  /** A program, with its arguments, that the process is started by. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const MOUNT = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';

export async function startDatabaseProcess(
  directory: string,
  { how, uid, through = [], env = {} }: ProcessOptions = {},
): Promise<DatabaseProcess> {
  const other = uid !== undefined && IS_ROOT;
  const seen = other ? await mkdtemp(join(tmpdir(), 'choo-checkout-')) : CHECKOUT;
  if (other) await chmod(seen, 0o755);
  const [file = '', ...args] = [
    ...(other ? ['unshare', '--mount', 'sh', '-c', MOUNT, 'sh', CHECKOUT, seen] : []),
    ...(other ? ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'] : []),
    ...through,
    process.execPath.replace(CHECKOUT, seen),
    join(seen, PROGRAM),
    directory,
    ...(how === undefined ? [] : [how]),
  ];
  const child = execa(file, args, {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '', ...env },
    extendEnv: false,
    detached: true, // as a terminal's shell does: Ctrl-C goes to its group
    reject: false,
    stderr: 'inherit',
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? '"ended"');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await child;
  };
  return {
    pid: child.pid ?? 0,
    nextLine,
    opened: async () => {
      const line = await nextLine();
      expect(line).toMatchObject({ connection: { user: 'choo' } });
      return line as Opened;
    },
    go: () => child.stdin.write('go\n'),
    release: async () => {
      child.stdin.end();
      expect(await child).toMatchObject({ exitCode: 0 });
    },
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
      if (other) await rmdir(seen);
    },
  };
}

/** The first row of what a statement returns. */
export async function query(connection: Connection, text: string): Promise<Record<string, unknown>> {
  const client = new pg.Client(connection);
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows[0] ?? {};
  } finally {
    await client.end();
  }
}

/** Waits until a process has ended; one that nobody has buried has. */
export async function untilDead(pid: number): Promise<void> {
  for (let patience = 1_000; patience > 0; patience -= 1) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') X');
    if (/\) [ZX]/.test(state)) return;
    await wait(10);
  }
  throw new Error(`process ${pid} does not end`);
}
