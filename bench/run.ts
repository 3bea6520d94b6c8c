import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figures, table } from './measure.ts';
import { countProcesses, Floors, type Timing, timeRun } from './timed-run.ts';
import { alone, boundOf, chain, layered, type Workload, writeProject } from './workload.ts';

const RUNS = 5;
/** More than so many void rounds, and what is measured stays void. */
const MAX_ROUNDS = 2 * RUNS;

const WORKLOADS: Readonly<Record<string, Workload & { readonly title: string }>> = {
  layered: {
    title: '30 units x 5 tasks x 200 ms, 4 at a time',
    units: 30,
    tasks: 5,
    sleepMs: 200,
    parallelism: 4,
    dependsOn: layered,
  },
  single: {
    title: '20 units x 5 instant tasks, one at a time',
    units: 20,
    tasks: 5,
    sleepMs: 0,
    parallelism: 1,
    dependsOn: alone,
  },
  chain: {
    title: 'chain of 20 units, 1 instant task each',
    units: 20,
    tasks: 1,
    sleepMs: 0,
    parallelism: 4,
    dependsOn: chain,
  },
};

/**
 * What choo adds to the work itself: deterministic workloads with a shell agent that sleeps, in sandbox host, verify off,
 * beside the bound that the graph sets and beside git alone, measured before each round. `names`: some of the workloads,
 * `growth` for 2,000 units, `memory` for agents that print much; by default all.
 */
export async function benchRun(names: readonly string[]): Promise<void> {
  const known = [...Object.keys(WORKLOADS), 'growth', 'together', 'memory'];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no workload \`${unknown}\`, but ${known.join(', ')}`);
  const wanted = (name: string): boolean => names.length === 0 || names.includes(name);
  const place = mkdtempSync(join(tmpdir(), 'choo-bench-'));
  const newDirectory = (name: string): string => mkdtempSync(join(place, name));
  try {
    const floors = new Floors(newDirectory);
    const rows: string[][] = [];
    for (const [name, workload] of Object.entries(WORKLOADS))
      if (wanted(name)) rows.push(await benchWorkload(workload, floors, newDirectory));
    if (rows.length > 0) {
      console.log(
        `\nRuns of the whole process, medians [least-greatest] of ${RUNS}; beside ${floors.describe()}\n`,
      );
      console.log(table([HEAD, ...rows]));
    }
    if (wanted('growth')) await benchGrowth(newDirectory);
    if (wanted('together')) await benchTogether(newDirectory);
    if (wanted('memory')) await benchMemory(newDirectory);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const HEAD = [
  'workload',
  'bound s',
  'wall s',
  'x bound',
  'ms over a task',
  'a unit',
  'CPU ms a task',
  'processes a task',
  'start s',
  'others',
];

/** Makes a directory that no file was removed from: where many have been, ext4 takes its time to make others. */
type NewDirectory = (name: string) => string;

async function benchWorkload(
  workload: (typeof WORKLOADS)[string],
  floors: Floors,
  newDirectory: NewDirectory,
): Promise<string[]> {
  const runs: Timing[] = [];
  let rounds = 0;
  for (; runs.length < RUNS && rounds < MAX_ROUNDS; rounds += 1) {
    const usual = await floors.areUsual();
    const timing = await runOnce(workload, newDirectory);
    if (usual) runs.push(timing);
  }
  if (rounds > runs.length)
    console.log(`${workload.title}: ${rounds - runs.length} of ${rounds} rounds were void`);
  if (runs.length < RUNS) return [workload.title, ...HEAD.slice(1).map(() => 'void')];
  const { units, tasks } = workload;
  const bound = boundOf(workload);
  const of = (pick: (run: Timing) => number, digits: number): string => {
    const { median, min, max } = figures(runs.map(pick));
    return `${median.toFixed(digits)} [${min.toFixed(digits)}-${max.toFixed(digits)}]`;
  };
  return [
    workload.title,
    (bound / 1_000).toFixed(1),
    of(({ ms }) => ms / 1_000, 2),
    bound === 0 ? '-' : of(({ ms }) => ms / bound, 2),
    of(({ eventsMs }) => (eventsMs - bound) / units / tasks, 0),
    of(({ eventsMs }) => (eventsMs - bound) / units, 0),
    of(({ cpuMs }) => cpuMs / units / tasks, 0),
    await processesATask(workload, newDirectory),
    of(({ startMs }) => startMs / 1_000, 2),
    of(({ others }) => others * 100, 0).replace(/ .*/, ' %'),
  ];
}

async function runOnce(workload: Workload, newDirectory: NewDirectory): Promise<Timing> {
  const directory = newDirectory('run-');
  const project = join(directory, 'project');
  await writeProject(project, workload);
  return timeRun(project, directory);
}

/** What ten more tasks of one unit start, agents and gates included. */
async function processesATask(workload: Workload, newDirectory: NewDirectory): Promise<string> {
  const count = async (tasks: number): Promise<number | undefined> => {
    const directory = newDirectory('count-');
    const project = join(directory, 'project');
    await writeProject(project, { ...workload, units: 2, tasks, sleepMs: 0 });
    return countProcesses(project, directory);
  };
  const [few, many] = [await count(5), await count(15)];
  return few === undefined || many === undefined ? '-' : ((many - few) / 20).toFixed(1);
}

/** Whether later units cost more than earlier ones. */
async function benchGrowth(newDirectory: NewDirectory): Promise<void> {
  const units = 2_000;
  const workload = { units, tasks: 1, sleepMs: 0, parallelism: 4, dependsOn: alone };
  const { events, peakMiB, cpuMs, others } = await runOnce(workload, newDirectory);
  const ends = events.filter(({ type }) => type === 'unit.completed').map(({ at }) => at);
  const start = events.find(({ type }) => type === 'unit.started')?.at ?? NaN;
  const each = (from: number, to: number): number =>
    ((ends[to - 1] ?? NaN) - (from === 0 ? start : (ends[from - 1] ?? NaN))) / (to - from);
  const [first, last] = [each(0, 50), each(units - 50, units)];
  console.log(
    `\n${units} units of one task, 4 at a time: ${ends.length} complete; the first 50 take ${first.toFixed(1)} ms each, the last 50 ${last.toFixed(1)} ms (${(last / first).toFixed(2)} times); CPU ${(cpuMs / units).toFixed(0)} ms a unit, ${peakMiB.toFixed(0)} MiB at most; others used ${(others * 100).toFixed(0)} %`,
  );
}

/** Whether many units at once all come through. */
async function benchTogether(newDirectory: NewDirectory): Promise<void> {
  const workload = { units: 16, tasks: 1, sleepMs: 0, parallelism: 16, dependsOn: alone };
  let complete = 0;
  for (let run = 0; run < 20; run += 1) {
    const { exitCode, events } = await runOnce(workload, newDirectory);
    if (exitCode === 0 && events.filter(({ type }) => type === 'unit.completed').length === 16) complete += 1;
  }
  console.log(`\n16 units at parallelism 16: every unit complete in ${complete} of 20 runs`);
}

/** What choo itself holds while 16 agents print a gigabyte. */
async function benchMemory(newDirectory: NewDirectory): Promise<void> {
  const agent =
    'yes "a line of what an agent prints, as long as such lines often are, and a little longer still" | head -c 67108864\n';
  const workload = { units: 16, tasks: 1, sleepMs: 0, parallelism: 16, dependsOn: alone, agent };
  const { peakMiB, ms, exitCode } = await runOnce(workload, newDirectory);
  console.log(
    `\n16 agents printing 1 GiB together: ${peakMiB.toFixed(0)} MiB at most in any one process, exit status ${exitCode}, ${(ms / 1_000).toFixed(1)} s`,
  );
}
