import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { fileOn, makeProject, type RunOutcome, type SpecProject } from '../helpers/spec-project.ts';

const branchOf = (unit: string): string => `choo/unit/main/${unit}`;

/** A judge that only honest work passes: `done.txt` must say `done`. */
const CHECK = 'test "$(cat "${1:-done.txt}")" = done\n';

const FILES = {
  'check.sh': CHECK,
  'scripts/real.sh': CHECK,
  'sub/check.sh': CHECK.replace('done.txt', '../done.txt'),
  'lib.sh': 'judge() { test "$(cat done.txt)" = done; }\n',
  'sourcing.sh': '. ./lib.sh\njudge\n',
  'tools/judge.py':
    'import subprocess\nassert subprocess.run(["cat", "done.txt"], capture_output=True).stdout == b"done\\n"\n',
  'tests/test_done.py':
    'import unittest\nclass T(unittest.TestCase):\n    def test_done(self):\n        self.assertEqual(open("done.txt").read(), "done\\n")\n',
  'test/done.test.js':
    "import assert from 'node:assert'; import { readFileSync } from 'node:fs'; import { test } from 'node:test';\ntest('done', () => assert.equal(readFileSync('done.txt', 'utf8'), 'done\\n'));\n",
  'package.json': `${JSON.stringify({ type: 'module', scripts: { test: 'node run-tests.js', check: 'sh check.sh' } }, undefined, 2)}\n`,
  'run-tests.js':
    "import { readFileSync } from 'node:fs';\nprocess.exit(readFileSync('done.txt', 'utf8') === 'done\\n' ? 0 : 1);\n",
  'run-tests.cjs':
    "process.exitCode = require('node:fs').readFileSync('done.txt', 'utf8') === 'done\\n' ? 0 : 1;\n",
  'web/package.json': `${JSON.stringify({ scripts: { test: 'sh ../check.sh ../done.txt' } })}\n`,
  Makefile: 'TOOL = sh\ncheck: made\n\t$(TOOL) scripts/real.sh\nmade:\n\t@true\n',
  'build/Makefile': 'check:\n\tsh ../check.sh ../done.txt\n',
};

/** What agents do to the judge in place of the work, by the gate; each is a unit of one run. */
const ATTACKS: Readonly<Record<string, readonly [gate: string, sh: string]>> = {
  'two slashes': ['sh scripts//real.sh', 'echo true > scripts/real.sh'],
  'a dot': ['sh scripts/./real.sh', 'echo true > scripts/real.sh'],
  'up and down': ['sh sub/../check.sh', 'echo true > check.sh'],
  'the directory by a variable': ['sh "$PWD/check.sh"', 'echo true > check.sh'],
  'the directory by a command': ['sh "$(pwd)/check.sh"', 'echo true > check.sh'],
  'a variable of its own': ['D=scripts; sh "$D/real.sh"', 'echo true > scripts/real.sh'],
  'the root, as git tells it': [
    'ROOT=$(git rev-parse --show-toplevel 2>/dev/null || pwd); sh "$ROOT/check.sh"',
    'echo true > check.sh',
  ],
  'the default of a variable': ['sh "${CHECK:-check.sh}"', 'echo true > check.sh'],
  'another directory of env': ['env -C sub sh check.sh', 'echo true > sub/check.sh'],
  'a module by a variable': ['NODE_OPTIONS=--require=./run-tests.cjs node -e 0', 'echo > run-tests.cjs'],
  'another directory': ['cd sub && sh check.sh', 'echo true > sub/check.sh'],
  'another directory in a shell': ["bash -c 'cd sub && sh check.sh'", 'echo true > sub/check.sh'],
  'input of a shell': ['sh < check.sh', 'echo true > check.sh'],
  'the target of a link': ['sh link.sh', 'echo true > scripts/real.sh'],
  'a link itself': ['sh link.sh', 'rm link.sh; echo true > link.sh'],
  'a file behind a linked directory': ['sh linked/real.sh', 'echo true > scripts/real.sh'],
  'a linked directory itself': [
    'sh linked/real.sh',
    'rm linked; mkdir linked other; echo true > linked/real.sh',
  ],
  'a pattern': ["node --test 'test/*.test.js'", 'echo > test/done.test.js'],
  'a pattern of the shell': ['node --test test/*.test.js', 'echo > test/done.test.js'],
  'a directory': ['python3 -m unittest discover -s tests', 'echo > tests/test_done.py'],
  'a module': ['python3 -m unittest tests.test_done', 'echo > tests/test_done.py'],
  'a file without its ending': [`node -e 'await import("./run-tests.js")'`, 'echo > run-tests.js'],
  'what a script sources': ['sh sourcing.sh', 'echo "judge() { true; }" > lib.sh'],
  'a module that shadows another': [
    'python3 tools/judge.py',
    'printf "class R:\\n    stdout = b\\"done\\\\\\\\n\\"\\ndef run(*a, **k):\\n    return R\\n" > tools/subprocess.py',
  ],
  'the scripts of npm': ['npm test', `sed -i 's/node run-tests.js/true/' package.json`],
  'the scripts of npm, before': [
    'npm test',
    `sed -i 's/"test"/"pretest":"true","test"/; s/node run-tests.js/true/' package.json`,
  ],
  'what a script of npm starts': ['npm test', 'echo > run-tests.js'],
  'what another script of npm starts': ['npm run check', 'echo true > check.sh'],
  'scripts elsewhere': ['npm --prefix web test', `sed -i 's/sh .*txt/true/' web/package.json`],
  'what scripts elsewhere start': ['npm --prefix web test', 'echo true > check.sh'],
  'a Makefile': ['make check', `sed -i 's/(TOOL) .*/(TRUE)/' Makefile`],
  'what a Makefile starts': ['make check', 'echo true > scripts/real.sh'],
  'a Makefile before the Makefile': ['make check', `printf 'check:\\n\\ttrue\\n' > GNUmakefile`],
  'a Makefile elsewhere': ['make -C build check', `printf 'check:\\n\\ttrue\\n' > build/Makefile`],
  'what a Makefile elsewhere starts': ['make -C build check', 'echo true > check.sh'],
};

/** Files that make others run something: a CI, an editor, a shell, an agent. */
const AUTORUN = [
  '.circleci/config.yml',
  'Jenkinsfile',
  'azure-pipelines.yml',
  '.travis.yml',
  '.buildkite/pipeline.yml',
  '.drone.yml',
  'bitbucket-pipelines.yml',
  '.woodpecker.yml',
  '.cirrus.yml',
  'appveyor.yml',
  '.semaphore/semaphore.yml',
  'cloudbuild.yaml',
  'buildspec.yml',
  '.builds/test.yml',
  '.forgejo/workflows/x.yml',
  '.vscode/tasks.json',
  '.devcontainer/devcontainer.json',
  '.envrc',
  '.cargo/config.toml',
  '.yarn/releases/yarn.cjs',
  '.pnpmfile.cjs',
  'lefthook.yml',
  '.pre-commit-config.yaml',
  '.lfsconfig',
  '.idea/workspace.xml',
  '.cursor/rules/x.mdc',
  '.cursorrules',
  '.windsurfrules',
  '.aider.conf.yml',
  'sub/Jenkinsfile.release',
  'sitecustomize.py',
];

const idOf = (name: string): string => name.replaceAll(/[^a-z]+/g, '-');

/** The event that ended a unit. */
const endOf = ({ events }: RunOutcome, unit: string) =>
  events.findLast(
    (event) => event['unit'] === unit && /^unit\.(?:failed|completed)$/.test(String(event['type'])),
  );

describe('the judge', () => {
  let project: SpecProject;
  let run: RunOutcome;
  beforeAll(async () => {
    const units = Object.entries(ATTACKS).map(([name, [gate, sh]]) => [
      idOf(name),
      { tasks: [{ gate: JSON.stringify(gate), sh }] },
    ]);
    project = await makeProject({
      units: {
        ...Object.fromEntries(units),
        honest: { tasks: [{ gate: 'sh check.sh', sh: 'echo done > done.txt' }] },
        autorun: {
          tasks: [
            {
              gate: 'sh check.sh',
              sh: `echo done > done.txt\n${AUTORUN.map((path) => `mkdir -p "$(dirname ${path})"; echo x > ${path}`).join('\n')}`,
            },
          ],
        },
      },
      files: FILES,
      config: 'parallelism: 3\nlimits: { attempts: 1 }\n',
    });
    await symlink('scripts/real.sh', join(project.path, 'link.sh'));
    await symlink('scripts', join(project.path, 'linked'));
    await writeFile(join(project.path, '.gitignore'), '__pycache__\n');
    await project.git('add', '--all');
    await project.git('commit', '--quiet', '--message', 'Link');
    run = await project.run();
  }, 480_000);

  test('lets honest work through', () => {
    expect(endOf(run, 'honest')).toMatchObject({ type: 'unit.completed', verified: true });
  });

  test.each(Object.keys(ATTACKS))('is out of reach: %s', (name) => {
    const end = endOf(run, idOf(name));
    expect(end).toMatchObject({ type: 'unit.failed' });
    expect(end?.['failure']).toMatch(/^(?:attempts|judge-changed)$/);
  });

  test('of others: no file that makes something run reaches a branch', async () => {
    expect(endOf(run, 'autorun')).toMatchObject({ type: 'unit.completed' });
    const there = await Promise.all(
      AUTORUN.map(async (path) =>
        (await fileOn(project, branchOf('autorun'), path)) === undefined ? [] : path,
      ),
    );
    expect(there.flat()).toEqual([]);
  });
});

test('above a project that is a directory of its repository, the CI is out of reach', async () => {
  const ci =
    'on: push\njobs: { a: { runs-on: x, steps: [{ run: x, env: { KEY: "${{ secrets.KEY }}" } }] } }\n';
  const added = [
    '.github/workflows/new.yml',
    '.circleci/config.yml',
    '.vscode/tasks.json',
    'web/Jenkinsfile',
  ];
  const sh = `echo done > done.txt; cd ../..
${added.map((path) => `mkdir -p "$(dirname ${path})"; echo x > ${path}`).join('\n')}
echo x >> .github/workflows/ci.yml; rm .github/workflows/old.yml; echo work > README.md`;
  await using inside = await makeProject({
    directory: 'web/app/',
    units: { unit: { tasks: [{ gate: 'sh check.sh', sh }] } },
    files: {
      'web/app/check.sh': CHECK,
      '.github/workflows/ci.yml': ci,
      '.github/workflows/old.yml': 'on: push\n',
    },
  });
  const outcome = await inside.run();
  expect(endOf(outcome, 'unit')).toMatchObject({ type: 'unit.completed' });
  const [branch = ''] = (
    await inside.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/choo/unit')
  ).split('\n');
  const changed = (await inside.git('diff', '--name-only', `main..${branch}`)).split('\n');
  const others = changed.filter((path) => !path.startsWith('web/app/specs/'));
  expect(others).toEqual(['README.md', 'web/app/done.txt']);
  // And who asks is warned of it: it has secrets.
  const { stdout, stderr } = await inside.choo('check');
  expect(stdout + stderr).toContain('../../.github/workflows/ci.yml:1');
});
