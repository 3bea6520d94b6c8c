import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  descendants,
  endAll,
  isMarked,
  listProcesses,
  newMark,
  OWNER_VARIABLE,
  send,
} from '../system/process-tree.ts';
import { removeTree } from '../system/remove-tree.ts';
import { openPreparedStores } from './prepared/store.ts';
import { copyTree } from './process/copy-tree.ts';
import { type Network, OPEN_NETWORK } from './machine/network.ts';
import { findNoWayOut } from './machine/preflight.ts';
import { describePrograms, libc } from './process/programs.ts';
import { markedTree } from './process/marked-tree.ts';
import { runCommand, type Watch } from './process/runner.ts';
import { DEFAULT_LIMITS, openWatchdog, type SpaceLimits } from './process/watchdog.ts';
import type { ExecResult, Openings, Sandbox } from './sandbox.ts';

/**
 * No sandbox: commands run as choo's own user, on choo's machine, with their own environment. A command is ended with
 * everything it started, unless that hides on purpose (see {@link markedTree}).
 */
export function openHostSandbox(options: {
  /** The PATH of the commands. */
  readonly searchPath: string;
  /** Owner mark of the processes, unique among all running choo processes. Letters, digits, `-` and `_`. */
  readonly owner: string;
  readonly home: string;
  /** Where commands put temporary files. */
  readonly temporary?: string;
  readonly limits?: Partial<SpaceLimits>;
  /** What commands need to reach the network. Default: nothing. */
  readonly network?: Network;
  /** What the operator adds to the environment. */
  readonly variables?: Readonly<Record<string, string>>;
}): Sandbox {
  const { searchPath, network = OPEN_NETWORK } = options;
  const environment = {
    PATH: searchPath,
    HOME: options.home,
    LANG: 'C.UTF-8',
    TMPDIR: options.temporary ?? '/tmp',
    ...network.own,
    ...options.variables,
  };
  const openStore = openPreparedStores({ open: async () => {} }); // it is the same user
  const killAtExit = killOnExit();
  const watchdog = openWatchdog({ ...DEFAULT_LIMITS, ...options.limits });
  const nodePath = dirname(process.execPath);
  const exec: Sandbox['exec'] = async (workplace, execution) => {
    const mark = newMark(options.owner);
    const env = { ...environment, ...execution.env, [OWNER_VARIABLE]: mark };
    const limitSpace = watchdog({
      directories: [workplace.worktree, ...(execution.writable ?? [])],
      processes: (all, leader) => {
        const group = all.filter((process) => process.group === leader);
        return [...new Set([...group, ...descendants(all, leader)])];
      },
    });
    const watch: Watch = (leader, end) => {
      const stack = new DisposableStack();
      stack.use(killAtExit(leader, end));
      stack.use(limitSpace(leader, end));
      return stack;
    };
    const run = async (): Promise<ExecResult> =>
      runCommand({ ...execution, env, tree: markedTree(mark), watch });
    const result = await (execution.discards === 'all'
      ? putBackAfter(run, workplace.worktree, searchPath)
      : run());
    return execution.watched === undefined ? result : { ...result, openings: UNKNOWN };
  };
  return {
    kind: 'host',
    exec,
    placeOf: ({ worktree }) => worktree,
    chownToSandboxUser: async () => {}, // it is the same user
    layering: async () => 'none',
    // Commands find it at each worktree's own path, so only what says that it does not mind is given to another one.
    openPrepared: async (at, { relocatable }) => (relocatable ? openStore(at) : undefined),
    async give({ project }, workplace) {
      await copyTree(project, workplace.worktree, searchPath);
      return workplace;
    },
    describe: async (commands) => [
      'host',
      [process.getuid?.(), process.umask(), process.arch, libc()],
      environment,
      await describePrograms(commands, searchPath),
    ],
    findNoWayOut: async (workplace, fetching) =>
      findNoWayOut({ exec }, workplace, fetching, { nodePath, network }),
    explainMissing: () => undefined,
    selfTest: async () => ({ ok: true, layering: 'none' }),
  };
}

/** Other commands may open the same files. */
const UNKNOWN: Openings = { kind: 'unknown', reason: 'it ran without a sandbox' };

/**
 * Runs a command in a worktree, which then is as it was before: a copy takes its place, since commands here must see it at its
 * own path. No other command may run in it meanwhile.
 */
async function putBackAfter(
  run: () => Promise<ExecResult>,
  worktree: string,
  searchPath: string,
): Promise<ExecResult> {
  const copy = `${worktree}.copy`;
  await removeTree(copy);
  try {
    await copyTree(worktree, copy, searchPath);
    const result = await run();
    await removeTree(worktree);
    await rename(copy, worktree);
    return result;
  } finally {
    await removeTree(copy);
  }
}

/** Kills the process groups of running commands when choo exits. (When choo is killed: `endLeftovers` at its next start.) */
function killOnExit(): Watch {
  const running = new Set<number>();
  const killAll = (): void => {
    for (const leader of running) send(-leader, 'SIGKILL');
  };
  return (leader) => {
    if (running.size === 0) process.once('exit', killAll);
    running.add(leader);
    return {
      [Symbol.dispose]() {
        running.delete(leader);
        if (running.size === 0) process.off('exit', killAll);
      },
    };
  };
}

/**
 * Ends what a dead choo left behind: every process with its owner mark. Resolves with their number when all are gone.
 * Linux only; finds none elsewhere.
 */
export async function endLeftovers(owner: string): Promise<number> {
  return await endAll(() => listProcesses().filter((pid) => isMarked(pid, owner)));
}
