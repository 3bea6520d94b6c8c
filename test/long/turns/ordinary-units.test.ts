import { execa } from 'execa';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planned, quiet } from '../../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO } from '../../helpers/app-world.ts';
import { json, write } from '../../helpers/judged-shop.ts';
import { git } from '../../helpers/git-repository.ts';
import type { UnitSpec } from '../../helpers/spec-project.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const PACKAGE = {
  name: 'shop',
  version: '1.0.0',
  scripts: { test: 'node --test', lint: 'sh scripts/lint.sh' },
  dependencies: { express: '^5.0.0' },
};
const LOCK = {
  lockfileVersion: 3,
  packages: {
    '': { dependencies: PACKAGE.dependencies },
    'node_modules/express': { version: '5.0.0', resolved: 'https://r/express', integrity: 'sha512-e' },
  },
};
const jsTest = (file: string, expected: string): string =>
  `const { test } = require('node:test');\nconst { value } = require('../src/${file}');\n` +
  `test('value', () => require('node:assert').equal(value(), ${expected}));\n`;
const pyTest = (module: string, expected: number): string =>
  `import unittest\nfrom shop.${module} import value\n\n\nclass T(unittest.TestCase):\n` +
  `    def test_value(self):\n        self.assertEqual(value(), ${expected})\n`;
const PYPROJECT = '[project]\nname = "shop"\ndependencies = []\n\n[tool.ruff]\nline-length = 100\n';

/** An ordinary repository. */
const FILES: Readonly<Record<string, string>> = {
  'package.json': json(PACKAGE),
  'package-lock.json': json(LOCK),
  'README.md': '# Shop\n',
  'docs/api.md': '# API\n',
  'src/cart.js': 'exports.value = () => 0;\n',
  'src/old.js': 'exports.value = () => 5;\n',
  'src/dirty.js': 'var x = 1;\nexports.value = () => x;\n',
  'src/app.css': 'a {}\n',
  'src/de.json': '{}\n',
  'db/migrations/001.sql': 'create table a ();\n',
  'test/cart.test.js': jsTest('cart.js', '0'),
  'test/old.test.js': jsTest('old.js', '5'),
  'shop/__init__.py': '',
  'shop/cart.py': 'def value():\n    return 0\n',
  'tests/__init__.py': '',
  'tests/test_cart.py': pyTest('cart', 0),
  'scripts/lint.sh': 'rule=$(cat lint.config.js)\n! grep -q "$rule" src/cart.js\n',
  'lint.config.js': 'var\n',
  'pyproject.toml': PYPROJECT,
  Makefile: 'check:\n\tnode --test\n',
};

const one = (gate: string, sh: string, mayChange?: readonly string[]): UnitSpec => ({
  tasks: [{ gate: JSON.stringify(gate), sh, ...(mayChange === undefined ? {} : { mayChange }) }],
});
const module = (name: string, value: string): string =>
  write(`src/${name}.js`, `exports.value = () => ${value};\n`);
const WITH_DEPENDENCY = { ...PACKAGE, dependencies: { ...PACKAGE.dependencies, zod: '^4.0.0' } };

/** What teams ask for every day. */
const UNITS: Readonly<Record<string, UnitSpec>> = {
  'module-with-tests': one(
    'node --test test/tax.test.js',
    `${module('tax', '7')}\n${write('test/tax.test.js', jsTest('tax.js', '7'))}`,
  ),
  'module-of-the-suite': one(
    'npm test && test -e src/fee.js',
    `${module('fee', '3')}\n${write('test/fee.test.js', jsTest('fee.js', '3'))}`,
  ),
  'changed-behaviour': one(
    'npm test && grep -q 9 src/cart.js',
    `${module('cart', '9')}\n${write('test/cart.test.js', jsTest('cart.js', '9'))}`,
    ['test/cart.test.js'],
  ),
  'changed-within': one('npm test && grep -q same src/cart.js', 'echo "// the same" >> src/cart.js'),
  dependency: one(
    'npm test && grep -q zod package.json',
    [
      write('package.json', json(WITH_DEPENDENCY)),
      write(
        'package-lock.json',
        json({
          ...LOCK,
          packages: {
            ...LOCK.packages,
            '': { dependencies: WITH_DEPENDENCY.dependencies },
            'node_modules/zod': { version: '4.0.0', resolved: 'https://r/zod', integrity: 'sha512-z' },
          },
        }),
      ),
    ].join('\n'),
  ),
  script: one(
    'npm run build && npm test',
    `${write('package.json', json({ ...PACKAGE, scripts: { ...PACKAGE.scripts, build: 'node build.js' } }))}\ntouch build.js`,
  ),
  release: one(
    'npm test && grep -q 2.0.0 package.json',
    `${write('package.json', json({ ...PACKAGE, version: '2.0.0' }))}\necho 2.0.0 > CHANGELOG.md`,
  ),
  refactoring: one(
    'npm test && test -e src/money.js',
    'mv src/old.js src/money.js; echo "exports.value = require(\'./money.js\').value;" > src/old.js',
  ),
  'refactoring-with-tests': one(
    'npm test && test -e src/coin.js',
    `mv src/old.js src/coin.js; rm test/old.test.js\n${write('test/coin.test.js', jsTest('coin.js', '5'))}`,
    ['test/old.test.js'],
  ),
  'better-test': one(
    'npm test && grep -q clear src/cart.js',
    'echo "// clear" >> src/cart.js; echo "// said clearly" >> test/cart.test.js',
  ),
  documentation: one(
    "grep -q '## Usage' README.md",
    "echo '## Usage' >> README.md; echo more >> docs/api.md",
  ),
  page: one(
    'test -s docs/guide.md && grep -q guide README.md',
    'echo guide > docs/guide.md; echo guide >> README.md',
  ),
  lint: one('! grep -q var src/dirty.js', 'sed -i s/var/const/ src/dirty.js'),
  'linter-rule': one('npm run lint && grep -q let lint.config.js', 'echo let > lint.config.js', [
    'lint.config.js',
  ]),
  'command-line': one(
    'node bin/shop.js | grep -q shop && npm test',
    `mkdir -p bin; echo "console.log('shop');" > bin/shop.js`,
  ),
  migration: one('ls db/migrations/002.sql', 'echo "create table b ();" > db/migrations/002.sql'),
  style: one(
    'grep -q colour src/de.json && grep -q red src/app.css',
    `echo '{"colour":1}' > src/de.json; echo 'a { color: red }' > src/app.css`,
  ),
  'python-module': one(
    'python3 -m unittest tests.test_tax',
    `printf 'def value():\\n    return 4\\n' > shop/tax.py\n${write('tests/test_tax.py', pyTest('tax', 4))}`,
  ),
  'python-dependency': one(
    'python3 -m unittest discover && grep -q rich pyproject.toml',
    write('pyproject.toml', PYPROJECT.replace('[]', '["rich"]')),
  ),
  'make-target': one('make pack && make check', `printf 'pack:\\n\\ttrue\\n' >> Makefile`, ['Makefile']),
  'tests-first': {
    tasks: [
      { gate: '"test -s test/late.test.js"', sh: write('test/late.test.js', jsTest('late.js', '1')) },
      { gate: '"node --test test/late.test.js"', sh: module('late', '1') },
    ],
  },
};

/** A first version of everything, where there is nothing. */
const SCAFFOLD = one(
  'npm test && npm run lint && make check',
  Object.entries(FILES)
    .filter(([path, text]) => path !== 'README.md' && text !== '')
    .map(([path, text]) => `mkdir -p $(dirname ${path})\n${write(path, text)}`)
    .join('\n'),
);

test.each([
  ['of every day', FILES, UNITS],
  ['in an empty repository', { 'README.md': '# Shop\n' }, { scaffold: SCAFFOLD }],
])('units %s end without a person', { timeout: 900_000 }, async (_, files, units) => {
  await using world = await makeAppWorld({
    units,
    files,
    config: 'parallelism: 3\nlimits: { attempts: 1 }\n',
  });
  await world.start();
  const [first = ''] = Object.keys(units);
  await planned(world, await world.push('alice', 'main', { [`specs/tasks/${first}/note.md`]: 'Mind.' }));
  const issue = await world.github.as('alice').createIssue(REPO, { title: 'Build it' });
  await world.github.as('alice').comment(REPO, issue, '/choo run');
  const isEnd = ({ body }: { readonly body: string }): boolean => body.includes('<!-- choo:end');
  await world.until('the end of the run', ({ comments }) => comments.some(isEnd), 800_000);
  const state = await quiet(world);
  const ends = Object.keys(units).map((unit) => {
    const check = state.checks.findLast(({ name }) => name === `choo / ${unit}`);
    const pull = state.pulls.find(({ head }) => head.ref === `choo/unit/main/${unit}`);
    return [unit, check?.conclusion, pull?.draft];
  });
  expect(ends).toEqual(Object.keys(units).map((unit) => [unit, 'success', false]));
  await expectGreen(world, units);
});

/** The branch of each unit, checked out by a plain git, passes the unit's gates, and says that they have passed. */
async function expectGreen(world: AppWorld, units: Readonly<Record<string, UnitSpec>>): Promise<void> {
  await using place = await temporaryDirectory();
  const clone = join(place.path, 'clone');
  await git(place.path, 'clone', '--quiet', world.github.bare(REPO), clone);
  for (const [unit, { tasks }] of Object.entries(units)) {
    await git(clone, 'checkout', '--quiet', '--force', '--detach', `origin/choo/unit/main/${unit}`);
    await git(clone, 'clean', '--quiet', '--force', '-dx');
    expect([unit, await git(clone, 'merge-base', 'HEAD', 'origin/main')]).toEqual([
      unit,
      await git(clone, 'rev-parse', 'origin/main'),
    ]);
    const specs = await git(
      clone,
      'grep',
      '--count',
      'status: complete',
      'HEAD',
      '--',
      `specs/tasks/${unit}/0*`,
    );
    expect([unit, specs.split('\n').length]).toEqual([unit, tasks.length]);
    for (const { gate } of tasks) {
      const command = JSON.parse(gate) as string;
      const { exitCode, all } = await execa('bash', ['-c', command], {
        cwd: clone,
        env: { PATH: process.env['PATH'] ?? '' },
        extendEnv: false,
        reject: false,
        all: true,
      });
      expect([unit, command, exitCode], all).toEqual([unit, command, 0]);
    }
  }
}
