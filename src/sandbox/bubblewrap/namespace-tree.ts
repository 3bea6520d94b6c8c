import {
  descendants,
  endAll,
  hasChildren,
  inspect,
  inspectAll,
  isMarked,
  listProcesses,
  send,
} from '../../system/process-tree.ts';
import type { ProcessTree } from '../process/runner.ts';

/** The processes of a command in its own process namespace, made by bubblewrap. */
export interface NamespaceTree extends ProcessTree {
  /** Takes one line of bubblewrap's status (`--json-status-fd`). */
  report(line: string): void;
  /** The same for the outer of two bubblewraps: the inner one reports process ids of its own namespace. */
  reportOuter(line: string): void;
  /** The id, on this machine, of the first process inside, once it is known. */
  readonly first: number | undefined;
  /** Whether the command itself started and ended; otherwise bubblewrap failed. */
  readonly finished: boolean;
}

/**
 * When the first process inside ends, the kernel kills all others, so no daemon can escape. Bubblewrap itself ends as
 * soon as the command does; its death kills the first process a moment later, hence the waiting in `settle`.
 * `nested`: an outer bubblewrap runs the one that runs the command.
 */
export function namespaceTree(mark: string, nested: boolean): NamespaceTree {
  let first: { readonly pid: number; readonly startTime: string | undefined } | undefined;
  let finished = false;
  const take = (pid: unknown): void => {
    if (typeof pid === 'number') first = { pid, startTime: inspect(pid)?.startTime };
  };
  const isThere = (): boolean =>
    first?.startTime !== undefined && inspect(first.pid)?.startTime === first.startTime;
  return {
    get first() {
      return first?.pid;
    },
    get finished() {
      return finished;
    },
    report(line) {
      const status = JSON.parse(line) as Readonly<Record<string, unknown>>;
      if (!nested) take(status['child-pid']);
      if ('exit-code' in status) finished = true;
    },
    reportOuter(line) {
      take((JSON.parse(line) as Readonly<Record<string, unknown>>)['child-pid']);
    },
    signal(leader, signal) {
      // Bubblewrap forwards no signal and would just die, so signal the processes inside, if any.
      const { pid: top } = first ?? {};
      if (signal === 'SIGTERM' && top !== undefined && isThere()) {
        // Not a nested bubblewrap: its death would kill the processes inside before they can react.
        const inside = descendants(inspectAll(), top).filter(
          ({ pid, name }) => pid !== top && name !== 'bwrap',
        );
        for (const { pid } of inside) send(pid, signal);
        if (inside.length > 0) return;
      }
      if (first !== undefined && isThere()) send(first.pid, 'SIGKILL');
      send(-leader, 'SIGKILL');
    },
    async settle(leader) {
      if (first !== undefined && isThere()) send(first.pid, 'SIGKILL');
      send(-leader, 'SIGKILL');
      if (first === undefined) {
        // It died before it reported its child; whatever it had started inherited its environment.
        await endAll(() => listProcesses().filter((pid) => isMarked(pid, mark)));
        return;
      }
      const { pid } = first;
      // Does not wait for the first process itself, which takes some milliseconds to take its namespaces down.
      await endAll(() => (isThere() && hasChildren(pid) ? [pid] : []));
    },
  };
}
