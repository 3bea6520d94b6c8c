import { findExecutable } from '../../system/executables.ts';
import { descendants, newMark, OWNER_VARIABLE } from '../../system/process-tree.ts';
import { copyTree } from '../process/copy-tree.ts';
import { type ControlGroups, findControlGroups } from '../process/control-groups.ts';
import { runCommand } from '../process/runner.ts';
import { MAX_PROCESSES, userLimits } from '../process/user-limits.ts';
import { DEFAULT_LIMITS, openWatchdog, type SpaceLimits } from '../process/watchdog.ts';
import {
  type ExecResult,
  type Execution,
  HOME,
  homeBeside,
  type Layering,
  PROJECT,
  type Sandbox,
  type SandboxPaths,
} from '../sandbox.ts';
import { bubblewrapOptions, findIntruder, reopenClosedParents } from './bubblewrap-line.ts';
import { accountFiles, chownTo, INSIDE_UID, openModes } from './sandbox-user.ts';
import { openEtc } from './etc.ts';
import { testLayers } from './layer-test.ts';
import { openLayers, overlayWords } from './layers.ts';
import { type Network, OPEN_NETWORK } from '../machine/network.ts';
import { findNoWayOut } from '../machine/preflight.ts';
import { describeTools, explainMissing, NO_TOOLS, type Tools } from '../machine/toolchains.ts';
import { writeSettings } from '../machine/write-settings.ts';
import { openPreparedStores } from '../prepared/store.ts';
import { describePrograms, libc } from '../process/programs.ts';
import { watchOpenings } from './openings.ts';
import { namespaceTree } from './namespace-tree.ts';
import { seccompFilter } from './seccomp/filter.ts';
import { bindsOf, environment } from './binds.ts';
import { testBubblewrap } from './self-test.ts';

export interface BubblewrapOptions {
  /** The PATH on this machine for `bwrap`, `prlimit`, `setpriv`, `chown` and `git`. */
  readonly searchPath: string;
  /** The real directory of the Node that runs choo; first on the PATH inside. */
  readonly nodePath: string;
  /** Owner mark of the processes, unique among all running choo processes. Letters, digits, `-` and `_`. */
  readonly owner: string;
  readonly limits?: Partial<SpaceLimits>;
  /**
   * A directory of choo's own, where worktrees will be: what sandboxes show of choo's is written there, and the self-test tries
   * there what it needs.
   */
  readonly directory: string;
  /** What commands with a network need to reach it. Default: nothing. */
  readonly network?: Network;
  /** The tools outside the system that commands find. Default: none. */
  readonly tools?: Tools;
}

/** The most processes of a command that are around the sandbox. */
const WRAPPERS = 16;

/** Runs each command in its own namespaces, and as a separate user when choo is root. */
export function openBubblewrap(options: BubblewrapOptions): Sandbox {
  const root = process.getuid?.() === 0;
  const uid = root ? INSIDE_UID : (process.getuid?.() ?? 0);
  const programs = findPrograms(options.searchPath, root);
  const { tools = NO_TOOLS, network = OPEN_NETWORK, directory } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const watchdog = openWatchdog(limits);
  let groups: ControlGroups | 'none' | undefined;
  const etc = openEtc({
    directory,
    own: accountFiles(uid, root ? uid : (process.getgid?.() ?? 0)),
    chosen: [...network.readable, ...tools.shown.map(({ path }) => path)],
  });
  const limitsOf = userLimits(uid);

  /** The command line with its wrapper programs: each one executes the next. */
  const wrap = (
    overlays: readonly string[],
    reopened: readonly string[] | undefined,
    { argv, totalMs }: Execution,
    join: readonly string[],
  ): Execution['argv'] => {
    const { bwrap, prlimit, setpriv } = programs.paths;
    const identity = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const capabilities = ['--inh-caps=-all', '--bounding-set=-all'];
    const limit = [prlimit, ...limitsOf({ totalMs, fileBytes: limits.fileBytes }), '--'];
    const become = root ? [setpriv, ...identity, ...capabilities, '--'] : [];
    const reopen = reopened === undefined ? [] : [bwrap, ...reopened, '--'];
    // The limits first, so that they hold in the user namespace of the overlays as well.
    const before = root ? [...overlays, ...reopen, ...become, ...limit] : [...limit, ...overlays];
    const [file = bwrap, ...args] = [...join, ...before, bwrap, '--args', '4', '--', ...argv];
    return [file, ...args];
  };

  const run = async (
    workplace: SandboxPaths,
    execution: Execution,
    canOverlay: () => Promise<boolean>,
  ): Promise<ExecResult> => {
    if (programs.missing !== undefined) return notStarted(`${programs.missing} is not installed`);
    groups ??= findControlGroups() ?? 'none';
    await using group =
      groups === 'none' ? undefined : groups.make({ ...limits, processes: MAX_PROCESSES + WRAPPERS });
    const filter = seccompFilter(process.arch, { segments: group === undefined ? 'small' : 'any' });
    if (filter === undefined)
      return notStarted(`there is no filter for the system calls of a machine of type ${process.arch}`);
    const hasNetwork = execution.profile !== 'gate';
    const { searchPath, nodePath } = options;
    await using layers = await openLayers(workplace, execution, { canOverlay, uid, searchPath });
    const openings = await watchOpenings(execution.watched, layers, searchPath);
    const mounts = overlayWords(layers.overlays, { ...programs.paths, asRoot: root });
    const overlays = [...mounts, ...openings.words];
    const ofNetwork = hasNetwork
      ? { readable: network.readable, settings: await writeSettings(network.files, directory) }
      : undefined;
    const binds = bindsOf({
      workplace,
      execution,
      layers,
      network: ofNetwork,
      tools,
      nodePath,
      etc: await etc(),
    });
    const intruder = findIntruder(binds);
    if (intruder !== undefined)
      return notStarted(`\`${intruder}\` and the project at ${PROJECT} would cover each other`);
    const view = bubblewrapOptions({
      network: hasNetwork,
      binds,
      cwd: placeOf(execution.cwd, workplace),
      env: { ...environment(nodePath, tools), ...(hasNetwork ? network.variables : {}), ...execution.env },
      become: root || overlays.length === 0 ? undefined : uid,
      temporaryBytes: limits.temporaryBytes,
    });
    // Options are passed separated by NUL: a NUL in a value would inject another option.
    if (view.some((option) => option.includes('\0'))) return notStarted('a path or a variable contains NUL');

    const mark = newMark(options.owner);
    const reopened = root ? reopenClosedParents(binds, uid) : undefined;
    const tree = namespaceTree(mark, reopened !== undefined);
    const result = await runCommand({
      ...execution,
      argv: wrap(overlays, reopened, execution, group?.words ?? []),
      cwd: '/', // open to every user
      env: { PATH: '/usr/bin:/bin', [OWNER_VARIABLE]: mark }, // readable inside, in /proc/1/environ
      // The options not as arguments: every user of this machine could read the values of variables there.
      wrapper: {
        onStatus: (line) => tree.report(line),
        inputs: [view.map((option) => `${option}\0`).join(''), filter],
        onOuterStatus: reopened && ((line) => tree.reportOuter(line)),
      },
      tree,
      watch: watchdog({
        directories: [workplace.worktree, ...(execution.writable ?? []), ...besideOf(workplace)],
        processes: (all) => (tree.first === undefined ? [] : descendants(all, tree.first)),
        group,
      }),
    });
    const { kind } = result.ending;
    if (group?.isOverMemory() === true && (kind === 'exited' || kind === 'killed')) {
      return { ...result, ending: { kind: 'over-limit', what: 'memory', limitBytes: limits.memoryBytes } };
    }
    if (tree.finished || result.ending.kind !== 'exited')
      return { ...result, openings: await openings.read() };
    return notStarted(result.tail.trim() || `the sandbox ended with ${result.ending.exitCode}`);
  };

  const chownToSandboxUser = async (path: string): Promise<void> => {
    if (root) await chownTo(uid, path, options.searchPath);
  };
  const openToAll = async (path: string): Promise<void> => {
    if (root) await openModes(path, options.searchPath);
  };
  const openStore = openPreparedStores({ open: openToAll });
  let tried: Promise<Layering> | undefined;
  const layering = async (): Promise<Layering> =>
    (tried ??= testLayers(
      async (workplace, execution) => run(workplace, execution, async () => true),
      { chownToSandboxUser },
      options,
    ));
  const exec = async (workplace: SandboxPaths, execution: Execution): Promise<ExecResult> =>
    run(workplace, execution, async () => (await layering()) === 'overlay');
  return {
    kind: 'bubblewrap',
    exec,
    placeOf: () => PROJECT,
    chownToSandboxUser,
    layering,
    openPrepared: async (at) => ((await layering()) === 'none' ? undefined : openStore(at)),
    async give({ project, home }, workplace) {
      if ((await layering()) === 'overlay') return { ...workplace, below: { project, home } };
      const { worktree, beside } = workplace;
      for (const [from, to] of [
        [project, worktree],
        ...(beside === undefined ? [] : [[home, homeBeside(beside)]]),
      ])
        await copyTree(from ?? '', to ?? '', options.searchPath);
      for (const path of [worktree, ...besideOf(workplace)]) await chownToSandboxUser(path);
      return workplace;
    },
    describe: async (commands) => {
      const variables = environment(options.nodePath, tools);
      return [
        'bubblewrap',
        [PROJECT, HOME, root ? 'root' : uid, process.umask(), process.arch, libc()],
        variables,
        [network.variables, network.files],
        await describeTools(tools),
        await describePrograms(commands, variables['PATH'] ?? ''),
      ];
    },
    findNoWayOut: async (workplace, fetching) =>
      findNoWayOut({ exec }, workplace, fetching, { nodePath: options.nodePath, network }),
    explainMissing: (output) => explainMissing(output, { searchPath: options.searchPath, tools }),
    selfTest: async () => {
      const result = await testBubblewrap({ exec, chownToSandboxUser }, options);
      return result.ok ? { ...result, layering: await layering() } : result;
    },
  };
}

function besideOf({ beside }: SandboxPaths): readonly string[] {
  return beside === undefined ? [] : [beside];
}

/** Where a directory of the worktree stands inside. */
function placeOf(path: string, { worktree }: SandboxPaths): string {
  return path === worktree || path.startsWith(`${worktree}/`) ? PROJECT + path.slice(worktree.length) : path;
}

function notStarted(reason: string): ExecResult {
  return { ending: { kind: 'not-started', reason }, tail: '', durationMs: 0 };
}

function findPrograms(searchPath: string, root: boolean) {
  const find = (name: string): string | undefined => findExecutable(name, searchPath)?.path;
  const paths = { bwrap: find('bwrap'), prlimit: find('prlimit'), setpriv: root ? find('setpriv') : '' };
  const missing = Object.entries(paths).find(([, path]) => path === undefined)?.[0];
  const { bwrap = '', prlimit = '', setpriv = '' } = paths;
  // Without these there are no overlays.
  const [unshare = '', mount = ''] = [find('unshare'), find('mount')];
  return { missing, paths: { bwrap, prlimit, setpriv, unshare, mount } };
}
