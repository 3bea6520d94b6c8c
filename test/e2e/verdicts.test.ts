import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HAS_INOTIFYWAIT, SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject, type RunOutcome, type SpecProject, type UnitSpec } from '../helpers/spec-project.ts';

/** What a linter of the repository refuses, what set-up installs, and what it fetches by a list. */
const FILES = {
  '.gitignore': 'node_modules\ncache\n',
  'lint.sh': 'test ! -e bad.txt\n',
  'strict.sh': 'test ! -e bad.txt && test ! -e bad2.txt\n',
  'fetch.sh':
    'mkdir -p node_modules; cp strict.sh node_modules/lint.sh; for each in $(cat tools.list); do touch node_modules/$each; done\n',
  'tools.list': 'one\n',
  'judge.sh': 'while read -r rule; do test "$rule" = none || test -e "$rule" || exit 1; done < rules.txt\n',
  'rules.txt': 'judged\nlinted\n',
};
const CONFIG = `parallelism: 3
limits: { attempts: 2 }
worktree:
  setup: [{ command: sh fetch.sh, inputs: [strict.sh, fetch.sh, tools.list] }]
baseline_checks:
  - { name: lint, command: sh lint.sh }
  - { name: installed, command: sh node_modules/lint.sh }
`;

/** Ways to prepare one verdict while another one is given, with the failure that each ends in; null: none. */
const UNITS: Readonly<Record<string, readonly [failure: string | null, unit: UnitSpec]>> = {
  honest: [null, { tasks: [{ gate: 'test -e node_modules/one && test -e honest', sh: 'touch honest' }] }],
  'the linter, by who repairs what it found': [
    'baseline',
    { sh: 'echo true > lint.sh', tasks: [{ gate: 'test -e bad.txt', sh: 'touch bad.txt' }] },
  ],
  'the linter that set-up installed': [
    'verify',
    {
      tasks: [
        {
          gate: 'test -e other.txt',
          sh: 'touch other.txt bad2.txt; echo true > node_modules/lint.sh',
        },
      ],
    },
  ],
  'a file that the gate before it wrote': [
    'verify',
    {
      tasks: [
        { gate: 'sh first.sh', sh: 'echo "mkdir -p cache; echo ok > cache/verdict" > first.sh' },
        { gate: 'grep -qx ok cache/verdict', sh: 'true' },
      ],
    },
  ],
  'the script of set-up': [
    'attempts',
    {
      tasks: [
        {
          gate: 'test -e node_modules/two',
          sh: 'echo "mkdir -p node_modules; touch node_modules/two" > fetch.sh',
        },
      ],
    },
  ],
  'the list that the script of set-up reads': [
    'attempts',
    { tasks: [{ gate: 'test -e node_modules/two', sh: 'echo two > tools.list' }] },
  ],
};

/** A gate whose script reads a file that no list knows. */
const OPENED: UnitSpec = {
  tasks: [{ gate: 'sh judge.sh', sh: 'r=rules; echo none > $r.txt; touch judged; mkdir src; touch src/a' }],
};

const idOf = (name: string): string => name.replaceAll(/[^a-z]+/g, '-');
const endOf = ({ events }: RunOutcome, unit: string) =>
  events.findLast(
    (event) => event['unit'] === unit && /^unit\.(?:failed|completed)$/.test(String(event['type'])),
  );

describe.each(SANDBOXES)('each verdict stands by itself (%s)', (sandbox) => {
  let project: SpecProject;
  let run: RunOutcome;
  beforeAll(async () => {
    const units = Object.fromEntries(Object.entries(UNITS).map(([name, [, unit]]) => [idOf(name), unit]));
    units['opened'] = OPENED;
    project = await makeProject({ units, files: FILES, config: CONFIG }, { sandbox });
    run = await project.run();
  }, 240_000);
  afterAll(async () => project[Symbol.asyncDispose]());

  test.each(Object.entries(UNITS))('nobody prepares %s', (name, [failure]) => {
    expect(endOf(run, idOf(name))).toMatchObject(
      failure === null ? { type: 'unit.completed', verified: true } : { type: 'unit.failed', failure },
    );
  });

  test('a file that a gate opened and the work changed is told, whatever its name', () => {
    const compared = run.events.find(({ type, unit }) => type === 'judge.compared' && unit === 'opened');
    expect(compared).toMatchObject(
      sandbox === 'host'
        ? { changes: [], openedUnknown: 'it ran without a sandbox' }
        : { changes: [], ...(HAS_INOTIFYWAIT ? { opened: ['rules.txt'] } : {}) },
    );
  });

  test('a check runs after the tasks, and again in verify', () => {
    const phases = run.events
      .filter(({ type, unit, name }) => type === 'baseline.ok' && unit === 'honest' && name === 'installed')
      .map(({ phase }) => phase);
    expect(phases).toEqual([undefined, 'verify']);
  });
});
