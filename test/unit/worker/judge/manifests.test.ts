import { describe, expect, test } from 'vitest';
import { isManifest, judgeManifest } from '../../../../src/worker/judge/manifests.ts';

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
const PACKAGE = {
  name: 'x',
  scripts: { test: 'vitest run' },
  dependencies: { a: '^1.0.0' },
  jest: { bail: true },
};
const judgePackage = (change: object): string =>
  judgeManifest('app/package.json', { before: json(PACKAGE), after: json({ ...PACKAGE, ...change }) }, false);

describe('a package.json', () => {
  test.each<[string, object]>([
    ['a new dependency', { dependencies: { a: '^1.0.0', b: '^2.0.0' } }],
    ['another version', { dependencies: { a: '^1.2.0' } }],
    ['no dependency', { dependencies: {} }],
    ['new development dependencies', { devDependencies: { c: '1' } }],
    ['a new script', { scripts: { ...PACKAGE.scripts, build: 'tsc' } }],
    ['another version of itself, and a program', { version: '2.0.0', bin: 'cli.js' }],
  ])('with %s is told', (_, change) => {
    expect(judgePackage(change)).toBe('tell');
  });

  test.each<[string, object]>([
    ['another script', { scripts: { test: 'true' } }],
    ['no scripts', { scripts: undefined }],
    ['a script before the test', { scripts: { ...PACKAGE.scripts, pretest: 'true' } }],
    ['a script of an installation', { scripts: { ...PACKAGE.scripts, postinstall: 'x' } }],
    ['settings of a runner', { jest: { bail: false, passWithNoTests: true } }],
    ['new settings of a tool', { eslintConfig: {} }],
    ['overrides', { overrides: { vitest: 'npm:evil@1' } }],
    ['workspaces', { workspaces: ['x'] }],
    ['another source of a dependency', { dependencies: { a: 'file:./evil' } }],
    ['another name of a dependency', { dependencies: { a: 'npm:evil@1' } }],
    ['a repository as a dependency', { dependencies: { a: 'someone/evil' } }],
  ])('with %s needs a person', (_, change) => {
    expect(judgePackage(change)).toBe('ask');
  });

  test('that is none needs a person', () => {
    for (const after of ['', '[]', 'null', '{', json({ ...PACKAGE, scripts: [] })])
      expect(judgeManifest('package.json', { before: json(PACKAGE), after }, false)).toBe('ask');
  });
});

const PYTHON =
  '[project]\nname = "x"\ndependencies = [\n  "a",\n]\n\n[tool.pytest.ini_options]\naddopts = "-q"\n';
const CARGO = '[package]\nname = "x"\nversion = "1"\n\n[dependencies]\na = "1"\n\n[lib]\npath = "x.rs"\n';
const GO = 'module x\n\ngo 1.24\n\nrequire (\n\tb.com/c v1.0.0\n)\n';

describe('other manifests', () => {
  test.each<[string, string, string, string]>([
    ['pyproject.toml', PYTHON, PYTHON.replace('"a",', '"a",\n  "b>=1",'), 'tell'],
    ['pyproject.toml', PYTHON, PYTHON.replace('-q', '-q --co'), 'ask'],
    ['pyproject.toml', PYTHON, `${PYTHON}[tool.ruff]\nselect = []\n`, 'ask'],
    ['pyproject.toml', PYTHON, `tool.pytest.x = 1\n${PYTHON}`, 'ask'],
    [
      'pyproject.toml',
      PYTHON,
      PYTHON.replace(']\n\n', ']\nx = """\n').concat('\n[project.urls]\ny = "1" # """\n'),
      'ask',
    ],
    [
      'setup.cfg',
      '[metadata]\nname = x\n[tool:pytest]\na = 1\n',
      '[metadata]\nname = x\n [tool:pytest]\na = 1\n',
      'ask',
    ],
    ['Cargo.toml', CARGO, CARGO.replace('a = "1"', 'a = "1"\nb = "2"'), 'tell'],
    ['Cargo.toml', CARGO, CARGO.replace('version = "1"', 'version = "1"\nautotests = false'), 'ask'],
    ['Cargo.toml', CARGO, `${CARGO}[patch.crates-io]\na = { path = "x" }\n`, 'ask'],
    ['go.mod', GO, GO.replace(')', '\td.com/e v1.1.0 // indirect\n)'), 'tell'],
    ['go.mod', GO, `${GO}require d.com/e v1.1.0\n`, 'tell'],
    ['go.mod', GO, `${GO}replace b.com/c => ./evil\n`, 'ask'],
    ['requirements.txt', 'a==1\n', 'a==1\nb[x]>=2,<3\n', 'tell'],
    ['requirements-dev.txt', 'a==1\n', 'a==1\n--index-url https://evil\n', 'ask'],
    ['requirements.txt', 'a==1\n', 'a==2\n', 'ask'],
    ['Gemfile', "gem 'a'\n", "gem 'a'\ngem 'b', '~> 2.0'\n", 'tell'],
    ['Gemfile', "gem 'a'\n", "exit\ngem 'a'\n", 'ask'],
    ['build.gradle', 'dependencies {\n}\n', "dependencies {\n  testImplementation 'a:b:1'\n}\n", 'tell'],
    ['build.gradle', 'test {\n}\n', 'test {\n  enabled = false\n}\n', 'ask'],
  ])('%s, case %#', (name, before, after, level) => {
    expect(isManifest(name)).toBe(true);
    expect(judgeManifest(name, { before, after }, false)).toBe(level);
  });
});

const entry = (version: string, more: object = {}): object => ({
  version,
  resolved: `https://registry.example/${version}`,
  integrity: `sha512-${version}`,
  ...more,
});
const LOCK = {
  name: 'x',
  lockfileVersion: 3,
  packages: { '': { dependencies: { a: '^1' } }, 'node_modules/a': entry('1.0.0', { dev: true }) },
};
const withPackages = (packages: object): string =>
  json({ ...LOCK, packages: { ...LOCK.packages, ...packages } });
const CARGO_LOCK =
  'version = 4\n\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry"\nchecksum = "11"\n\n[[package]]\nname = "x"\nversion = "0.1.0"\ndependencies = [\n "a",\n]\n';
const YARN =
  '# yarn lockfile v1\n\n\na@^1:\n  version "1.0.0"\n  resolved "https://r/a"\n  integrity sha512-a\n';

describe('a lock file', () => {
  test.each<[string, string, string, string]>([
    [
      'package-lock.json',
      json(LOCK),
      withPackages({
        '': { dependencies: { a: '^1', b: '^2' } },
        'node_modules/b': entry('2.0.0'),
        'node_modules/a': entry('1.0.0'),
      }),
      'tell',
    ],
    ['package-lock.json', json(LOCK), withPackages({ 'node_modules/a': entry('1.0.1') }), 'ask'],
    [
      'package-lock.json',
      json(LOCK),
      withPackages({ 'node_modules/a': entry('1.0.0', { resolved: 'https://evil' }) }),
      'ask',
    ],
    [
      'package-lock.json',
      json(LOCK),
      withPackages({ 'node_modules/a': entry('1.0.0', { link: true }) }),
      'ask',
    ],
    ['package-lock.json', json(LOCK), json({ ...LOCK, packages: {} }), 'ask'],
    ['package-lock.json', json(LOCK), json({ ...LOCK, packages: null }), 'ask'],
    [
      'Cargo.lock',
      CARGO_LOCK,
      CARGO_LOCK.replace(' "a",', ' "a",\n "b",') +
        '\n[[package]]\nname = "b"\nversion = "2.0.0"\nsource = "registry"\nchecksum = "22"\n',
      'tell',
    ],
    ['Cargo.lock', CARGO_LOCK, CARGO_LOCK.replace('checksum = "11"', 'checksum = "12"'), 'ask'],
    [
      'Cargo.lock',
      CARGO_LOCK,
      CARGO_LOCK.replace(
        '[[package]]\nname = "a"',
        '[[package]]\nname = "a"\nversion = "6"\nsource = "registry"\nchecksum = "66"\n\n[[package]]\nname = "c"',
      ),
      'ask',
    ],
    [
      'yarn.lock',
      YARN,
      `${YARN}\nb@^2:\n  version "2"\n  resolved "https://r/b"\n  integrity sha512-b\n`,
      'tell',
    ],
    ['yarn.lock', YARN, YARN.replace('https://r/a', 'https://evil/a'), 'ask'],
    [
      'yarn.lock',
      YARN,
      `${YARN}\na@^1:\n  version "1"\n  resolved "https://evil"\n  integrity sha512-b\n`,
      'ask',
    ],
    ['go.sum', 'a v1 h1:x=\n', 'a v1 h1:x=\nb v1 h1:y=\n', 'tell'],
    ['go.sum', 'a v1 h1:x=\n', 'a v1 h1:z=\n', 'ask'],
  ])('%s, case %#', (name, before, after, level) => {
    expect(judgeManifest(name, { before, after }, true)).toBe(level);
    expect(judgeManifest(name, { before, after }, false)).toBe('ask');
  });
});
