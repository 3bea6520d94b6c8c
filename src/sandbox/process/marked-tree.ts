import { endAll, inspect, isMarked, listProcesses, listYounger, send } from '../../system/process-tree.ts';
import type { ProcessTree } from './runner.ts';

/** Up to here a command is short: the machine cannot have given out all of its process ids meanwhile. Milliseconds. */
const SHORT_MS = 100;

/**
 * The processes of a command that runs on the bare machine: its group, and on Linux also those that left it and carry
 * its mark. One that has left the group and emptied its environment is lost.
 */
export function markedTree(mark: string): ProcessTree {
  return {
    signal(leader, signal) {
      send(-leader, signal);
      for (const pid of listProcesses()) {
        if (isMarked(pid, mark) && inspect(pid)?.group !== leader) send(pid, signal);
      }
    },
    async settle(leader, ranMs) {
      const hadGroup = send(-leader, 'SIGKILL');
      // Reading every environment costs 20 µs a process. Almost all short commands leave nothing that is younger.
      const short = !hadGroup && ranMs < SHORT_MS;
      if (short && !listYounger(leader).some((pid) => isMarked(pid, mark))) return;
      const isLeft = (pid: number): boolean =>
        isMarked(pid, mark) || (hadGroup && inspect(pid)?.group === leader);
      await endAll(() => listProcesses().filter(isLeft));
    },
  };
}
