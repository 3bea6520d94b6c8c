import { exists } from '../../system/files.ts';
import { chmod, mkdir, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../../system/remove-tree.ts';
import {
  type ExecResult,
  type Execution,
  homeBeside,
  type Layering,
  type Sandbox,
  type SandboxPaths,
} from '../sandbox.ts';
import { copyTree } from '../process/copy-tree.ts';

/** Time limit of the command; a slower machine is unusable. Milliseconds. */
const COMMAND_TIMEOUT_MS = 20_000;

const SCRIPT =
  'cat kept "$HOME/tool" && echo more >> kept && rm gone && mkdir made && echo more > made/file && echo more > "$HOME/tool"';

/**
 * Tries how layers can be given here: changes what shows through below a worktree and looks at what became of it.
 * `run` runs a command with overlays; `directory`: on the file system of the worktrees.
 */
export async function testLayers(
  run: (workplace: SandboxPaths, execution: Execution) => Promise<ExecResult>,
  { chownToSandboxUser }: Pick<Sandbox, 'chownToSandboxUser'>,
  { searchPath, directory: place }: { readonly searchPath: string; readonly directory: string },
): Promise<Layering> {
  const made = await mkdtemp(join(place, 'choo-layers-'));
  try {
    const directory = await realpath(made);
    await chmod(directory, 0o711);
    const [worktree, beside] = [join(directory, 'worktree'), join(directory, 'beside')];
    const below = { project: join(directory, 'project'), home: join(directory, 'home') };
    const kept = join(below.project, 'kept');
    for (const path of [worktree, beside, homeBeside(beside), below.project, below.home]) await mkdir(path);
    for (const path of [kept, join(below.project, 'gone'), join(below.home, 'tool')])
      await writeFile(path, 'content');
    for (const path of [worktree, homeBeside(beside), below.project, below.home])
      await chownToSandboxUser(path);
    const argv = ['sh', '-c', SCRIPT] as const;
    const execution = { profile: 'gate', argv, cwd: worktree, totalMs: COMMAND_TIMEOUT_MS } as const;
    const { ending } = await run(
      { worktree, readable: [], beside, below },
      { ...execution, discards: 'home' },
    );
    const isLayered =
      ending.kind === 'exited' &&
      ending.exitCode === 0 &&
      (await readFile(kept, 'utf8')) === 'content' &&
      (await readFile(join(worktree, 'made/file'), 'utf8').catch(() => '')) === 'more\n' &&
      (await exists(join(below.project, 'gone'))) &&
      !(await exists(join(homeBeside(beside), 'tool')));
    if (isLayered) return 'overlay';
    await copyTree(below.project, join(directory, 'copy'), searchPath, { reflink: 'always' });
    return 'reflink';
  } catch {
    return 'none';
  } finally {
    await removeTree(made);
  }
}
