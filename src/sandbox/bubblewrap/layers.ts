import { exists } from '../../system/files.ts';
import { chown, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ChooError } from '../../errors.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { copyTree } from '../process/copy-tree.ts';
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
  /** Its worktree on this machine: the one it was given, or a copy. */
  readonly worktree: string;
  /** Its home on this machine; undefined: an empty one in memory. */
  readonly home: string | undefined;
  readonly overlays: readonly Overlay[];
  /** A directory that is removed with them; undefined: it has no layers. */
  readonly scratch: string | undefined;
}

interface LayerOptions {
  readonly canOverlay: () => Promise<boolean>;
  /** The user inside. */
  readonly uid: number;
  readonly searchPath: string;
}

/**
 * Makes the layers of a command: its home and its worktree, whose changes are thrown away where the command says so, and what
 * shows through below them. Without overlays, what is thrown away is a copy.
 */
export async function openLayers(
  { worktree, beside, below }: SandboxPaths,
  { discards }: Pick<Execution, 'discards'>,
  { canOverlay, uid, searchPath }: LayerOptions,
): Promise<Layers> {
  const nothing = { worktree, overlays: [], scratch: undefined, [Symbol.asyncDispose]: async () => {} };
  if (beside === undefined) {
    if (discards === 'all') throw new ChooError('internal', 'there is no room for a layer of the worktree');
    return { home: undefined, ...nothing };
  }
  const home = homeBeside(beside);
  const make = async (path: string): Promise<string> => {
    await mkdir(path, { mode: 0o700 });
    if (uid !== process.getuid?.()) await chown(path, uid, uid);
    return path;
  };
  if (!(await exists(home))) await make(home);
  // An empty home in memory is cheaper.
  const inMemory = discards !== undefined && below === undefined && (await readdir(home)).length === 0;
  if (discards !== 'all' && below === undefined && (inMemory || discards === undefined))
    return { home: inMemory ? undefined : home, ...nothing };

  const directory = await mkdtemp(join(beside, 'layer-'));
  const dispose = { scratch: directory, [Symbol.asyncDispose]: async () => removeTree(directory) };
  try {
    if (!(await canOverlay())) {
      if (below !== undefined) throw new ChooError('internal', 'there are no overlays here');
      const copy = async (from: string, name: string): Promise<string> => {
        const to = join(directory, name);
        await copyTree(from, to, searchPath);
        return to;
      };
      return {
        worktree: discards === 'all' ? await copy(worktree, 'project') : worktree,
        home: inMemory ? undefined : await copy(home, 'home'),
        overlays: [],
        ...dispose,
      };
    }
    const overlay = async (
      at: string,
      name: string,
      lower: string | undefined,
      isDiscarded: boolean,
    ): Promise<Overlay> => ({
      at,
      lower: [...(isDiscarded ? [at] : []), ...(lower === undefined ? [] : [lower])],
      upper: isDiscarded ? await make(join(directory, name)) : at,
      work: await make(join(directory, `${name}-work`)),
    });
    const overlays: Overlay[] = [];
    if (!inMemory) overlays.push(await overlay(home, 'home', below?.home, discards !== undefined));
    if (below !== undefined || discards === 'all')
      overlays.push(await overlay(worktree, 'project', below?.project, discards === 'all'));
    return { worktree, home: inMemory ? undefined : home, overlays, ...dispose };
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
