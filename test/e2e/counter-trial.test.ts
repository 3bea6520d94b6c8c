import { beforeAll, describe, expect, test } from 'vitest';
import { json, SHOP, SHOP_PACKAGE, SHOP_UNITS, write } from '../helpers/judged-shop.ts';
import { makeProject, type RunOutcome } from '../helpers/spec-project.ts';

const FILES = {
  ...SHOP,
  'settled.sh': 'test -e jest.config.js || test "$(cat done.txt)" = done\n',
  'tools/check.js': "process.exit(require('./lib')() ? 0 : 1);\n",
  'tools/lib/index.js': "module.exports = () => require('node:fs').existsSync('done.txt');\n",
};
const RELEASE = { ...SHOP_PACKAGE, version: '2.0.0', scripts: { ...SHOP_PACKAGE.scripts, lint: 'true' } };
const UNITS = {
  ...SHOP_UNITS,
  keys: {
    gate: 'npm run lint && npm test',
    sh: `echo 'var x = 1;' >> src/cart.js\n${write('package.json', json(RELEASE))}`,
    mayChange: ['package.json'],
  },
  settings: { gate: 'sh settled.sh', sh: 'echo > jest.config.js' },
  shadow: { gate: 'node tools/check.js', sh: 'echo "module.exports = () => true;" > tools/lib.js' },
} as const;
type Name = keyof typeof UNITS;

const ofUnit = ({ events }: RunOutcome, unit: Name, type: string) =>
  events.filter((event) => event['unit'] === unit && event['type'] === type);
const spec = (names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, { tasks: [UNITS[name]] }]));

/** What a comparison says: how each file was tried, whether the gate passed then, and who may change it. */
function comparison(run: RunOutcome, unit: Name) {
  const [event] = ofUnit(run, unit, 'judge.compared') as unknown as {
    readonly changes: readonly { readonly path: string; readonly trial?: string }[];
    readonly trial?: { readonly gates: readonly { readonly passed: boolean }[]; readonly mayChange: string };
  }[];
  return {
    files: Object.fromEntries((event?.changes ?? []).map(({ path, trial }) => [path, trial])),
    passed: event?.trial?.gates.map(({ passed }) => passed),
    mayChange: event?.trial?.mayChange,
  };
}

describe('work is tried with the judge as it was', () => {
  let run: RunOutcome;
  beforeAll(async () => {
    const names = Object.keys(UNITS) as Name[];
    await using project = await makeProject({
      units: spec(names),
      files: FILES,
      config: 'parallelism: 3\nlimits: { attempts: 1 }\n',
    });
    run = await project.run();
  }, 240_000);

  test('not where the judge was not changed: nothing runs twice', () => {
    expect(comparison(run, 'untouched')).toEqual({ files: {}, passed: undefined, mayChange: undefined });
    expect(ofUnit(run, 'untouched', 'worktree.created')).toHaveLength(2);
  });

  test.each<[Name, Readonly<Record<string, string>>, boolean, string]>([
    ['same', { 'test/cart.test.js': 'base' }, true, 'none'],
    ['allowed', { 'test/cart.test.js': 'base' }, false, 'all'],
    ['changed', { 'test/cart.test.js': 'base' }, false, 'none'],
    ['deleted', { 'test/cart.test.js': 'base' }, false, 'none'],
    ['renamed', { 'test/cart.test.js': 'base' }, false, 'none'],
    ['keys', { 'package.json': 'keys' }, false, 'all'],
    ['settings', { 'jest.config.js': 'without' }, false, 'existing'],
    ['shadow', { 'tools/lib.js': 'without' }, false, 'existing'],
  ])('%s', (unit, files, passed, mayChange) => {
    expect(comparison(run, unit)).toEqual({ files, passed: [passed], mayChange });
    expect(ofUnit(run, unit, 'unit.completed')).toMatchObject([{ verified: true }]);
  });

  test('also where a person must agree', () => {
    expect(comparison(run, 'asked')).toMatchObject({ files: { 'package.json': 'keys' }, passed: [true] });
    expect(ofUnit(run, 'asked', 'unit.failed')).toMatchObject([{ failure: 'judge-changed' }]);
  });
});

test('with `strict_judge`, work that passes only with the changed judge fails where no task may change it', async () => {
  await using project = await makeProject({
    units: spec(['same', 'allowed', 'changed', 'settings']),
    files: FILES,
    config: 'strict_judge: true\nparallelism: 2\nlimits: { attempts: 1 }\n',
  });
  const run = await project.run();
  for (const unit of ['same', 'allowed'] as const)
    expect(ofUnit(run, unit, 'unit.completed')).toHaveLength(1);
  for (const [unit, path] of [
    ['changed', 'test/cart.test.js'],
    ['settings', 'jest.config.js'],
  ] as const)
    expect(ofUnit(run, unit, 'unit.failed')).toMatchObject([
      { failure: 'verify', message: expect.stringContaining(path) },
    ]);
});
