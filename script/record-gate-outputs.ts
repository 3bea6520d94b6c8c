/**
 * Records what test runners, compilers and linters print when they fail: `node script/record-gate-outputs.ts [NAME …]`. Needs
 * npm's registry and, from Debian, python3-pytest, ruby-rspec, phpunit, golang-go, gcc, make; cargo from where it comes. Those
 * that are missing are skipped. Not run by CI: `test/fixtures/gate-outputs/README.md` says what is recorded.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TARGET = fileURLToPath(new URL('../test/fixtures/gate-outputs', import.meta.url));
/** What stands in the fixtures for the directory of the project. */
const PROJECT = '/srv/project';
const PACKAGES = ['jest', 'vitest', 'mocha', 'eslint', 'typescript'];

type Files = Readonly<Record<string, string>>;

interface Recording {
  readonly command: string;
  /** Files of every case, and those of each. */
  readonly files?: Files;
  readonly cases: Readonly<Record<string, Files & { readonly $command?: string }>>;
}

const NODE_IMPORTS =
  "import assert from 'node:assert/strict';\nimport { describe, test } from 'node:test';\n";
const NODE_CASES: Recording['cases'] = {
  assertion: {
    'test/sum.test.js': `${NODE_IMPORTS}describe('sum', () => {\n  test('adds', () => assert.equal(1 + 1, 2));\n  test('takes away', () => {\n    assert.equal(3 - 1, 1);\n  });\n});\n`,
  },
  crash: {
    'test/sum.test.js': `${NODE_IMPORTS}test('adds', () => assert.equal(1 + 1, 2));\ntest('reads', () => {\n  const settings = undefined;\n  return settings.color;\n});\n`,
  },
  syntax: { 'test/sum.test.js': `${NODE_IMPORTS}test('adds', () => {\n  const sum = ;\n});\n` },
  missing: {
    'test/sum.test.js': `${NODE_IMPORTS}import { sum } from '../src/sum.js';\ntest('adds', () => assert.equal(sum(1, 1), 2));\n`,
  },
};
const MODULE = {
  'package.json':
    '{ "name": "sums", "version": "1.0.0", "type": "module", "scripts": { "test": "tsc --noEmit && vitest run" } }\n',
};

function jsCases(imports: string, missing: string): Recording['cases'] {
  return {
    assertion: {
      'test/sum.test.js': `${imports}describe('sum', () => {\n  test('adds', () => expect(1 + 1).toBe(2));\n  test('takes away', () => {\n    expect(3 - 1).toBe(1);\n  });\n});\n`,
    },
    crash: {
      'test/sum.test.js': `${imports}describe('sum', () => {\n  test('adds', () => expect(1 + 1).toBe(2));\n  test('reads', () => {\n    const settings = undefined;\n    return settings.color;\n  });\n});\n`,
    },
    syntax: { 'test/sum.test.js': `${imports}test('adds', () => {\n  const sum = ;\n});\n` },
    missing: { 'test/sum.test.js': `${imports}${missing}test('adds', () => expect(sum(1, 1)).toBe(2));\n` },
  };
}

const RUST = { 'Cargo.toml': '[package]\nname = "sums"\nversion = "0.1.0"\nedition = "2021"\n' };
const GO = {
  'go.mod': 'module example.com/sums\n\ngo 1.19\n',
  'sum.go': 'package sums\n\nfunc Sum(a, b int) int { return a + b }\n',
};
const PHP_HEAD =
  '<?php\nuse PHPUnit\\Framework\\TestCase;\n\nfinal class SumTest extends TestCase\n{\n    public function testAdds(): void\n    {\n        $this->assertSame(2, 1 + 1);\n    }\n\n';
const PY_HEAD = 'def test_adds():\n    assert 1 + 1 == 2\n\n\n';
const PYTEST_CASES: Recording['cases'] = {
  assertion: {
    'tests/test_sum.py': `${PY_HEAD}def test_takes_away():\n    got = {"sum": 3 - 1}\n    assert got == {"sum": 1}\n`,
  },
  crash: {
    'tests/test_sum.py': `${PY_HEAD}def read(settings):\n    return settings["color"]\n\n\ndef test_reads():\n    assert read({}) == "red"\n`,
  },
  syntax: { 'tests/test_sum.py': `${PY_HEAD}def test_broken(:\n    pass\n` },
  missing: { 'tests/test_sum.py': `import nothing_of_the_kind\n\n\n${PY_HEAD}` },
};
const UNITTEST_HEAD =
  'import unittest\n\n\nclass SumTest(unittest.TestCase):\n    def test_adds(self):\n        self.assertEqual(1 + 1, 2)\n\n';

const RECORDINGS: Readonly<Record<string, Recording>> = {
  'node-spec': { command: 'node --test --test-reporter=spec', files: MODULE, cases: NODE_CASES },
  'node-tap': { command: 'node --test --test-reporter=tap', files: MODULE, cases: NODE_CASES },
  vitest: {
    command: 'npx vitest run',
    files: MODULE,
    cases: {
      ...jsCases(
        "import { describe, expect, test } from 'vitest';\n",
        "import { sum } from '../src/sum.js';\n",
      ),
      none: { 'src/sum.js': 'export const sum = 1;\n' },
      behind_tsc: {
        $command: 'npm test',
        'tsconfig.json': '{ "compilerOptions": { "types": [] }, "include": ["src"] }\n',
        'src/sum.ts': 'export const sum: number = 1;\n',
        'test/sum.test.js':
          "import { expect, test } from 'vitest';\ntest('takes away', () => {\n  expect(3 - 1).toBe(1);\n});\n",
      },
    },
  },
  jest: {
    command: 'npx jest',
    files: { 'package.json': '{ "name": "sums", "version": "1.0.0" }\n' },
    cases: { ...jsCases('', "const { sum } = require('../src/sum.js');\n"), none: { 'src/sum.js': '' } },
  },
  mocha: {
    command: 'npx mocha',
    files: { 'package.json': '{ "name": "sums", "version": "1.0.0" }\n' },
    cases: {
      assertion: {
        'test/sum.js':
          "const assert = require('node:assert');\ndescribe('sum', () => {\n  it('adds', () => assert.equal(1 + 1, 2));\n  it('takes away', () => {\n    assert.strictEqual(3 - 1, 1);\n  });\n});\n",
      },
      crash: {
        'test/sum.js':
          "describe('sum', () => {\n  it('reads', () => {\n    const settings = undefined;\n    return settings.color;\n  });\n});\n",
      },
      syntax: { 'test/sum.js': "it('adds', () => {\n  const sum = ;\n});\n" },
      missing: { 'test/sum.js': "const { sum } = require('../src/sum.js');\nit('adds', () => sum(1, 1));\n" },
    },
  },
  pytest: { command: '/usr/bin/python3 -m pytest -p no:cacheprovider', cases: PYTEST_CASES },
  'pytest-quiet': {
    command: '/usr/bin/python3 -m pytest -q --tb=short -p no:cacheprovider',
    cases: PYTEST_CASES,
  },
  'junit-pytest': {
    command:
      '/usr/bin/python3 -m pytest -q -p no:cacheprovider --junitxml=report.xml >/dev/null; cat report.xml; exit 1',
    cases: PYTEST_CASES,
  },
  unittest: {
    command: '/usr/bin/python3 -m unittest discover -s tests',
    cases: {
      assertion: {
        'tests/test_sum.py': `${UNITTEST_HEAD}    def test_takes_away(self):\n        self.assertEqual(3 - 1, 1)\n`,
      },
      crash: {
        'tests/test_sum.py': `${UNITTEST_HEAD}    def test_reads(self):\n        self.assertEqual({}["color"], "red")\n`,
      },
      syntax: { 'tests/test_sum.py': `${UNITTEST_HEAD}    def test_broken(:\n        pass\n` },
      missing: { 'tests/test_sum.py': `import nothing_of_the_kind\n${UNITTEST_HEAD}` },
    },
  },
  cargo: {
    command: 'cargo test --offline',
    files: RUST,
    cases: {
      assertion: {
        'src/lib.rs':
          '#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        assert_eq!(1 + 1, 2);\n    }\n\n    #[test]\n    fn takes_away() {\n        assert_eq!(3 - 1, 1);\n    }\n}\n',
      },
      crash: {
        'src/lib.rs':
          '#[cfg(test)]\nmod tests {\n    #[test]\n    fn reads() {\n        let color: Option<&str> = std::env::args().find(|each| each == "color").map(|_| "red");\n        color.unwrap();\n    }\n}\n',
      },
      syntax: { 'src/lib.rs': 'pub fn sum(a: u8, b: u8) -> u8 {\n    let unused = 1;\n    a + "b"\n}\n' },
      missing: { 'src/lib.rs': 'use nothing_of_the_kind::sum;\n\npub fn two() -> u8 {\n    sum(1, 1)\n}\n' },
    },
  },
  go: {
    command: 'go test ./...',
    files: GO,
    cases: {
      assertion: {
        'sum_test.go':
          'package sums\n\nimport "testing"\n\nfunc TestSum(t *testing.T) {\n\tt.Run("adds", func(t *testing.T) {})\n\tt.Run("takes away", func(t *testing.T) {\n\t\tif got := Sum(3, -1); got != 1 {\n\t\t\tt.Errorf("got %d, want 1", got)\n\t\t}\n\t})\n}\n',
      },
      crash: {
        'sum_test.go':
          'package sums\n\nimport "testing"\n\nfunc TestReads(t *testing.T) {\n\tvar settings map[string]string\n\tsettings["color"] = "red"\n}\n',
      },
      syntax: {
        'sum_test.go':
          'package sums\n\nimport "testing"\n\nfunc TestSum(t *testing.T) {\n\tif Minus(3, 1) != 2 {\n\t\tt.Fail()\n\t}\n}\n',
      },
      missing: {
        'sum_test.go':
          'package sums\n\nimport (\n\t"testing"\n\n\t"example.com/sums/nothing"\n)\n\nfunc TestSum(t *testing.T) { nothing.Do() }\n',
      },
      verbose: {
        $command: 'go test -v ./...',
        'sum_test.go':
          'package sums\n\nimport "testing"\n\nfunc TestAdds(t *testing.T) {}\n\nfunc TestTakesAway(t *testing.T) {\n\tt.Log("begins")\n\tt.Fatalf("got %d, want 1", Sum(3, -1))\n}\n',
      },
      timeout: {
        $command: 'go test -timeout 1s ./...',
        'sum_test.go':
          'package sums\n\nimport (\n\t"testing"\n\t"time"\n)\n\nfunc TestSlow(t *testing.T) {\n\ttime.Sleep(time.Minute)\n}\n',
      },
    },
  },
  rspec: {
    command: 'rspec',
    cases: {
      assertion: {
        'spec/sum_spec.rb':
          "RSpec.describe 'Sum' do\n  it('adds') { expect(1 + 1).to eq 2 }\n\n  it 'takes away' do\n    expect(3 - 1).to eq 1\n  end\nend\n",
      },
      crash: { 'spec/sum_spec.rb': "RSpec.describe 'Sum' do\n  it 'reads' do\n    nil.color\n  end\nend\n" },
      syntax: {
        'spec/sum_spec.rb': "RSpec.describe 'Sum' do\n  it 'adds' do\n    expect(1 + ).to eq 2\n  end\nend\n",
      },
      missing: { 'spec/sum_spec.rb': "require 'nothing_of_the_kind'\n\nRSpec.describe 'Sum' do\nend\n" },
    },
  },
  phpunit: {
    command: 'phpunit --do-not-cache-result tests',
    cases: {
      assertion: {
        'tests/SumTest.php': `${PHP_HEAD}    public function testTakesAway(): void\n    {\n        $this->assertSame(1, 3 - 1);\n    }\n}\n`,
      },
      crash: {
        'tests/SumTest.php': `${PHP_HEAD}    public function testReads(): void\n    {\n        throw new RuntimeException('there is no color');\n    }\n}\n`,
      },
      syntax: { 'tests/SumTest.php': `${PHP_HEAD}    public function testBroken(: void\n    {\n    }\n}\n` },
      missing: {
        'tests/SumTest.php': `${PHP_HEAD}    public function testSum(): void\n    {\n        new Nothing\\OfTheKind();\n    }\n}\n`,
      },
    },
  },
  tsc: {
    command: 'npx tsc --noEmit --strict --skipLibCheck --types "" src/sum.ts',
    cases: {
      assertion: {
        'src/sum.ts':
          'export function sum(a: number, b: number): number {\n  return `${a}${b}`;\n}\nconst other: string = sum(1, 2);\n',
      },
      crash: { $command: 'npx tsc --noEmit --nothing-of-the-kind src/sum.ts', 'src/sum.ts': '' },
      syntax: { 'src/sum.ts': 'export const sum = ;\n' },
      missing: { 'src/sum.ts': "import { other } from './other';\nexport const sum = other;\n" },
      pretty: {
        $command: 'npx tsc --noEmit --pretty --strict --skipLibCheck --types "" src/sum.ts',
        'src/sum.ts': "export const sum: number = 'two';\n",
      },
    },
  },
  eslint: {
    command: 'npx eslint src',
    files: {
      'package.json': '{ "type": "module" }\n',
      'eslint.config.js': "export default [{ rules: { 'no-undef': 'error', 'no-var': 'warn' } }];\n",
    },
    cases: {
      assertion: { 'src/sum.js': 'var one = 1;\nexport const sum = one + two;\n' },
      crash: { 'eslint.config.js': "throw new Error('there is no configuration');\n", 'src/sum.js': '' },
      syntax: { 'src/sum.js': 'export const sum = ;\n' },
      missing: { $command: 'npx eslint nowhere', 'src/sum.js': '' },
    },
  },
  make: {
    command: 'make test',
    cases: {
      assertion: { Makefile: 'test:\n\t@echo checking the chart\n\t@echo the chart has no legend; exit 3\n' },
      crash: { Makefile: 'test:\n\t@kill -9 $$$$\n' },
      syntax: { Makefile: 'test:\n    echo no tab\n' },
      missing: { Makefile: 'test: nothing.o\n\techo done\n' },
    },
  },
  gcc: {
    command: 'make test',
    files: { Makefile: 'test: sum\n\t./sum\n\nsum: sum.c\n\tgcc -Wall -o sum sum.c\n' },
    cases: {
      assertion: {
        'sum.c': '#include <assert.h>\n\nint main(void) {\n  assert(3 - 1 == 1);\n  return 0;\n}\n',
      },
      syntax: { 'sum.c': 'int main(void) {\n  int unused;\n  return tow;\n}\n' },
      missing: { 'sum.c': '#include "nothing.h"\n\nint main(void) { return 0; }\n' },
      linker: { 'sum.c': 'int sum(int, int);\n\nint main(void) { return sum(1, 1); }\n' },
    },
  },
};

async function record(name: string, place: string, modules: string): Promise<void> {
  const { command, files = {}, cases } = RECORDINGS[name] ?? { command: 'false', cases: {} };
  for (const [kind, { $command = command, ...own }] of Object.entries(cases)) {
    const directory = join(place, `${name}-${kind}`);
    for (const [path, content] of Object.entries({ ...files, ...own })) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content);
    }
    await symlink(modules, join(directory, 'node_modules'));
    const output = await printed($command, directory);
    const text = output
      .replaceAll(directory, PROJECT)
      .replaceAll(place, '/srv')
      .replaceAll(modules, `${PROJECT}/node_modules`);
    await writeFile(join(TARGET, `${name}-${kind}.txt`), text);
    process.stdout.write(`${name}-${kind}\n`);
  }
}

/** What a command prints on both streams, in order, as a gate's. */
async function printed(command: string, cwd: string): Promise<string> {
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    LANG: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1',
    NO_COLOR: '1',
    npm_config_userconfig: '/dev/null',
    npm_config_update_notifier: 'false',
    TMPDIR: dirname(cwd),
  };
  const shell = ['--norc', '-c', `exec 2>&1; ${command}`];
  const options = { cwd, env, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 };
  return run('bash', shell, options).then(
    () => {
      throw new Error(`it passes: ${command}`);
    },
    (error: { readonly stdout?: string }) => error.stdout ?? '',
  );
}

const place = await realpath(await mkdtemp(join(tmpdir(), 'gate-outputs-')));
try {
  const modules = process.env['GATE_OUTPUT_MODULES'] ?? join(place, 'packages/node_modules');
  if (process.env['GATE_OUTPUT_MODULES'] === undefined)
    await run('npm', ['install', '--prefix', dirname(modules), '--no-audit', '--no-fund', ...PACKAGES]);
  await mkdir(TARGET, { recursive: true });
  const names = process.argv.slice(2);
  for (const name of names.length === 0 ? Object.keys(RECORDINGS) : names) await record(name, place, modules);
} finally {
  await rm(place, { recursive: true, force: true });
}
