import { execa } from 'execa';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { figures } from './measure.ts';
import { IDENTITY } from './workload.ts';

/** What a program and all it waited for used. */
interface Usage {
  /** From its start to its end. Milliseconds. */
  readonly ms: number;
  /** Of all processors, user and system. Milliseconds. */
  readonly cpuMs: number;
  /** The largest of its processes. */
  readonly peakMiB: number;
  readonly exitCode: number | undefined;
  readonly stdout: string;
}

/** A run of choo. */
export interface Timing extends Usage {
  readonly events: readonly { readonly type: string; readonly at: number; readonly unit?: string }[];
  /** From the first event to the last. Milliseconds. */
  readonly eventsMs: number;
  /** From the start of the program to its first event. Milliseconds. */
  readonly startMs: number;
  /** What other programs of the machine used of the processors meanwhile: 0 to 1. */
  readonly others: number;
}

const CHOO = new URL('../script/choo', import.meta.url).pathname;

/** Runs choo in a project. `directory` holds its data. */
export async function timeRun(project: string, directory: string, sandbox = 'host'): Promise<Timing> {
  const [busy, started, startedAt] = [busyMs(), performance.now(), Date.now()];
  const usage = await use(['/usr/bin/env', CHOO, 'run', '--json', '--sandbox', sandbox], project, directory);
  const others = (busyMs() - busy - usage.cpuMs) / (performance.now() - started) / availableParallelism();
  const events = usage.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Timing['events'][number]);
  const [first = NaN, last = NaN] = [events[0]?.at, events.at(-1)?.at];
  return {
    ...usage,
    events,
    eventsMs: last - first,
    startMs: first - startedAt,
    others: Math.max(0, others),
  };
}

/**
 * Counts the processes and threads that a run starts, by the ids that a process namespace of its own gives out. Undefined where
 * there may be none.
 */
export async function countProcesses(project: string, directory: string): Promise<number | undefined> {
  const script = '"$0" run --json --sandbox host >/dev/null && cat /proc/loadavg';
  const words = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc', 'sh', '-c', script, CHOO];
  const { stdout, exitCode } = await execa('unshare', words, {
    cwd: project,
    env: { CHOO_DATA_DIR: join(directory, 'data') },
    reject: false,
  });
  return exitCode === 0 ? Number(stdout.trim().split(' ').at(-1)) : undefined;
}

/** Runs a program and says what it and all it waited for used. `directory` holds the data of a choo. */
export async function use(command: readonly string[], cwd: string, directory: string): Promise<Usage> {
  const started = performance.now();
  const { stdout, stderr, exitCode } = await execa('/usr/bin/time', ['-f', '%M %U %S', ...command], {
    cwd,
    env: { CHOO_DATA_DIR: join(directory, 'data') },
    reject: false,
    maxBuffer: 1e9,
  });
  const ms = performance.now() - started;
  const [peak, user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  const cpuMs = ((user ?? NaN) + (system ?? NaN)) * 1_000;
  return { ms, cpuMs, peakMiB: (peak ?? NaN) / 1024, exitCode, stdout };
}

/** What all processors of the machine worked since it started. Milliseconds. */
function busyMs(): number {
  const [user = 0, nice = 0, system = 0] = readFileSync('/proc/stat', 'latin1')
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system) * 10;
}

/** Files that git alone adds and commits, one after the other, by a shell: no program does the same for less. */
const COMMIT_LOOP = `for number in $(seq "$1"); do
  echo "$number" >"file-$number"
  git add --all; git "\${@:2}" commit --quiet --message=task
done`;

const FLOOR_COMMITS = 30;

/** The floor in a directory: milliseconds a commit. */
async function measureFloor(directory: string): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'start'), '');
  await execa('git', ['init', '--quiet'], { cwd: directory });
  const words = ['bash', '-c', COMMIT_LOOP, 'floor', String(FLOOR_COMMITS), ...IDENTITY];
  const { ms, cpuMs } = await use(words, directory, directory);
  return { ms: ms / FLOOR_COMMITS, cpuMs: cpuMs / FLOOR_COMMITS };
}

/** The floors of one call. What is measured when git alone takes over twice its usual time is void. */
export class Floors {
  readonly #of: (name: string) => string;
  readonly #ms: number[] = [];
  readonly #cpuMs: number[] = [];

  /** `newDirectory` makes one that no file was removed from. */
  constructor(newDirectory: (name: string) => string) {
    this.#of = newDirectory;
  }

  /** Measures one more; returns whether it is usual: at most twice the least of this call. */
  async areUsual(): Promise<boolean> {
    const { ms, cpuMs } = await measureFloor(this.#of('floor-'));
    this.#ms.push(ms);
    this.#cpuMs.push(cpuMs);
    return ms <= 2 * figures(this.#ms).min;
  }

  describe(): string {
    const of = (values: readonly number[]): string => {
      const { median, min, max } = figures(values);
      return `${median.toFixed(1)} [${min.toFixed(1)}-${max.toFixed(1)}]`;
    };
    return `git alone, ms a commit: ${of(this.#ms)}, CPU ${of(this.#cpuMs)} (median, least and greatest of ${this.#ms.length})`;
  }
}
