import { execa } from 'execa';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { WorkerTask, WorkReport } from './engine-worker.ts';

const PROGRAM = fileURLToPath(new URL('engine-worker.ts', import.meta.url));

/** Another process of the server. */
export interface WorkerProcess extends AsyncDisposable {
  readonly pid: number;
  /** Lets it end, and returns what it worked on. */
  readonly finish: () => Promise<readonly WorkReport[]>;
}

/** Starts a process that works; it does when this resolves. It ends with this one. */
export async function startWorker(task: WorkerTask): Promise<WorkerProcess> {
  const child = execa(process.execPath, [PROGRAM, JSON.stringify(task)], {
    stderr: 'inherit',
    reject: false,
    buffer: false,
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error('a worker of the benchmark ended too soon');
    return line.value;
  };
  await nextLine();
  return {
    pid: child.pid ?? 0,
    finish: async () => {
      child.stdin.end();
      const reports = JSON.parse(await nextLine()) as readonly WorkReport[];
      await child;
      return reports;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child;
    },
  };
}

/** How many were worked on at once, at most. */
export function mostAtOnce(reports: readonly WorkReport[]): number {
  const steps = reports
    .flatMap(({ from, to }) => [
      { at: from, by: 1 },
      { at: to, by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let [now, most] = [0, 0];
  for (const { by } of steps) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

/** What a process holds in memory by itself. MiB. */
export function residentMiB(pid: number): number {
  return kibibytes(`/proc/${pid}/status`, 'VmRSS') / 1_024;
}

/** What a process and those it started hold, what they share counted once. MiB. */
export function treePssMiB(pid: number): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
  const own = kibibytes(`/proc/${pid}/smaps_rollup`, 'Pss') / 1_024;
  return children.reduce((sum, child) => sum + treePssMiB(Number(child)), own);
}

/** Processor time of a process and of all that it started, user and system. Milliseconds. */
export function treeCpuMs(pid: number): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === pid);
  return children.reduce((sum, child) => sum + treeCpuMs(Number(child)), cpuMs(pid));
}

/** Its own, and that of its children that ended. */
function cpuMs(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10;
  } catch {
    return 0; // it has just ended
  }
}

function parentOf(pid: string): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // it has just ended
  }
}

function kibibytes(path: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8'))?.[1] ?? NaN);
}
