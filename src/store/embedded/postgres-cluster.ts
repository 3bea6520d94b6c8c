import { randomUUID } from 'node:crypto';
import { chown, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChooError } from '../../errors.ts';
import { isMissing } from '../../system/files.ts';
import { readText } from '../../system/lock-file.ts';
import { renameDurably, writeServerFile } from './postgres-files.ts';
import { runProgram, type ServerPaths } from './server-paths.ts';
import { ownUser } from './postgres-user.ts';

/** The only role of the cluster, and the database that choo uses. */
export const ROLE = 'choo';
export const DATABASE = 'postgres';

const INITDB_MS = 120_000;

/** Small, because it shares a machine with agents. An acknowledged commit survives a power cut. */
const SETTINGS = {
  // No TCP port: only users who can enter the socket's directory can try to authenticate.
  listen_addresses: '',
  unix_socket_permissions: '0700',
  // A commit is on disk before it is acknowledged. These are the defaults, and required.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Memory, and processes, which use memory each.
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
  // No replication.
  wal_level: 'minimal',
  max_wal_senders: 0,
  // Disk.
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  // Logs, without the values in statements.
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

/** The major version of a data directory; undefined: it does not exist yet. */
export async function dataVersion(data: string): Promise<number | undefined> {
  const text = await readText(join(data, 'PG_VERSION'));
  if (text !== undefined) return Number.parseInt(text, 10);
  if (await isEmpty(data)) return undefined;
  throw new ChooError('conflict', `${data} is not empty, and no PostgreSQL data directory`, {
    hint: 'move its files elsewhere; choo stores its database there',
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
 * Makes the data directory atomically: it gets its name when it is complete and on disk. Removes the drafts of attempts that
 * were killed; should one of them still run, its draft is not needed either.
 */
export async function makeData(paths: ServerPaths, binaries: string): Promise<void> {
  const { data, user } = paths;
  const parent = dirname(data);
  for (const name of await readdir(parent)) {
    if (name.startsWith('postgres.draft-')) await rm(join(parent, name), { recursive: true, force: true });
  }
  const draft = join(parent, `postgres.draft-${randomUUID()}`);
  try {
    await mkdir(draft, { mode: 0o700 });
    if (user.isOther) await chown(draft, user.uid, user.gid);
    // Not with `--no-sync`: files that the server never writes again would reach the disk some time later, and a power cut
    // before that would lose the database with its acknowledged commits. The sync costs a tenth of a second.
    const { exitCode, output } = await runProgram(
      paths,
      draft,
      [
        join(binaries, 'bin/initdb'),
        `--username=${ROLE}`,
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8', // upper and lower case of every script, sorted by code point
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

/** Writes the configuration that the server reads at its start. ALTER SYSTEM overrides it. */
export async function configure({ data, user }: ServerPaths, sockets: string): Promise<void> {
  const settings = { ...SETTINGS, unix_socket_directories: sockets };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quote(String(value), "'")}`);
  const header = '# Written by choo at each start of the server. Use ALTER SYSTEM.';
  await writeServerFile(user, join(data, 'postgresql.conf'), [header, ...lines, ''].join('\n'));
  // Peer authentication refuses every other user, even if they could enter the socket's directory; that includes the
  // server's own user when it is not choo's. Root is admitted, because it can become any user.
  const admitted = new Set(['root', ownUser().name]);
  await writeServerFile(user, join(data, 'pg_hba.conf'), `${header}\nlocal all ${ROLE} peer map=choo\n`);
  const map = [...admitted].map((name) => `choo ${quote(name, '"')} ${ROLE}`);
  await writeServerFile(user, join(data, 'pg_ident.conf'), [header, ...map, ''].join('\n'));
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
