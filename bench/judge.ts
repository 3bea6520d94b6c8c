import { execa } from 'execa';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { figures, table } from './measure.ts';
import { timeRun, use } from './timed-run.ts';
import { IDENTITY } from './workload.ts';

const ROUNDS = 3;
const UNITS = 4;
const SANDBOXES = ['bubblewrap', 'host'];

const testOf = (total: number): string =>
  `const { test } = require('node:test');\nconst { total } = require('../src/cart.js');\n` +
  `test('total', () => require('node:assert').equal(total() >= 0 ? ${total} : 1, ${total}));\n`;
const FILES = {
  'package.json': `${JSON.stringify({ name: 'shop', scripts: { test: 'node --test', lint: 'sh lint.sh' } })}\n`,
  'src/cart.js': 'exports.total = () => 0;\n',
  'test/cart.test.js': testOf(0),
  'lint.sh': 'if grep -q var src/*.js; then exit 1; fi\n',
  '.gitignore': 'installed/\n',
};
const SETUP = 'mkdir -p installed && cp package.json installed';
const GATE = 'npm test';
const CHECK = 'npm run lint';

/** What the agent of a unit does: a new module with its test, and, where the judge is changed, another test, too. */
const agentOf = (unit: number, kind: Kind): string =>
  `printf 'exports.n = () => ${unit};\\n' > src/part-${unit}.js; cp test/cart.test.js test/part-${unit}.test.js${kind === 'tried' ? `; printf '// ${unit}\\n' >> test/cart.test.js` : ''}`;

/** Whether the work leaves the judge alone, or its gates run once more with the judge as it was. */
type Kind = 'ordinary' | 'tried';

/** Milliseconds of wall clock and of processors. */
interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

/**
 * What choo adds to the work that a verdict needs: units of one task with a set-up, a gate and a baseline check, all verified, beside the
 * same agents, checkouts, set-ups, gates and checks in plain processes, measured in the same round. `words`: `host` for runs
 * without a sandbox.
 */
export async function benchJudge([sandbox = 'bubblewrap']: readonly string[]): Promise<void> {
  if (!SANDBOXES.includes(sandbox)) throw new Error(`${sandbox} is not one of ${SANDBOXES.join(', ')}`);
  const place = mkdtempSync(join(tmpdir(), 'choo-bench-'));
  try {
    const costs = new Map<string, Cost[]>();
    const note = (name: string, cost: Cost): void => void costs.set(name, [...(costs.get(name) ?? []), cost]);
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const kind of ['ordinary', 'tried'] as const) {
        const at = mkdtempSync(join(place, `${kind}-`));
        const floor = await runPlainly(join(at, 'floor'), kind);
        const run = await runWithChoo(at, kind, sandbox);
        if (round < 0) continue; // fills the caches
        note(`${kind}, in plain processes`, floor);
        note(`${kind}, by choo`, run);
      }
    }
    print(costs, sandbox);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function print(costs: ReadonlyMap<string, readonly Cost[]>, sandbox: string): void {
  const of = (name: string, pick: (cost: Cost) => number): number =>
    figures((costs.get(name) ?? []).map(pick)).median / UNITS;
  const [wall, cpu] = [({ ms }: Cost) => ms, ({ cpuMs }: Cost) => cpuMs];
  console.log(`\n${UNITS} units, one at a time, in ${sandbox}; medians of ${ROUNDS} rounds, ms a unit\n`);
  const rows = [...costs.keys()].map((name) => [name, of(name, wall).toFixed(0), of(name, cpu).toFixed(0)]);
  console.log(table([['', 'wall', 'CPU'], ...rows]));
  for (const [what, pick] of [
    ['wall', wall],
    ['CPU', cpu],
  ] as const) {
    const ratio = (kind: Kind): string =>
      (of(`${kind}, by choo`, pick) / of(`${kind}, in plain processes`, pick)).toFixed(2);
    const trial = (of('tried, by choo', pick) / of('ordinary, by choo', pick)).toFixed(2);
    console.log(
      `\n${what}: choo takes ${ratio('ordinary')} times the plain processes, ${ratio('tried')} where the counter-trial runs; a unit with the counter-trial takes ${trial} times one without`,
    );
  }
}

async function runWithChoo(at: string, kind: Kind, sandbox: string): Promise<Cost> {
  const project = join(at, 'project');
  const specs: Record<string, string> = {
    '.choo.yml': `provider: { type: rehearsal }
parallelism: 1
baseline_checks: [{ name: lint, command: ${CHECK} }]
worktree: { setup: [{ command: '${SETUP}', inputs: [package.json] }] }
`,
  };
  for (let unit = 0; unit < UNITS; unit += 1) {
    const front = `task: 1\nstatus: pending\nbackpressure: ${GATE}\nmay_change: [test]\ndepends_on: []`;
    const body = `# Task\n\n\`\`\`sh rehearsal\n${agentOf(unit, kind)}\n\`\`\``;
    specs[`specs/tasks/unit-${unit}/IMPLEMENTATION_PLAN.md`] = `---\ndepends_on: []\n---\n\n# Unit\n`;
    specs[`specs/tasks/unit-${unit}/01-task.md`] = `---\n${front}\n---\n\n${body}\n`;
  }
  await makeRepository(project, { ...FILES, ...specs });
  const { exitCode, events, ...cost } = await timeRun(project, at, sandbox);
  const trials = events.filter((event) => event.type === 'judge.compared' && 'trial' in event).length;
  const complete = events.filter(({ type }) => type === 'unit.completed').length;
  if (exitCode !== 0 || complete !== UNITS || trials !== (kind === 'tried' ? UNITS : 0))
    throw new Error(`the run ended with ${exitCode}, ${complete} complete units and ${trials} trials`);
  return cost;
}

/** The same agents, gates and checks, each on a checkout of its own with its set-up: before the work, after it, and for the verdict. */
async function runPlainly(project: string, kind: Kind): Promise<Cost> {
  await makeRepository(project, FILES);
  const git = `git ${IDENTITY.join(' ')}`;
  const judge = (gates: string): string =>
    `${git} worktree add --quiet --detach "$1" "$2"; cd "$1"; ${SETUP}; ${gates}`;
  const script = Array.from({ length: UNITS }, (_, unit) =>
    [
      `(set -e; set -- ../work-${unit} HEAD; ${judge(GATE)}; ${agentOf(unit, kind)}; ${GATE}; ${CHECK}; ${git} add --all; ${git} commit --quiet --message=work)`,
      `commit=$(git -C ../work-${unit} rev-parse HEAD)`,
      `(set -e; set -- ../verdict-${unit} "$commit"; ${judge(`${GATE}; ${CHECK}`)})`,
      ...(kind === 'tried' ? [`(set -e; set -- ../before-${unit} "$commit"; ${judge(GATE)})`] : []),
    ].join('\n'),
  ).join('\n');
  const { exitCode, ...cost } = await use(['bash', '-ec', script], project, project);
  if (exitCode !== 0) throw new Error(`the plain processes ended with ${exitCode}`);
  return cost;
}

async function makeRepository(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  const git = async (...words: readonly string[]): Promise<unknown> =>
    execa('git', [...IDENTITY, ...words], { cwd: path });
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  await git('commit', '--quiet', '--message=start');
}
