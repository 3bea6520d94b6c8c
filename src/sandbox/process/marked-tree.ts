import {
  countForks,
  endAll,
  inspect,
  isMarked,
  listProcesses,
  listYounger,
  mayIdsRepeat,
  send,
} from '../../system/process-tree.ts';
import type { ProcessTree } from './runner.ts';

/** A command is short below this: the machine cannot have used up all process ids meanwhile. Milliseconds. */
const SHORT_COMMAND_MS = 100;

/**
 * The processes of a command that runs without a sandbox: its process group, and on Linux also those with its mark that
 * left the group. A process that left the group and cleared its environment is not found. Make it before the command starts.
 */
export function markedTree(mark: string): ProcessTree {
  const forksBefore = countForks();
  return {
    signal(leader, signal) {
      send(-leader, signal);
      for (const pid of listProcesses()) {
        if (isMarked(pid, mark) && inspect(pid)?.group !== leader) send(pid, signal);
      }
    },
    async settle(leader, ranMs) {
      const hadGroup = send(-leader, 'SIGKILL');
      // Reading an environment costs 20 µs, and almost no command leaves a younger process.
      const isRecent = ranMs < SHORT_COMMAND_MS || !mayIdsRepeat(forksBefore);
      const list = isRecent ? (): readonly number[] => listYounger(leader) : listProcesses;
      const isLeft = (pid: number): boolean =>
        isMarked(pid, mark) || (hadGroup && inspect(pid)?.group === leader);
      await endAll(() => list().filter(isLeft));
    },
  };
}
