import { exists } from '../../system/files.ts';
import { chown, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import { newMark, OWNER_VARIABLE } from '../../system/process-tree.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { markedTree } from '../process/marked-tree.ts';
import { runCommand } from '../process/runner.ts';
import { type Execution, homeBeside, type SandboxPaths } from '../sandbox.ts';

/** A directory that shows lower ones through: what is written goes to `upper`, and the lower ones stay as they are. */
export interface Overlay {
  /** The directory that it covers, seen by one command only. */
  readonly at: string;
  /** The topmost first. */
  readonly lower: readonly string[];
  readonly upper: string;
  /** Empty, new, on the file system of `upper`. */
  readonly work: string;
}

/** The layers of one command. Disposing removes what is thrown away. */
interface Layers extends AsyncDisposable {
  /** Its home on this machine; undefined: an empty one in memory. */
  readonly home: string | undefined;
  readonly overlays: readonly Overlay[];
}

interface LayerOptions {
  readonly canOverlay: () => Promise<boolean>;
  /** The user inside. */
  readonly uid: number;
  readonly searchPath: string;
}

/** Time limit of copying a home. Milliseconds. */
const COPY_TIMEOUT_MS = 10 * 60_000;

/**
 * Makes the layers of a command: its home, whose changes are thrown away where the command says so, and what shows through
 * below the worktree. Without overlays such a home is copied.
 */
export async function openLayers(
  { worktree, beside, below }: SandboxPaths,
  { discardsHome = false }: Pick<Execution, 'discardsHome'>,
  { canOverlay, uid, searchPath }: LayerOptions,
): Promise<Layers> {
  const nothing = { overlays: [], [Symbol.asyncDispose]: async () => {} };
  if (beside === undefined) return { home: undefined, ...nothing };
  const home = homeBeside(beside);
  const make = async (path: string): Promise<string> => {
    await mkdir(path, { mode: 0o700 });
    if (uid !== process.getuid?.()) await chown(path, uid, uid);
    return path;
  };
  if (!(await exists(home))) await make(home);
  const isEmpty = below === undefined && (await readdir(home)).length === 0;
  if (discardsHome && isEmpty) return { home: undefined, ...nothing };
  if (!discardsHome && below === undefined) return { home, ...nothing };

  const directory = await mkdtemp(join(beside, 'layer-'));
  const dispose = { [Symbol.asyncDispose]: async () => removeTree(directory) };
  try {
    if (!(await canOverlay())) {
      if (below !== undefined) throw new ChooError('internal', 'there are no overlays here');
      const copy = join(directory, 'home');
      await copyTree(home, copy, searchPath);
      return { home: copy, overlays: [], ...dispose };
    }
    const ofHome: Overlay = {
      at: home,
      lower: [...(discardsHome ? [home] : []), ...(below === undefined ? [] : [below.home])],
      upper: discardsHome ? await make(join(directory, 'upper')) : home,
      work: await make(join(directory, 'home-work')),
    };
    const ofProject =
      below === undefined
        ? []
        : [
            {
              at: worktree,
              lower: [below.project],
              upper: worktree,
              work: await make(join(directory, 'project-work')),
            },
          ];
    return { home, overlays: [ofHome, ...ofProject], ...dispose };
  } catch (error) {
    await removeTree(directory);
    throw error;
  }
}

/**
 * The words before a command that mount the overlays, in a mount namespace of its own. An ordinary user may do so only in a
 * user namespace, as its root: the command must give that up.
 */
export function overlayWords(
  overlays: readonly Overlay[],
  { unshare, mount, asRoot }: { readonly unshare: string; readonly mount: string; readonly asRoot: boolean },
): readonly string[] {
  if (overlays.length === 0) return [];
  const mounts: string[] = [];
  for (const { at, lower, upper, work } of overlays) {
    const layers = `lowerdir=${lower.map(escape).join(':')},upperdir=${escape(upper)},workdir=${escape(work)}`;
    // Without `volatile`, each end of a command would wait for all data of the file system to be written to the disk.
    // The rest keeps the upper layer readable as plain files: no file in it without its content.
    const options = asRoot ? 'volatile,redirect_dir=off,metacopy=off,index=off' : 'volatile,userxattr';
    mounts.push(`${layers},${options}`, at);
  }
  const namespaces = asRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  return [unshare, ...namespaces, 'sh', '-c', MOUNT, mount, ...mounts, '--'];
}

/** A path as the kernel reads it in the options of an overlay. */
function escape(path: string): string {
  return path.replaceAll(/[\\:,]/g, '\\$&');
}

/** `$0` is mount. Newer ones would cut long options without the variable. */
const MOUNT = `while [ "$1" != -- ]; do
  LIBMOUNT_FORCE_MOUNT2=always "$0" -n -i -t overlay -o "$1" overlay "$2" || exit 1
  shift 2
done
shift
exec "$@"`;

/** Copies a tree with everything that it is, sharing blocks where the file system can. Joins what is there. */
export async function copyTree(
  from: string,
  to: string,
  searchPath: string,
  { reflink = 'auto' }: { readonly reflink?: 'auto' | 'always' } = {},
): Promise<void> {
  const mark = newMark('copy');
  const { ending, tail } = await runCommand({
    argv: ['cp', '--archive', `--reflink=${reflink}`, '--no-target-directory', '--', from, to],
    cwd: '/',
    env: { PATH: searchPath, LANG: 'C.UTF-8', [OWNER_VARIABLE]: mark },
    totalMs: COPY_TIMEOUT_MS,
    tree: markedTree(mark),
  });
  if (ending.kind === 'exited' && ending.exitCode === 0) return;
  throw new ChooError('environment', `Could not copy \`${from}\`: ${tail.trim() || ending.kind}`);
}
