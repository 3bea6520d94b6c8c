import { execa } from 'execa';
import { chmod, chown, mkdir, mkdtemp, readdir, lchown, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { CHOO } from '../helpers/run-choo.ts';
import { commitFiles } from '../helpers/git-repository.ts';
import { projectFiles, type ProjectSpec } from '../helpers/spec-project.ts';

/** Who runs choo: an ordinary user also where the tests run as root. */
export type Who = 'root' | 'ordinary';

export const WHO: readonly Who[] = process.getuid?.() === 0 ? ['root', 'ordinary'] : ['ordinary'];

const ORDINARY_UID = 61_000;
const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What a run said, and how often set-up ran and was reused. */
interface Told {
  readonly exitCode: number | undefined;
  readonly text: string;
  readonly ran: number;
  readonly reused: number;
}

/** A repository of some user. */
export interface Project extends AsyncDisposable {
  readonly path: string;
  /** `choo run` in bubblewrap. */
  run(...args: readonly string[]): Promise<Told>;
}

/** Makes one; `add` may add to it before it is its user's. The checkout may be closed to an ordinary user, who sees it at another place, in a mount namespace of its own. */
export async function makeProject(
  who: Who,
  spec: ProjectSpec,
  add: (path: string) => Promise<void> = async () => {},
): Promise<Project> {
  const place = await mkdtemp('/tmp/choo-setup-');
  const other = who === 'ordinary' && process.getuid?.() === 0;
  const [path, data, home, seen] = ['project', 'data', 'home', 'checkout'].map((name) => join(place, name));
  if (path === undefined || data === undefined || home === undefined || seen === undefined) throw new Error();
  for (const directory of [path, home, seen]) await mkdir(directory);
  await commitFiles(path, projectFiles(spec));
  await add(path);
  await chmod(place, 0o755);
  if (other) await giveAll(place);
  const at = (word: string): string =>
    other && word.startsWith(`${CHECKOUT}/`) ? seen + word.slice(CHECKOUT.length) : word;
  const become = ['setpriv', `--reuid=${ORDINARY_UID}`, `--regid=${ORDINARY_UID}`, '--clear-groups', '--'];
  const mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  const before = other ? ['unshare', '--mount', 'sh', '-c', mount, 'sh', CHECKOUT, seen, ...become] : [];
  // The bundle is closed to other users.
  const program = other ? [process.execPath, join(CHECKOUT, 'src/cli/cli.ts')].map(at) : CHOO;
  return {
    path,
    run: async (...args) => {
      const [file = '', ...words] = [...before, ...program, 'run', '--json', '--sandbox', 'bubblewrap'];
      const { exitCode, stdout, stderr } = await execa(file, [...words, ...args], {
        cwd: path,
        extendEnv: false,
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, CHOO_DATA_DIR: data },
        stdin: 'ignore',
        reject: false,
      });
      const count = (type: string): number => stdout.split(`"type":"${type}"`).length - 1;
      const text = `${stderr}\n${stdout.slice(-6_000)}`;
      return { exitCode, text, ran: count('worktree.setup'), reused: count('setup.reused') };
    },
    [Symbol.asyncDispose]: async () => rm(place, { recursive: true, force: true }),
  };
}

async function giveAll(path: string): Promise<void> {
  for (const name of await readdir(path, { recursive: true }))
    await lchown(join(path, name), ORDINARY_UID, ORDINARY_UID);
  await chown(path, ORDINARY_UID, ORDINARY_UID);
}
