import { randomUUID } from 'node:crypto';
import { chown, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChooError } from '../../errors.ts';
import { isMissing } from '../../system/files.ts';
import { readText } from '../../system/lock-file.ts';
import { renameDurably, writeServerFile } from './postgres-files.ts';
import { runProgram, type ServerPaths } from './server-paths.ts';
import { ownUser } from './postgres-user.ts';

/** The only role of the database, and the database of its that choo uses. */
export const ROLE = 'choo';
export const DATABASE = 'postgres';

const INITDB_MS = 120_000;

/** Small, for it shares a machine with agents; and a commit that was answered survives a power cut. */
const SETTINGS = {
  // No port: only who gets into the directory of the socket gets as far as being asked who they are.
  listen_addresses: '',
  unix_socket_permissions: '0700',
  // A commit is on the disk before it is answered. These are the defaults, and no other value of them will do.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Memory, and processes that each take some.
  max_connections: 60,
  shared_buffers: '32MB',
  wal_buffers: '1MB',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  huge_pages: 'off',
  jit: 'off',
  io_method: 'sync',
  max_worker_processes: 2,
  max_parallel_workers: 0,
  max_parallel_workers_per_gather: 0,
  max_parallel_maintenance_workers: 0,
  max_logical_replication_workers: 0,
  autovacuum: 'on',
  autovacuum_max_workers: 2,
  // Nothing copies this database as it is written.
  wal_level: 'minimal',
  max_wal_senders: 0,
  // Disk.
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  // What it says, without the values that statements carried.
  log_destination: 'stderr',
  logging_collector: 'off',
  log_line_prefix: '%m [%p] ',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
  cluster_name: 'choo',
} as const satisfies Readonly<Record<string, string | number>>;

/** The major version of the data in a directory; undefined: none was made there yet. */
export async function dataVersion(data: string): Promise<number | undefined> {
  const text = await readText(join(data, 'PG_VERSION'));
  if (text !== undefined) return Number.parseInt(text, 10);
  if (await isEmpty(data)) return undefined;
  throw new ChooError('conflict', `${data} is not empty, and no PostgreSQL data directory`, {
    hint: 'move what is in it elsewhere; choo keeps its database there',
  });
}

/** Throws a ChooError (`environment`) when this choo's PostgreSQL cannot read the data. */
export function refuseVersion(data: string, found: number, mine: number): void {
  if (found === mine) return;
  throw new ChooError(
    'environment',
    `${data} is of PostgreSQL ${found}, and this choo has PostgreSQL ${mine}`,
    {
      hint:
        `start the choo that made it, dump its database (pg_dump of version ${found} or newer), stop it, move the directory away, ` +
        `start this choo and restore the dump; or set DATABASE_URL to a PostgreSQL ${found} of your own that runs on a copy of it`,
    },
  );
}

/**
 * Makes the data directory, for good: it gets its name when it is whole and on the disk. What an earlier attempt left that
 * was killed is removed, unless one is still at it, whose files nobody will miss.
 */
export async function makeData(place: ServerPaths, binaries: string): Promise<void> {
  const { data, user } = place;
  const parent = dirname(data);
  for (const name of await readdir(parent)) {
    if (name.startsWith('postgres.draft-')) await rm(join(parent, name), { recursive: true, force: true });
  }
  const draft = join(parent, `postgres.draft-${randomUUID()}`);
  try {
    await mkdir(draft, { mode: 0o700 });
    if (user.isOther) await chown(draft, user.uid, user.gid);
    // Not with `--no-sync`: what the server never writes again would reach the disk some time later, so that a power cut
    // before that loses the database, and with it commits that were answered. It costs a tenth of a second.
    const { exitCode, output } = await runProgram(
      place,
      draft,
      [
        join(binaries, 'bin/initdb'),
        `--username=${ROLE}`,
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8', // upper and lower case of every script, in the order of code points
        '--auth=peer',
        '--no-instructions',
      ],
      INITDB_MS,
    );
    if (exitCode !== 0) throw notMade(data, output);
    await renameDurably(draft, data);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Writes what the server reads at its start. What somebody sets by ALTER SYSTEM is read after it. */
export async function configure({ data, user }: ServerPaths, sockets: string): Promise<void> {
  const settings = { ...SETTINGS, unix_socket_directories: sockets };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quote(String(value), "'")}`);
  const note = '# Written by choo at each start of the server. Use ALTER SYSTEM.';
  await writeServerFile(user, join(data, 'postgresql.conf'), [note, ...lines, ''].join('\n'));
  // Everybody else is refused by name, which the system tells of whoever connects: should the directory of the socket ever
  // be open to them, they still do not get in. That includes the server's own user when it is not choo's. Root is not kept
  // out, for it can be anybody.
  const admitted = new Set(['root', ownUser().name]);
  await writeServerFile(user, join(data, 'pg_hba.conf'), `${note}\nlocal all ${ROLE} peer map=choo\n`);
  const map = [...admitted].map((name) => `choo ${quote(name, '"')} ${ROLE}`);
  await writeServerFile(user, join(data, 'pg_ident.conf'), [note, ...map, ''].join('\n'));
}

function quote(text: string, mark: string): string {
  return `${mark}${text.replaceAll(mark, mark + mark)}${mark}`;
}

async function isEmpty(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length === 0;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}

function notMade(data: string, output: string): ChooError {
  return new ChooError(
    'environment',
    `could not make a PostgreSQL data directory at ${data}: ${output.trim()}`,
    {
      hint: 'if PostgreSQL cannot run on this machine, set DATABASE_URL to one elsewhere',
    },
  );
}
