import { describe, expect, test } from 'vitest';
import { DEFAULT_CONFIG } from '../../../src/config/schema.ts';
import { lookUpTree } from '../../../src/git/objects/tree-lookup.ts';
import { replaceFiles, treeOf, type TreeFile } from '../../../src/git/objects/tree-object.ts';
import { findJudgeChanges } from '../../../src/worker/judge/judge-changes.ts';
import { findNamedPaths } from '../../../src/worker/judge/named-paths.ts';
import { createProtection, isRestored } from '../../../src/worker/judge/protection.ts';
import { gitWorld } from '../../helpers/git-repository.ts';

const PACKAGE = {
  name: 'shop',
  type: 'module',
  scripts: { test: 'node --test', lint: 'eslint src', check: 'node scripts/check.js && node src/cli.js' },
  dependencies: { express: '^5.0.0' },
};
const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
const LOCK = {
  lockfileVersion: 3,
  packages: {
    '': { dependencies: PACKAGE.dependencies },
    'node_modules/express': { version: '5.0.0', resolved: 'https://r/express', integrity: 'sha512-e' },
  },
};

/** An ordinary repository. */
const FILES: Readonly<Record<string, string>> = {
  'package.json': json(PACKAGE),
  'package-lock.json': json(LOCK),
  'README.md': '# Shop\n',
  'docs/api.md': '# API\n',
  'src/cart.js': 'export const total = () => 0;\n',
  'src/old.js': 'export const old = 1;\n',
  'src/cli.js': 'console.log(1);\n',
  'src/styles/app.css': 'a {}\n',
  'src/i18n/de.json': '{}\n',
  'db/migrations/001.sql': 'create table a ();\n',
  'test/cart.test.js': 'test\n',
  'tests/test_shop.py': 'test\n',
  'scripts/check.js': 'process.exit(0);\n',
  'eslint.config.js': 'export default [];\n',
  Makefile: 'check: build\n\tnode scripts/check.js\nbuild:\n\tgcc -o x src/x.c\n',
  'pyproject.toml': '[project]\nname = "shop"\ndependencies = []\n\n[tool.ruff]\nline-length = 100\n',
  'go.mod': 'module shop\n\ngo 1.24\n',
  'Cargo.toml': '[package]\nname = "shop"\n\n[dependencies]\n',
};

interface Unit {
  readonly gate: string;
  readonly files: Readonly<Record<string, string | null>>;
  readonly mayChange?: readonly string[];
}

/** Compares what a unit's work changes with its base. */
async function compare(
  base: Readonly<Record<string, string>>,
  { gate, files, mayChange = [] }: Unit,
): Promise<{
  readonly restored: readonly string[];
  readonly asked: readonly string[];
  readonly told: readonly string[];
}> {
  await using world = await gitWorld({ 'specs/keep': '', ...base });
  const { repository, head } = world;
  const from = await treeOf(repository.reader, head);
  const lookup = lookUpTree(repository.reader, from);
  const named = await findNamedPaths(lookup, { commands: [gate], directory: '' });
  const protection = createProtection({ directory: '', config: DEFAULT_CONFIG, named, base: lookup });
  const written = new Map<string, TreeFile>();
  for (const [path, text] of Object.entries(files))
    if (text !== null)
      written.set(path, { mode: '100644', id: await repository.writer.blob(Buffer.from(text)) });
  const to = await replaceFiles(repository, from, written);
  const changes = await findJudgeChanges(repository, protection, { from, to, mayChange });
  const restored: string[] = [];
  for (const path of Object.keys(files))
    if (isRestored(protection, path, { isAtBase: await lookup.has(path), mayChange })) restored.push(path);
  return {
    restored,
    asked: changes.filter(({ level, isAllowed }) => level === 'ask' && !isAllowed).map(({ path }) => path),
    told: changes.filter(({ level }) => level === 'tell').map(({ path }) => path),
  };
}

const withDependency = {
  'package.json': json({ ...PACKAGE, dependencies: { ...PACKAGE.dependencies, zod: '^4.0.0' } }),
  'package-lock.json': json({
    ...LOCK,
    packages: {
      ...LOCK.packages,
      '': { dependencies: { ...PACKAGE.dependencies, zod: '^4.0.0' } },
      'node_modules/zod': { version: '4.0.0', resolved: 'https://r/zod', integrity: 'sha512-z' },
    },
  }),
};

/** What teams ask for every day. */
const ORDINARY: Readonly<Record<string, Unit>> = {
  'a module with its tests': { gate: 'npm test', files: { 'src/tax.js': 'x', 'test/tax.test.js': 'x' } },
  'a module with tests in a directory that the gate names': {
    gate: 'node --test test/',
    files: { 'src/tax.js': 'x', 'test/tax.test.js': 'x' },
  },
  'a module with tests that the gate names one by one': {
    gate: 'node --test test/tax.test.js',
    files: { 'src/tax.js': 'x', 'test/tax.test.js': 'x' },
  },
  'changed behaviour with its test': {
    gate: 'node --test test/cart.test.js',
    files: { 'src/cart.js': 'x', 'test/cart.test.js': 'x' },
    mayChange: ['test/cart.test.js'],
  },
  'changed behaviour, and the tests as they are': { gate: 'npm test', files: { 'src/cart.js': 'x' } },
  'a new dependency': { gate: 'npm test', files: { ...withDependency, 'src/parse.js': 'x' } },
  'a new script': {
    gate: 'npm run build && npm test',
    files: {
      'package.json': json({ ...PACKAGE, scripts: { ...PACKAGE.scripts, build: 'node build.js' } }),
      'build.js': 'x',
    },
  },
  'a release': {
    gate: 'npm test',
    files: { 'package.json': json({ ...PACKAGE, version: '2.0.0' }), 'CHANGELOG.md': 'x' },
  },
  'a refactoring': {
    gate: 'npm test',
    files: { 'src/cart.js': 'x', 'src/money.js': 'x', 'src/old.js': 'x' },
  },
  'a refactoring with its tests': {
    gate: 'npm test',
    files: { 'src/cart.js': 'x', 'test/cart.test.js': 'x' },
  },
  documentation: { gate: "grep -q '## Usage' README.md", files: { 'README.md': 'x', 'docs/usage.md': 'x' } },
  'a page with a link': { gate: 'markdownlint docs/api.md', files: { 'docs/api.md': 'x' } },
  'what a linter found': { gate: 'npm run lint', files: { 'src/cart.js': 'x', 'src/cli.js': 'x' } },
  'what a linter found in one file': { gate: 'npx eslint src/cart.js', files: { 'src/cart.js': 'x' } },
  'a command line': { gate: 'npm run check', files: { 'src/cli.js': 'x', 'test/cli.test.js': 'x' } },
  'a migration': { gate: 'npm test', files: { 'db/migrations/002.sql': 'x', 'src/db.js': 'x' } },
  'a style and a text': {
    gate: 'npm test',
    files: { 'src/styles/app.css': 'x', 'src/i18n/de.json': '{"a":1}' },
  },
  'a program in C': { gate: 'make check', files: { 'src/x.c': 'x', 'src/x.h': 'x' } },
  'a module of Python with its tests': {
    gate: 'python -m pytest tests/',
    files: { 'shop/tax.py': 'x', 'shop/types.py': 'x', 'tests/test_tax.py': 'x' },
  },
  'a dependency of Python': {
    gate: 'pytest',
    files: {
      'pyproject.toml': '[project]\nname = "shop"\ndependencies = ["x"]\n\n[tool.ruff]\nline-length = 100\n',
    },
  },
  'a dependency of Go': {
    gate: 'go test ./...',
    files: {
      'go.mod': 'module shop\n\ngo 1.24\n\nrequire a.com/b v1.0.0\n',
      'go.sum': 'a.com/b v1.0.0 h1:x=\n',
    },
  },
  'a dependency of Rust': {
    gate: 'cargo test',
    files: { 'Cargo.toml': '[package]\nname = "shop"\n\n[dependencies]\na = "1"\n' },
  },
  'a rule of the linter': {
    gate: 'npm run lint',
    files: { 'eslint.config.js': 'x', 'src/cart.js': 'x' },
    mayChange: ['eslint.config.js'],
  },
};

describe('ordinary work needs no person', () => {
  test.each(Object.entries(ORDINARY))('%s', async (_, unit) => {
    expect(await compare(FILES, unit)).toMatchObject({ restored: [], asked: [] });
  });

  test('a scaffold in an empty repository', async () => {
    const files = Object.fromEntries(Object.entries(FILES).filter(([path]) => !path.startsWith('specs')));
    expect(await compare({}, { gate: 'make check && npm test && pytest tests/', files })).toMatchObject({
      restored: [],
      asked: [],
    });
  });
});

describe('work on the judge', () => {
  test.each<[string, Unit, Partial<Awaited<ReturnType<typeof compare>>>]>([
    [
      'another script',
      { gate: 'npm test', files: { 'package.json': json({ ...PACKAGE, scripts: { test: 'true' } }) } },
      { asked: ['package.json'] },
    ],
    [
      'a lock file alone',
      { gate: 'npm test', files: { 'package-lock.json': withDependency['package-lock.json'] } },
      { asked: ['package-lock.json'] },
    ],
    [
      'a second configuration',
      { gate: 'npm run lint', files: { 'eslint.config.mjs': 'x' } },
      { asked: ['eslint.config.mjs'] },
    ],
    [
      'a first configuration',
      { gate: 'npm test', files: { 'vitest.config.js': 'x' } },
      { asked: [], told: ['vitest.config.js'] },
    ],
    [
      'a test',
      { gate: 'npm test', files: { 'test/cart.test.js': 'x' } },
      { asked: [], told: ['test/cart.test.js'] },
    ],
    [
      'a test that the gate names',
      { gate: 'node --test test', files: { 'test/cart.test.js': 'x' } },
      { restored: ['test/cart.test.js'] },
    ],
    [
      'what a script starts',
      { gate: 'npm run check', files: { 'scripts/check.js': 'x' } },
      { restored: ['scripts/check.js'] },
    ],
    [
      'what a Makefile starts',
      { gate: 'make -j2', files: { 'scripts/check.js': 'x' } },
      { restored: ['scripts/check.js'] },
    ],
    [
      'a module of Python',
      { gate: 'pytest', files: { 'subprocess.py': 'x', 'tests/json/__init__.py': 'x' } },
      { restored: ['subprocess.py', 'tests/json/__init__.py'] },
    ],
    [
      'a pipeline',
      { gate: 'npm test', files: { 'ci/Jenkinsfile': 'x' }, mayChange: ['**'] },
      { restored: ['ci/Jenkinsfile'] },
    ],
  ])('%s', async (_, unit, expected) => {
    expect(await compare(FILES, unit)).toMatchObject(expected);
  });

  test('its lines are counted, whatever the names of its files', async () => {
    await using world = await gitWorld({ 'test/:(top)*.js': 'a\nb\n' });
    const { repository, head } = world;
    const from = await treeOf(repository.reader, head);
    const base = lookUpTree(repository.reader, from);
    const named = await findNamedPaths(base, { commands: ['npm test'], directory: '' });
    const protection = createProtection({ directory: '', config: DEFAULT_CONFIG, named, base });
    const id = await repository.writer.blob(Buffer.from('b\nc\nd\n'));
    const to = await replaceFiles(repository, from, new Map([['test/:(top)*.js', { mode: '100644', id }]]));
    expect(await findJudgeChanges(repository, protection, { from, to, mayChange: [] })).toEqual([
      { path: 'test/:(top)*.js', level: 'tell', kind: 'changed', isAllowed: false, added: 2, removed: 1 },
    ]);
  });
});
