import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable } from '../../system/executables.ts';
import { descendants, newMark, OWNER_VARIABLE } from '../../system/process-tree.ts';
import { runCommand } from '../process/runner.ts';
import { userLimits } from '../process/user-limits.ts';
import { DEFAULT_LIMITS, openWatchdog, type SpaceLimits } from '../process/watchdog.ts';
import type { ExecResult, Execution, Sandbox, Workplace } from '../sandbox.ts';
import {
  type Bind,
  bubblewrapOptions,
  HOME,
  type Mask,
  reopenClosedParents,
  resolverFile,
} from './bubblewrap-line.ts';
import { giveTo, INSIDE_UID } from './inside-user.ts';
import { findPrivate } from './masks.ts';
import { namespaceTree } from './namespace-tree.ts';
import { testBubblewrap } from './self-test.ts';

export interface BubblewrapOptions {
  /** Where `bwrap`, `prlimit`, `setpriv`, `chown` and `git` are looked up, on this machine. */
  readonly searchPath: string;
  /** The directory of the Node that runs choo, real: it comes first on the PATH inside. */
  readonly nodePath: string;
  /** Marks the processes: unique to this choo among all that run. Letters, digits, `-` and `_`. */
  readonly owner: string;
  readonly limits?: Partial<SpaceLimits>;
  /** Where the self-test makes its repository; best where worktrees will be. */
  readonly temporary?: string;
}

/** Runs commands in namespaces of their own, as a user of their own when choo is root. */
export function openBubblewrap(options: BubblewrapOptions): Sandbox {
  const root = process.getuid?.() === 0;
  const uid = root ? INSIDE_UID : (process.getuid?.() ?? 0);
  const tools = findTools(options.searchPath, root);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const watchdog = openWatchdog(limits);
  const limitsOf = userLimits(uid);
  let masks: readonly Mask[] | undefined;

  /** The programs around the command: each hands over to the next. */
  const wrap = (reopened: readonly string[] | undefined, { argv, totalMs }: Execution): Execution['argv'] => {
    const { bwrap, prlimit, setpriv } = tools.paths;
    const identity = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const capabilities = ['--inh-caps=-all', '--bounding-set=-all'];
    const limit = [prlimit, ...limitsOf({ totalMs, fileBytes: limits.fileBytes }), '--'];
    const become = root ? [setpriv, ...identity, ...capabilities, '--'] : [];
    const reopen = reopened === undefined ? [] : [bwrap, ...reopened, '--'];
    const [file = bwrap, ...args] = [...reopen, ...become, ...limit, bwrap, '--args', '4', '--', ...argv];
    return [file, ...args];
  };

  const exec = async (workplace: Workplace, execution: Execution): Promise<ExecResult> => {
    if (tools.missing !== undefined) return notStarted(`${tools.missing} is not installed`);
    const network = execution.profile !== 'gate';
    const binds = bindsOf({ workplace, execution, network, nodePath: options.nodePath });
    masks ??= root ? [] : findPrivate('/etc');
    const view = bubblewrapOptions({
      network,
      binds,
      masks,
      cwd: execution.cwd,
      env: { ...environment(options.nodePath), ...execution.env },
      temporaryBytes: limits.temporaryBytes,
    });
    // They are handed over with NUL between them: in a value, it would begin an option of somebody else's choice.
    if (view.some((option) => option.includes('\0'))) return notStarted('a path or a variable contains NUL');

    const mark = newMark(options.owner);
    const reopened = root ? reopenClosedParents(binds, uid) : undefined;
    const tree = namespaceTree(mark, reopened !== undefined);
    const result = await runCommand({
      ...execution,
      argv: wrap(reopened, execution),
      cwd: '/', // where everybody may be
      env: { PATH: '/usr/bin:/bin', [OWNER_VARIABLE]: mark }, // can be read inside, in /proc/1/environ
      // Not as arguments: those show the values of variables to everybody on this machine.
      wrapper: {
        input: view.map((option) => `${option}\0`).join(''),
        onStatus: (line) => tree.report(line),
        onOuterStatus: reopened && ((line) => tree.reportOuter(line)),
      },
      tree,
      watch: watchdog({
        directories: [workplace.worktree, ...(execution.writable ?? [])],
        processes: (all) => (tree.first === undefined ? [] : descendants(all, tree.first)),
      }),
    });
    if (tree.finished || result.ending.kind !== 'exited') return result;
    return notStarted(result.tail.trim() || `the sandbox ended with ${result.ending.exitCode}`);
  };

  const handOver = async (path: string): Promise<void> => {
    if (root) await giveTo(uid, path, options.searchPath);
  };
  return {
    kind: 'bubblewrap',
    exec,
    handOver,
    selfTest: async () => await testBubblewrap({ exec, handOver }, options),
  };
}

function notStarted(reason: string): ExecResult {
  return { ending: { kind: 'not-started', reason }, tail: '', durationMs: 0 };
}

function findTools(searchPath: string, root: boolean) {
  const find = (name: string): string | undefined => findExecutable(name, searchPath)?.path;
  const paths = { bwrap: find('bwrap'), prlimit: find('prlimit'), setpriv: root ? find('setpriv') : '' };
  const missing = Object.entries(paths).find(([, path]) => path === undefined)?.[0];
  const { bwrap = '', prlimit = '', setpriv = '' } = paths;
  return { missing, paths: { bwrap, prlimit, setpriv } };
}

/** What is seen inside beside the system. A later one wins: `.git` stays closed whatever else is asked for. */
function bindsOf({
  workplace: { worktree, readable },
  execution,
  network,
  nodePath,
}: {
  readonly workplace: Workplace;
  readonly execution: Execution;
  readonly network: boolean;
  readonly nodePath: string;
}): readonly Bind[] {
  const gitFile = join(worktree, '.git');
  const resolver = network ? resolverFile() : undefined;
  const packages = join(nodePath, '../lib/node_modules'); // npm, and what was installed with it for all
  const read = [
    ...[nodePath, packages].filter(isThere),
    ...(resolver === undefined ? [] : [resolver]),
    ...readable,
    ...(execution.readable ?? []),
  ].filter((path) => !path.startsWith('/usr/')); // seen already
  const write = [...(execution.writable ?? []), worktree];
  return [
    ...read.map((path) => ({ path, writable: false })),
    ...write.map((path) => ({ path, writable: true })),
    ...[gitFile].filter(isThere).map((path) => ({ path, writable: false })),
  ];
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function environment(nodePath: string): Readonly<Record<string, string>> {
  return {
    PATH: `${nodePath}:/usr/local/bin:/usr/bin:/bin`,
    HOME,
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    // git reads a worktree that belongs to somebody else, and leaves its index alone
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  };
}
