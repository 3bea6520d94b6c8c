import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiscoveryCache } from '../src/discovery/discovery-cache.ts';
import { discover } from '../src/discovery/discovery.ts';
import { discoverFormat } from '../src/discovery/formats/discover-format.ts';
import { FORMATS, type FormatName } from '../src/discovery/formats/formats.ts';
import { DirectoryTree } from '../src/discovery/tree.ts';
import { openGit } from '../src/git/git.ts';
import { ObjectReader } from '../src/git/objects/object-reader.ts';
import { CommitTree } from '../src/git/objects/spec-tree.ts';
import { Graph } from '../src/scheduler/graph.ts';
import { type Figures, figures, measure, table } from './measure.ts';
import { dependenciesOf, sameRandom, unitId, writeSpecTree } from './spec-trees.ts';

const ROOT = 'specs/tasks';
const TASKS = 5;

/**
 * Discovery and the graph for 10, 100 and 1,000 units of 5 tasks. The floor is measured in the same round as what it is
 * held against: it lists the same directories, reads the same bytes and does nothing else.
 */
export async function benchDiscovery(): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'choo-bench-'));
  try {
    const results = [];
    for (const units of [10, 100, 1_000]) results.push(await benchSize(join(place, String(units)), units));
    printDiscovery(results);
    await printFormats();
    await printGraphs();
    await printProcess(join(place, '1000'));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** A task list of each other tool with 1,000 tasks in 100 units. */
const TASK_LISTS: Readonly<Record<FormatName, (unit: number, task: number) => string>> = {
  openspec: (unit, task) =>
    `${task === 0 ? `## ${unit}. Group\n` : ''}- [ ] ${unit}.${task + 1} Do it. Verify: \`npm test -- ${unit}-${task}\`\n  - a detail of it\n`,
  'spec-kit': (unit, task) =>
    `${task === 0 ? `## Phase ${unit}: User Story ${unit} - See\n` : ''}- [ ] T${unit * 10 + task} [P] [US${unit}] Do it in src/${task}.ts. Test: \`npm test -- ${task}\`\n`,
  kiro: (unit, task) =>
    `${task === 0 ? `- [ ] ${unit}. Part\n` : ''}  - [ ] ${unit}.${task + 1} Do it\n    - Verify: \`npm test -- ${task}\`\n    - _Requirements: 1.1_\n`,
};

async function printFormats(): Promise<void> {
  const rows = [];
  for (const [from, line] of Object.entries(TASK_LISTS) as [FormatName, (typeof TASK_LISTS)[FormatName]][]) {
    const directory = mkdtempSync(join(tmpdir(), 'choo-bench-'));
    try {
      const list = join(directory, FORMATS[from].standardPath, 'big');
      mkdirSync(list, { recursive: true });
      const text = Array.from({ length: 1_000 }, (_, at) => line(Math.floor(at / 10) + 1, at % 10)).join('');
      writeFileSync(join(list, 'tasks.md'), text);
      const rules = { defaultGate: undefined, taken: new Set<string>() };
      const read = async () => discoverFormat(new DirectoryTree(directory), { from }, rules);
      const { units } = await read();
      const tasks = units.reduce((sum, unit) => sum + unit.tasks.length, 0);
      const floor = await measure(() => readFileSync(join(list, 'tasks.md')), { runs: 15, warmup: 5 });
      const whole = await measure(read, { runs: 15, warmup: 5 });
      const times = [whole.median, whole.min, whole.max].map((ms) => `${ms.toFixed(1)} ms`);
      rows.push([
        FORMATS[from].title,
        `${units.length} / ${tasks}`,
        ...times,
        `${floor.median.toFixed(2)} ms`,
      ]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  console.log('\nTask lists of other tools (ms, median and worst)');
  console.log(table([['format', 'units / tasks', 'median', 'min', 'max', 'floor'], ...rows]));
}

interface SizeResult {
  readonly units: number;
  readonly bytes: number;
  readonly floor: Figures;
  readonly directory: Figures;
  readonly directoryAgain: Figures;
  readonly commit: Figures;
  readonly commitAgain: Figures;
}

async function benchSize(directory: string, units: number): Promise<SizeResult> {
  const bytes = writeSpecTree(directory, { units, tasks: TASKS, shape: 'random' });
  const commit = await commitAll(directory, true);
  const options = { runs: 15, warmup: 5 };

  const floor = await measure(() => readEverything(join(directory, ROOT)), options);
  const whole = await measure(() => discover(new DirectoryTree(directory), ROOT), options);

  const cache = new DiscoveryCache();
  const changed = join(directory, ROOT, unitId(Math.floor(units / 2)), '03-task.md');
  const original = readFileSync(changed, 'utf8');
  let edits = 0;
  const edit = (): void => writeFileSync(changed, `${original}\nEdit ${(edits += 1)}.\n`);
  const directoryAgain = await measure(() => discover(new DirectoryTree(directory), ROOT, cache), {
    ...options,
    prepare: edit,
  });

  await using reader = new ObjectReader(openGit(directory, process.env['PATH'] ?? ''));
  const wholeCommit = await measure(
    async () => discover(await CommitTree.open(reader, commit), ROOT),
    options,
  );

  const commitCache = new DiscoveryCache();
  let latest = commit;
  const commitEdit = async (): Promise<void> => {
    edit();
    latest = await commitAll(directory);
  };
  const commitAgain = await measure(
    async () => discover(await CommitTree.open(reader, latest), ROOT, commitCache),
    { ...options, prepare: commitEdit },
  );
  return { units, bytes, floor, directory: whole, directoryAgain, commit: wholeCommit, commitAgain };
}

/** The floor: the same directories listed, the same files read. */
function readEverything(root: string): number {
  let bytes = 0;
  for (const unit of readdirSync(root)) {
    for (const file of readdirSync(join(root, unit))) bytes += readFileSync(join(root, unit, file)).length;
  }
  return bytes;
}

function printDiscovery(results: readonly SizeResult[]): void {
  const kinds = [
    ['directory', 'directory'],
    ['directory, one file changed', 'directoryAgain'],
    ['commit', 'commit'],
    ['commit, one file changed', 'commitAgain'],
  ] as const;
  const rows = results.flatMap((result) => [
    [String(result.units), 'floor: read the same bytes', ...cells(result.floor), '1.0'],
    ...kinds.map(([name, key]) => [
      String(result.units),
      name,
      ...cells(result[key]),
      (result[key].median / result.floor.median).toFixed(1),
    ]),
  ]);
  console.log(`\nDiscovery, units of ${TASKS} tasks, warm process, 15 runs, milliseconds\n`);
  console.log(table([['units', 'what', 'median', 'min', 'max', 'x floor'], ...rows]));
  const [, hundred, thousand] = results;
  if (hundred === undefined || thousand === undefined) return;
  console.log(
    `\n1,000 units cost ${(thousand.directory.median / hundred.directory.median).toFixed(1)} times 100 units from a directory, ${(thousand.commit.median / hundred.commit.median).toFixed(1)} times from a commit.`,
  );
}

async function printGraphs(): Promise<void> {
  const rows = [];
  for (const shape of ['chain', 'random'] as const) {
    for (const units of [10, 100, 1_000]) {
      const random = sameRandom();
      const nodes = Array.from({ length: units }, (_, index) => ({
        id: unitId(index),
        dependsOn: dependenciesOf(index, { units, tasks: TASKS, shape }, random).map(unitId),
        weight: TASKS,
      }));
      const build = (): number => {
        const graph = new Graph(nodes);
        return graph.waves().length + graph.criticalPath().weight;
      };
      const copy = (): unknown => new Map(nodes.map((node) => [node.id, new Set(node.dependsOn)]));
      const floor = await measure(copy, { runs: 51, warmup: 20 });
      const time = await measure(build, { runs: 51, warmup: 20 });
      rows.push([
        String(units),
        shape,
        ...cells(time),
        floor.median.toFixed(2),
        (time.median / floor.median).toFixed(1),
      ]);
    }
  }
  console.log(
    '\nGraph, waves and critical path, 51 runs, milliseconds; floor: a map of sets with the same ids\n',
  );
  console.log(table([['units', 'shape', 'median', 'min', 'max', 'floor', 'x floor'], ...rows]));
}

/** The whole command in a process of its own, as a user meets it. */
async function printProcess(directory: string): Promise<void> {
  const choo = new URL('../script/choo', import.meta.url).pathname;
  const run = async (...args: string[]): Promise<{ ms: number; mib: number }> => {
    const started = performance.now();
    const { stderr } = await execa('/usr/bin/time', ['-f', '%M', choo, ...args], {
      stdout: 'ignore',
    });
    return { ms: performance.now() - started, mib: Number(stderr.trim().split('\n').at(-1)) / 1024 };
  };
  const rows = [];
  for (const [name, ...args] of [
    ['choo --version', '--version'],
    ['choo plan, 1,000 units', 'plan', directory],
    ['choo plan --rev HEAD, 1,000 units', 'plan', '--rev', 'HEAD', directory],
  ]) {
    const samples = [];
    for (let sample = 0; sample < 7; sample += 1) samples.push(await run(...args));
    const [time, memory] = [
      figures(samples.slice(1).map(({ ms }) => ms)),
      figures(samples.slice(1).map(({ mib }) => mib)),
    ];
    rows.push([name ?? '', ...cells(time), memory.max.toFixed(0)]);
  }
  console.log('\nWhole processes, 6 runs after one, wall milliseconds and peak memory in MiB\n');
  console.log(table([['command', 'median', 'min', 'max', 'MiB'], ...rows]));
}

/** Commits what is there; packed, as a first fetch leaves it, or loose, as a small one does. */
async function commitAll(cwd: string, pack = false): Promise<string> {
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0', ...args], {
      cwd,
    });
  await git('init', '--quiet');
  await git('add', '--all');
  await git('commit', '--quiet', '--message=tree');
  if (pack) await git('repack', '-adq');
  const { stdout } = await git('rev-parse', 'HEAD');
  return stdout;
}

function cells({ median, min, max }: Figures): string[] {
  return [median, min, max].map((value) => value.toFixed(value < 10 ? 2 : 0));
}
