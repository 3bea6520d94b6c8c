import { execa } from 'execa';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IS_ROOT } from './database-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Where Debian puts what belongs to the newest version it has. */
function findBinaries(): string | undefined {
  const all = '/usr/lib/postgresql';
  const versions = existsSync(all)
    ? readdirSync(all)
        .map(Number)
        .sort((a, b) => b - a)
    : [];
  const wanted = ['initdb', 'pg_ctl', 'postgres', 'pg_dump', 'pg_restore'];
  return versions
    .map((version) => join(all, String(version), 'bin'))
    .find((place) => wanted.every((name) => existsSync(join(place, name))));
}

const binaries = findBinaries();

/** Why there can be none here; empty: there can. */
export const whyNoCluster =
  binaries === undefined
    ? ': SKIPPED, there is none in /usr/lib/postgresql (apt-get install postgresql)'
    : '';

export interface Cluster extends AsyncDisposable {
  /** The directory of its socket. */
  readonly host: string;
  readonly url: string;
  readonly run: (program: string, ...args: string[]) => Promise<string>;
}

/** A PostgreSQL as an operator has one. */
export async function startCluster(): Promise<Cluster> {
  const bin = binaries ?? '';
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  const [data, host] = [join(path, 'data'), join(path, 'run')];
  await mkdir(host);
  if (IS_ROOT) {
    // PostgreSQL refuses root.
    const users = await readFile('/etc/passwd', 'utf8');
    const [uid = 0, gid = 0] = (/^postgres:.*$/m.exec(users)?.[0] ?? '').split(':').slice(2, 4).map(Number);
    await chmod(path, 0o755);
    await mkdir(data);
    for (const own of [data, host]) await chown(own, uid, gid);
  }
  const who = IS_ROOT ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  const run = async (program: string, ...args: string[]): Promise<string> => {
    const [file = '', ...rest] = [...who, join(bin, program), ...args];
    // Not a pipe that the server would inherit, and that would never end.
    return (await execa(file, rest, { cwd: '/', stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })).stdout;
  };
  await run('initdb', '-D', data, '-U', 'choo', '--auth=trust', '--no-sync', '--no-instructions');
  const options = `-c listen_addresses= -c unix_socket_directories=${host} -c fsync=off`;
  await run('pg_ctl', '-D', data, '-l', join(host, 'log'), '-o', options, '-w', 'start');
  stack.defer(async () => void (await run('pg_ctl', '-D', data, '-m', 'immediate', 'stop')));
  const kept = stack.move();
  return {
    host,
    url: `postgres://choo@/choo?host=${host}`,
    run,
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}
