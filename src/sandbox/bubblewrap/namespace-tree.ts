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

/** The processes of a command that runs in a process namespace of its own, made by bubblewrap. */
export interface NamespaceTree extends ProcessTree {
  /** Takes what bubblewrap reports (`--json-status-fd`), a line at a time. */
  report(line: string): void;
  /** The same for one that stands around the other: the process ids that the inner one tells are of its namespace. */
  reportOuter(line: string): void;
  /** The first process inside, as seen from here, once it is known. */
  readonly first: number | undefined;
  /** Whether the command itself was started, and has ended: else bubblewrap failed. */
  readonly finished: boolean;
}

/**
 * When the first process inside ends, the kernel ends all others: no daemon can escape. Bubblewrap, though, ends as
 * soon as the command does, and the first process is killed by its parent's death a moment later: hence the waiting.
 * `nested`: another bubblewrap stands around the one that runs the command.
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
      // Bubblewrap passes no signal on, it would just die: ask those inside. While there are none, there is no need.
      const { pid: top } = first ?? {};
      if (signal === 'SIGTERM' && top !== undefined && isThere()) {
        // One bubblewrap may stand inside another: if it died of this, all inside would be killed before they can answer.
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
        // It died before it told; what it had started by then has its environment.
        await endAll(() => listProcesses().filter((pid) => isMarked(pid, mark)));
        return;
      }
      const { pid } = first;
      // The first process itself takes some milliseconds to take its namespaces down; nobody has to wait for that.
      await endAll(() => (isThere() && hasChildren(pid) ? [pid] : []));
    },
  };
}
