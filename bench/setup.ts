import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openBubblewrap } from '../src/sandbox/bubblewrap/bubblewrap.ts';
import { figures, table } from './measure.ts';
import { type NpmRegistry, startNpmRegistry } from './npm-registry.ts';

const ROUNDS = 3;
const UNITS = ['one', 'two', 'three'];
const COMMAND = 'npm ci';
const SETUP = `worktree:\n  setup:\n    - command: ${COMMAND}\n`;
const INPUTS = '      inputs: [package.json, package-lock.json, .npmrc]\n';

/** Seconds of wall clock and of processors, requests to the registry, and set-ups that ran and were reused. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
  readonly requests: number;
  readonly ran: number;
  readonly reused: number;
}

/**
 * What set-up costs in a run: three units of one task with their verify, beside one set-up alone and beside the same run without
 * a set-up, measured in the same round. The packages come from a registry in this process, which counts requests.
 */
export async function benchSetup(): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'choo-bench-'));
  try {
    await using registry = await startNpmRegistry(join(place, 'registry'));
    const rows = new Map<string, Cost[]>();
    let disk = '';
    const note = (name: string, cost: Cost): void => void rows.set(name, [...(rows.get(name) ?? []), cost]);
    await timeRun(await makeProject(join(place, 'first'), registry, ''), registry); // fills Node's caches
    for (let round = 0; round < ROUNDS; round += 1) {
      note('one set-up alone', await timeSetUp(await mkdtemp(join(place, 'alone-')), registry));
      const plain = await makeProject(join(place, `plain-${round}`), registry, '');
      note('run without set-up (the work)', await timeRun(plain, registry));
      const project = await makeProject(join(place, `run-${round}`), registry, SETUP + INPUTS);
      note('run, cold', await timeRun(project, registry));
      note('run, warm', await timeRun(project, registry, '--fresh', '--keep-worktrees'));
      disk = await diskOf(project);
    }
    const host = await makeProject(join(place, 'host'), registry, SETUP + INPUTS);
    note('run, set-up in each worktree (host)', await timeRun(host, registry, '--sandbox', 'host'));
    print(rows, registry, disk);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function print(rows: ReadonlyMap<string, readonly Cost[]>, { packages }: NpmRegistry, disk: string): void {
  console.log(`\n${COMMAND} of ${packages} packages; 3 units of one task, verified; ${ROUNDS} rounds\n`);
  console.log(
    table([
      ['', 'wall s, least', 'median', 'most', 'CPU s, least', 'requests', 'set-ups run', 'reused'],
      ...[...rows].map(([name, costs]) => {
        const wall = figures(costs.map((cost) => cost.wall));
        const cpu = figures(costs.map((cost) => cost.cpu));
        const [first] = costs;
        return [
          name,
          ...[wall.min, wall.median, wall.max, cpu.min].map((seconds) => seconds.toFixed(2)),
          ...[first?.requests, first?.ran, first?.reused].map(String),
        ];
      }),
    ]),
  );
  // The least: what else the machine does can only add.
  for (const [what, of] of [
    ['wall', ({ wall }: Cost) => wall],
    ['CPU', ({ cpu }: Cost) => cpu],
  ] as const) {
    const least = (name: string): number => figures((rows.get(name) ?? []).map(of)).min;
    const [alone, work] = [least('one set-up alone'), least('run without set-up (the work)')];
    const cold = (least('run, cold') - work) / alone;
    const warm = (least('run, warm') - work) / UNITS.length;
    console.log(`\n${what}: cold ${cold.toFixed(2)} set-ups plus the work (aim: at most 1.3)`);
    console.log(`${what}: warm the work plus ${warm.toFixed(2)} s a unit (aim: at most 1 s)`);
  }
  console.log(`\ndisk: ${disk}`);
}

/** A project and the data directory of its runs. */
interface Project {
  readonly path: string;
  readonly data: string;
  readonly home: string;
}

async function makeProject(place: string, { files }: NpmRegistry, setUp: string): Promise<Project> {
  const path = join(place, 'project');
  const all: Record<string, string> = {
    ...files,
    '.gitignore': 'node_modules/\n',
    '.choo.yml': `provider: { type: rehearsal }\nparallelism: 3\n${setUp}`,
  };
  for (const unit of UNITS) {
    const front = `task: 1\nstatus: pending\nbackpressure: test -e ${unit}.txt\ndepends_on: []`;
    const body = `# Task\n\n\`\`\`sh rehearsal\necho ${unit} > ${unit}.txt\n\`\`\``;
    all[`specs/tasks/${unit}/IMPLEMENTATION_PLAN.md`] = `---\ndepends_on: []\n---\n\n# ${unit}\n`;
    all[`specs/tasks/${unit}/01-task.md`] = `---\n${front}\n---\n\n${body}\n`;
  }
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  const git = async (...words: readonly string[]): Promise<unknown> => execa('git', words, { cwd: path });
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  await git('-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '--quiet', '-m', 'specs');
  const home = join(place, 'home');
  mkdirSync(home);
  return { path, data: join(place, 'data'), home };
}

async function timeRun(
  { path, data, home }: Project,
  registry: NpmRegistry,
  ...words: readonly string[]
): Promise<Cost> {
  const choo = new URL('../script/choo', import.meta.url).pathname;
  const before = registry.requests();
  const sandbox = words.includes('--sandbox') ? [] : ['--sandbox', 'bubblewrap'];
  const { stdout, stderr, exitCode } = await execa(
    '/usr/bin/time',
    ['-f', '%e %U %S', choo, 'run', '--json', ...sandbox, ...words],
    { cwd: path, env: { CHOO_DATA_DIR: data, HOME: home }, reject: false },
  );
  if (exitCode !== 0) throw new Error(`the run ended with ${exitCode}: ${stderr}\n${stdout.slice(-4_000)}`);
  const of = (type: string): number => stdout.split(`"type":"${type}"`).length - 1;
  return {
    ...timesOf(stderr),
    requests: registry.requests() - before,
    ran: of('worktree.setup'),
    reused: of('setup.reused'),
  };
}

/** One set-up, in a sandbox as choo opens it, in a new worktree and an empty home. */
async function timeSetUp(place: string, registry: NpmRegistry): Promise<Cost> {
  const [worktree, beside] = [join(place, 'worktree'), join(place, 'beside')];
  for (const path of [worktree, beside]) mkdirSync(path);
  for (const [name, content] of Object.entries(registry.files)) writeFileSync(join(worktree, name), content);
  const nodePath = dirname(process.execPath);
  const sandbox = openBubblewrap({
    searchPath: `${nodePath}:/usr/local/bin:/usr/bin:/bin`,
    nodePath,
    owner: `bench-${process.pid}`,
    directory: place,
  });
  await sandbox.chownToSandboxUser(worktree);
  const before = registry.requests();
  const { ending, tail } = await sandbox.exec(
    { worktree, readable: [], beside },
    {
      profile: 'setup',
      argv: ['/usr/bin/time', '-f', '%e %U %S', '-o', 'times', 'bash', '-c', COMMAND],
      cwd: worktree,
      totalMs: 600_000,
    },
  );
  if (ending.kind !== 'exited' || ending.exitCode !== 0) throw new Error(`the set-up failed: ${tail}`);
  const times = timesOf(await readFile(join(worktree, 'times'), 'utf8'));
  return { ...times, requests: registry.requests() - before, ran: 1, reused: 0 };
}

/** What GNU time printed last: seconds of wall clock, user and system. */
function timesOf(text: string): Pick<Cost, 'wall' | 'cpu'> {
  const [wall = NaN, user = NaN, system = NaN] = (text.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return { wall, cpu: user + system };
}

/** What a warm run with kept worktrees leaves: the snapshot, and what each worktree takes besides. */
async function diskOf({ data }: Project): Promise<string> {
  const [home = ''] = readdirSync(join(data, 'repositories'));
  const mebibytes = async (...names: readonly string[]): Promise<number> => {
    const paths = names.map((name) => join(data, 'repositories', home, name));
    const { stdout } = await execa('du', ['--summarize', '--total', '--block-size=1024', ...paths]);
    return Number(stdout.trim().split('\n').at(-1)?.split('\t')[0]) / 1024;
  };
  const [snapshot, worktrees] = [await mebibytes('prepared'), await mebibytes('worktrees', 'beside')];
  return `${snapshot.toFixed(0)} MiB for the snapshot, ${(worktrees / UNITS.length).toFixed(1)} MiB for each worktree that uses it`;
}
