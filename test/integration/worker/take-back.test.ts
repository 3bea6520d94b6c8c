import { expect, test } from 'vitest';
import { DEFAULT_CONFIG } from '../../../src/config/schema.ts';
import { lookUpTree } from '../../../src/git/objects/tree-lookup.ts';
import { diffTrees, replaceFiles, treeOf, type TreeFile } from '../../../src/git/objects/tree-object.ts';
import { findJudgeChanges } from '../../../src/worker/judge/judge-changes.ts';
import { findNamedPaths } from '../../../src/worker/judge/named-paths.ts';
import { createProtection } from '../../../src/worker/judge/protection.ts';
import { takeJudgeBack } from '../../../src/worker/judge/take-back.ts';
import { gitWorld } from '../../helpers/git-repository.ts';

const PYPROJECT = '[project]\ndependencies = ["requests"]\n\n[tool.ruff]\nline-length = 100\n';
const BASE = {
  'README.md': 'Shop\n',
  'package.json':
    '{"name":"shop","scripts":{"test":"node --test","lint":"eslint ."},"dependencies":{"a":"1"}}',
  'package-lock.json': '{"packages":{"node_modules/a":{"version":"1.0.0"}}}',
  'pyproject.toml': PYPROJECT,
  'go.mod': 'module shop\n\ngo 1.24\n',
  'src/cart.py': 'x\n',
  'tests/test_cart.py': 'x\n',
  'tests/deep/test_deep.py': 'x\n',
  'tools/judge.py': 'import requests\n',
  'tools/check.js': 'x\n',
  'tools/lib/index.js': 'x\n',
  'tools/money.ts': 'x\n',
  'tools/old.js': 'x\n',
};
const GATE = 'python3 tools/judge.py && node tools/check.js && npm test';

/** What the counter-trial has for the files that a unit changed: undefined where they are as the unit has them. */
async function takenBack(files: Readonly<Record<string, string | null>>) {
  await using world = await gitWorld(BASE);
  const { repository, head } = world;
  const from = await treeOf(repository.reader, head);
  const written = new Map<string, TreeFile | undefined>();
  for (const [path, text] of Object.entries(files))
    written.set(
      path,
      text === null ? undefined : { mode: '100644', id: await repository.writer.blob(Buffer.from(text)) },
    );
  const to = await replaceFiles(repository, from, written);
  const base = lookUpTree(repository.reader, from);
  const named = await findNamedPaths(base, { commands: [GATE], directory: '' });
  const protection = createProtection({ directory: '', config: DEFAULT_CONFIG, named, base });
  const changes = await findJudgeChanges(repository, protection, { from, to, mayChange: [] });
  const taken = await takeJudgeBack(repository, protection, { from, to, changes });
  if (taken === undefined) return undefined;
  const [differs, now] = [
    await diffTrees(repository.reader, to, taken.tree),
    lookUpTree(repository.reader, taken.tree),
  ];
  expect(differs.map(({ path }) => path).sort()).toEqual([...taken.how.keys()].sort());
  return Object.fromEntries(
    await Promise.all([...taken.how].map(async ([path, how]) => [path, [how, await now.read(path, 10_000)]])),
  );
}

test('what stays as the work has it: new tests, code, dependencies with their lock file', async () => {
  expect(
    await takenBack({
      'src/cart.py': 'y\n',
      'src/tax.py': 'y\n',
      'tests/test_tax.py': 'y\n',
      'tests/tax/conftest.py': 'y\n',
      'package.json': BASE['package.json'].replace('"a":"1"', '"a":"2","b":"1"'),
      'package-lock.json': '{"packages":{"node_modules/a":{"version":"2.0.0"}}}',
      'pyproject.toml': PYPROJECT.replace('"requests"', '"requests", "rich"'),
      'web/jest.config.js': 'y\n',
    }),
  ).toBeUndefined();
});

test('what was changed, renamed or deleted is as it was, of a manifest what judges', async () => {
  const changed =
    '{"name":"shop","version":"2.0.0","scripts":{"test":"true","new":"x"},"jest":{},"dependencies":{"b":"1"}}';
  expect(
    await takenBack({
      'tests/test_cart.py': 'y\n',
      'tests/deep/test_deep.py': null,
      'tests/deep/test_other.py': 'y\n',
      'package.json': changed,
      'pyproject.toml': `${PYPROJECT.replace('100', '300').replace('"requests"', '"rich"')}[tool.pytest]\naddopts = "-k no"\n`,
      'go.mod': 'module other\n\ngo 1.24\n',
    }),
  ).toEqual({
    'tests/test_cart.py': ['base', 'x\n'],
    'tests/deep/test_deep.py': ['base', 'x\n'],
    'package.json': [
      'keys',
      `${JSON.stringify({ name: 'shop', version: '2.0.0', scripts: { new: 'x', test: 'node --test', lint: 'eslint .' }, dependencies: { b: '1' } }, undefined, 2)}\n`,
    ],
    'pyproject.toml': ['keys', '[project]\ndependencies = ["rich"]\n[tool.ruff]\nline-length = 100\n'],
    'go.mod': ['base', BASE['go.mod']],
  });
});

test('what is left out: settings beside what was there, and what takes the place of a module', async () => {
  expect(
    await takenBack({
      'tests/conftest.py': 'y\n',
      'jest.config.mjs': 'y\n',
      'tools/requests.py': 'y\n', // `requests` is installed
      'tools/helper.py': 'y\n',
      'src/requests.py': 'y\n', // no program is started there
      'tools/lib.js': 'y\n', // before `lib/index.js`
      'tools/money.js': 'y\n', // before `money.ts`
      'tools/old.js': null,
      'tools/old.mjs': 'y\n', // in its place
      'tools/new.js': 'y\n',
    }),
  ).toEqual({
    'tests/conftest.py': ['without', undefined],
    'jest.config.mjs': ['without', undefined],
    'tools/requests.py': ['without', undefined],
    'tools/lib.js': ['without', undefined],
    'tools/money.js': ['without', undefined],
  });
});

test('a lock file that changed alone is as it was', async () => {
  expect(await takenBack({ 'package-lock.json': '{"packages":{}}' })).toEqual({
    'package-lock.json': ['base', BASE['package-lock.json']],
  });
});
