import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figures, table } from './measure.ts';
import { unitId } from './spec-trees.ts';
import { Floors, type Timing, timeRun } from './timed-run.ts';
import { chain, commitAll, taskFile, type Workload, writeProject } from './workload.ts';

const RUNS = 5;
const UNITS = 10;
const WORKLOAD: Workload = { units: UNITS, tasks: 3, sleepMs: 0, parallelism: 4, dependsOn: chain };

/** One changed unit in a finished chain of ten: the first, one in the middle and the last; beside a run without a change. */
export async function benchAmend(): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'choo-bench-'));
  const newDirectory = (name: string): string => mkdtempSync(join(place, name));
  try {
    const floors = new Floors(newDirectory);
    const rows: string[][] = [];
    for (const changed of [undefined, 0, UNITS / 2, UNITS - 1]) {
      const runs: Timing[] = [];
      for (let round = 0; runs.length < RUNS && round < 2 * RUNS; round += 1) {
        const usual = await floors.areUsual();
        const timing = await runChanged(newDirectory('amend-'), changed);
        if (usual) runs.push(timing);
      }
      rows.push(describe(changed, runs));
    }
    console.log(
      `\nA chain of ${UNITS} units of 3 tasks was run; one unit's specs change and it is run again. Medians of ${RUNS}; beside ${floors.describe()}\n`,
    );
    console.log(
      table([['what changed', 'wall s', 'CPU s', 'agents started', 'units with commits', 'status'], ...rows]),
    );
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function runChanged(directory: string, changed: number | undefined): Promise<Timing> {
  const project = join(directory, 'project');
  await writeProject(project, WORKLOAD);
  await timeRun(project, directory);
  if (changed !== undefined) {
    appendFileSync(taskFile(join(project, 'specs/tasks', unitId(changed)), 2), '\nWritten with care.\n');
    await commitAll(project);
  }
  return timeRun(project, directory);
}

function describe(changed: number | undefined, runs: readonly Timing[]): string[] {
  const name = changed === undefined ? 'nothing' : `unit ${changed + 1} of ${UNITS}`;
  if (runs.length < RUNS) return [name, 'void', 'void', 'void', 'void', 'void'];
  const median = (pick: (run: Timing) => number): number => figures(runs.map(pick)).median;
  const agents = median(({ events }) => events.filter(({ type }) => type === 'task.provider.invoke').length);
  const worked = median(
    ({ events }) =>
      new Set(events.filter(({ type }) => type === 'task.committed').map(({ unit }) => unit)).size,
  );
  const status = [...new Set(runs.map(({ exitCode }) => String(exitCode)))].join(', ');
  const seconds = (pick: (run: Timing) => number): string => (median(pick) / 1_000).toFixed(2);
  return [
    name,
    seconds(({ ms }) => ms),
    seconds(({ cpuMs }) => cpuMs),
    String(agents),
    String(worked),
    status,
  ];
}
