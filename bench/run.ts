import { execa } from 'execa';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph } from '../src/scheduler/graph.ts';
import { type Figures, figures, table } from './measure.ts';
import { unitId } from './spec-trees.ts';

const RUNS = 5;

/** Units of equal tasks, each an agent that sleeps and writes a file, and a gate that looks for it. */
interface Workload {
  readonly name: string;
  readonly units: number;
  readonly tasks: number;
  readonly sleepMs: number;
  readonly parallelism: number;
  /** Indexes of the units each one waits for. */
  readonly dependsOn: (index: number) => readonly number[];
}

const alone = (): readonly number[] => [];
const chain = (index: number): readonly number[] => (index === 0 ? [] : [index - 1]);
/** Layers of six; each unit waits for two of the layer before. */
const layered = (index: number): readonly number[] => {
  const before = Math.floor(index / 6) * 6 - 6;
  return before < 0 ? [] : [before + (index % 6), before + ((index + 1) % 6)];
};

const WORKLOADS: readonly Workload[] = [
  {
    name: '30 units x 5 tasks x 200 ms, layered',
    units: 30,
    tasks: 5,
    sleepMs: 200,
    parallelism: 4,
    dependsOn: layered,
  },
  {
    name: 'chain of 20 units, instant agent',
    units: 20,
    tasks: 1,
    sleepMs: 0,
    parallelism: 4,
    dependsOn: chain,
  },
  {
    name: '1 unit x 30 tasks, instant agent',
    units: 1,
    tasks: 30,
    sleepMs: 0,
    parallelism: 1,
    dependsOn: alone,
  },
];

/**
 * What choo adds to the work itself: deterministic workloads with a shell agent that sleeps, in sandbox host, verify off,
 * beside the bound that the graph sets and beside a bare loop of the same commits, measured in the same round.
 */
export async function benchRun(): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'choo-bench-'));
  try {
    const floors: number[] = [];
    const rows: string[][] = [];
    for (const workload of WORKLOADS) {
      const runs: Timing[] = [];
      for (let run = 0; run < RUNS; run += 1) {
        floors.push(await commitLoop(mkdtempSync(join(place, 'floor-')), 30));
        runs.push(await timeRun(mkdtempSync(join(place, 'run-')), workload));
      }
      rows.push(describe(workload, runs));
    }
    console.log(
      `\nA bare loop of add and commit, ms a commit (median, min, max of ${floors.length}): ${cells(figures(floors)).join(', ')}`,
    );
    console.log(`\nRuns, medians of ${RUNS}, from the first event to the last; milliseconds\n`);
    console.log(
      table([
        ['workload', 'bound', 'median', 'min', 'max', 'x bound', 'a unit', 'a task', 'process'],
        ...rows,
      ]),
    );
    await benchEvenness(place);
    await benchComplete(place);
    await benchMemory(place);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

interface Timing {
  /** From the first event to the last. Milliseconds. */
  readonly ms: number;
  /** The whole process, from its start to its end. Milliseconds. */
  readonly processMs: number;
  readonly exitCode: number | undefined;
  readonly peakMiB: number;
  readonly events: readonly { readonly type: string; readonly at: number; readonly unit?: string }[];
}

function describe(workload: Workload, runs: readonly Timing[]): string[] {
  const { units, tasks } = workload;
  const bound = boundOf(workload);
  const time = figures(runs.map(({ ms }) => ms));
  const wall = figures(runs.map(({ processMs }) => processMs));
  const ratio = bound === 0 ? '-' : (time.median / bound).toFixed(2);
  const overhead = (count: number): string => ((time.median - bound) / count).toFixed(1);
  return [
    workload.name,
    bound.toFixed(0),
    ...cells(time),
    ratio,
    overhead(units),
    overhead(units * tasks),
    wall.median.toFixed(0),
  ];
}

/** The longer of the critical path and the work divided by the workers. Milliseconds. */
function boundOf({ units, tasks, sleepMs, parallelism, dependsOn }: Workload): number {
  const graph = new Graph(
    Array.from({ length: units }, (_, index) => ({
      id: unitId(index),
      dependsOn: dependsOn(index).map(unitId),
      weight: tasks * sleepMs,
    })),
  );
  return Math.max(graph.criticalPath().weight, (units * tasks * sleepMs) / parallelism);
}

/** `directory` is new: where many files have just been removed, ext4 takes its time to make others. */
async function timeRun(directory: string, workload: Workload, agent?: string): Promise<Timing> {
  const project = join(directory, 'project');
  await writeProject(project, workload, agent);
  const choo = new URL('../script/choo', import.meta.url).pathname;
  const words = ['-f', '%M', choo, 'run', '--json', '--sandbox', 'host'];
  const started = performance.now();
  const { stdout, stderr, exitCode } = await execa('/usr/bin/time', words, {
    cwd: project,
    env: { CHOO_DATA_DIR: join(directory, 'data') },
    reject: false,
    maxBuffer: 1e9,
  });
  const processMs = performance.now() - started;
  const events = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Timing['events'][number]);
  const ms = (events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0);
  return { ms, processMs, exitCode, peakMiB: Number(stderr.trim().split('\n').at(-1)) / 1024, events };
}

async function writeProject(directory: string, workload: Workload, agent?: string): Promise<void> {
  const { units, tasks, sleepMs, parallelism, dependsOn } = workload;
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, '.choo.yml'),
    `provider: { type: rehearsal }\nparallelism: ${parallelism}\nverify: false\n`,
  );
  for (let index = 0; index < units; index += 1) {
    const id = unitId(index);
    const unit = join(directory, 'specs/tasks', id);
    mkdirSync(unit, { recursive: true });
    writeFileSync(
      join(unit, 'IMPLEMENTATION_PLAN.md'),
      `---\ndepends_on: [${dependsOn(index).map(unitId).join(', ')}]\n---\n\n# ${id}\n`,
    );
    for (let number = 1; number <= tasks; number += 1) {
      const file = `${id}-${number}.txt`;
      const sleep = sleepMs === 0 ? '' : `sleep ${sleepMs / 1_000}\n`;
      const front = `task: ${number}\nstatus: pending\nbackpressure: "[ -e ${file} ]"\ndepends_on: [${number === 1 ? '' : number - 1}]\n`;
      const body = `# Task ${number}\n\n\`\`\`sh rehearsal\n${agent ?? ''}${sleep}echo ${number} > ${file}\n\`\`\`\n`;
      writeFileSync(join(unit, `${String(number).padStart(2, '0')}-task.md`), `---\n${front}---\n\n${body}`);
    }
  }
  await commitAll(directory);
}

async function commitAll(cwd: string): Promise<void> {
  await execa('git', ['init', '--quiet', '--initial-branch=main'], { cwd });
  await execa('git', ['add', '--all'], { cwd });
  await execa('git', [...IDENTITY, 'commit', '--quiet', '--message=specs'], { cwd });
}

const IDENTITY = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0'];

/** The floor: the same files, added and committed one after the other by git alone. Milliseconds a commit. */
async function commitLoop(directory: string, commits: number): Promise<number> {
  writeFileSync(join(directory, 'start'), '');
  await commitAll(directory);
  const started = performance.now();
  for (let index = 0; index < commits; index += 1) {
    writeFileSync(join(directory, `file-${index}`), `${index}\n`);
    await execa('git', ['add', '--all'], { cwd: directory });
    await execa('git', [...IDENTITY, 'commit', '--quiet', '--message=task'], { cwd: directory });
  }
  return (performance.now() - started) / commits;
}

/** Whether later units cost more than earlier ones. */
async function benchEvenness(place: string): Promise<void> {
  const workload = { name: '', units: 300, tasks: 1, sleepMs: 0, parallelism: 4, dependsOn: alone };
  const { events } = await timeRun(mkdtempSync(join(place, 'even-')), workload);
  const ends = events.filter(({ type }) => type === 'unit.completed').map(({ at }) => at);
  const start = events.find(({ type }) => type === 'unit.started')?.at ?? 0;
  const each = (from: number, to: number): number =>
    ((ends[to - 1] ?? 0) - (from === 0 ? start : (ends[from - 1] ?? 0))) / (to - from);
  const [first, last] = [each(0, 50), each(250, 300)];
  console.log(
    `\n300 units, parallelism 4: the first 50 take ${first.toFixed(1)} ms each, the last 50 ${last.toFixed(1)} ms (${(last / first).toFixed(2)} times)`,
  );
}

/** Whether many units at once all come through. */
async function benchComplete(place: string): Promise<void> {
  const workload = { name: '', units: 16, tasks: 1, sleepMs: 0, parallelism: 16, dependsOn: alone };
  let complete = 0;
  for (let run = 0; run < 20; run += 1) {
    const { exitCode, events } = await timeRun(mkdtempSync(join(place, 'sixteen-')), workload);
    if (exitCode === 0 && events.filter(({ type }) => type === 'unit.completed').length === 16) complete += 1;
  }
  console.log(`\n16 units at parallelism 16: every unit complete in ${complete} of 20 runs`);
}

/** What choo itself holds while 16 agents print a gigabyte. */
async function benchMemory(place: string): Promise<void> {
  const workload = { name: '', units: 16, tasks: 1, sleepMs: 0, parallelism: 16, dependsOn: alone };
  const agent =
    'yes "a line of what an agent prints, as long as such lines often are, and a little longer still" | head -c 67108864\n';
  const { peakMiB, processMs, exitCode } = await timeRun(
    mkdtempSync(join(place, 'memory-')),
    workload,
    agent,
  );
  console.log(
    `\n16 agents printing 1 GiB together: ${peakMiB.toFixed(0)} MiB at most in any one process, exit status ${exitCode}, ${(processMs / 1_000).toFixed(1)} s`,
  );
}

function cells({ median, min, max }: Figures): string[] {
  return [median, min, max].map((value) => value.toFixed(value < 100 ? 1 : 0));
}
