import { describe, expect, test } from 'vitest';
import { createAgents } from '../../../src/worker/agent/agents.ts';
import { ceilingsOf } from '../../../src/config/ceilings.ts';
import { applyCeilings } from '../../../src/config/apply-ceilings.ts';
import { DEFAULT_CONFIG } from '../../../src/config/schema.ts';
import { readSettings } from '../../../src/config/settings.ts';
import { discover } from '../../../src/discovery/discovery.ts';
import { FORMATS } from '../../../src/discovery/formats/formats.ts';
import { findExcess } from '../../../src/discovery/tree-limits.ts';
import type { Unlisted } from '../../../src/discovery/tree.ts';
import { ChooError } from '../../../src/errors.ts';
import { findConflictingBranches, findHeadsInUse } from '../../../src/git/branches.ts';
import { findPreflightProblems } from '../../../src/orchestrator/preflight.ts';
import { limitProblem } from '../../../src/plan-thread/plan-thread.ts';
import { makePlan, type PlanInput } from '../../../src/plan/plan.ts';
import { readConfiguration, readProject } from '../../../src/plan/project.ts';
import type { CodeEntry } from '../../../src/problems/code-entry.ts';
import { CODE_AREAS, type ProblemCode } from '../../../src/problems/codes.ts';
import type { Problem } from '../../../src/problems/problem.ts';
import { memoryTree, planText, taskText, type TreeValue } from '../../helpers/memory-tree.ts';
import { planOf, unitFiles } from '../../helpers/plan-of.ts';

type Found = Promise<readonly (Problem | undefined)[]>;
type Files = Readonly<Record<string, TreeValue>>;

const TREE = 'specs/tasks';
const PLACE = { target: 'main', directory: '' };

/** The problems of a plan of these files. */
async function plan(files: Files, input: Partial<PlanInput> = {}): Found {
  return (await planOf(files, input)).problems.list;
}

/** The problems of one unit; its plan and its only task are good where they are not given, absent where undefined. */
async function unit(given: Readonly<Record<string, TreeValue | undefined>>, id = 'payments'): Found {
  const files = { 'IMPLEMENTATION_PLAN.md': planText(), '01-a.md': taskText(), ...given };
  const there = Object.entries(files).flatMap(([name, value]) =>
    value === undefined ? [] : [[`${TREE}/${id}/${name}`, value]],
  );
  return plan(Object.fromEntries(there) as Files);
}

/** The problems of a unit whose one task has these fields. */
async function task(fields: Readonly<Record<string, string | undefined>>, body?: string): Found {
  return unit({ '01-a.md': taskText(fields, body) });
}

/** The problems of a unit whose plan has these fields. */
async function planned(fields: Readonly<Record<string, string>>): Found {
  return unit({ 'IMPLEMENTATION_PLAN.md': planText(fields) });
}

/** The problems of a gate, as they are and with `strict_gates`. */
async function gate(backpressure: string): Found {
  const files = {
    ...unitFiles('api'),
    [`${TREE}/api/01-step.md`]: taskText({ backpressure: JSON.stringify(backpressure) }),
  };
  return [...(await plan(files)), ...(await plan({ ...files, '.choo.yml': 'strict_gates: true' }))];
}

/** The problems of a configuration beside a good unit. */
async function config(text: TreeValue): Found {
  return plan({ ...unitFiles('api'), '.choo.yml': text });
}

/** The problems of a spec directory that cannot be listed. */
async function unlisted(reason: Unlisted): Found {
  const tree = { ...memoryTree({}), list: async (wanted: readonly string[]) => wanted.map(() => reason) };
  return (await discover(tree, TREE)).problems.kept;
}

/** What is found on a machine before a run of one unit starts. The machine has no programs but those of `searchPath`. */
async function preflight(taskFile: string, provider: string, searchPath: string): Found {
  const tree = memoryTree({
    [`${TREE}/a/IMPLEMENTATION_PLAN.md`]: planText(),
    [`${TREE}/a/01-a.md`]: taskFile,
  });
  const project = await readProject(tree);
  const source = { kind: 'directory', name: 'a', commit: null } as const;
  expect(makePlan({ ...project, source }).problems.list).toEqual([]);
  return findPreflightProblems({
    planned: project.discovery.units.map(({ id, title, directory, tasks }) => ({
      id,
      title,
      directory,
      dependsOn: [],
      key: '0'.repeat(64),
      provider,
      source: 'unit',
      tasks: tasks.map(({ number, title, gate }) => ({ number, title, gate, complete: false })),
    })),
    units: new Map(project.discovery.units.map((each) => [each.id, each])),
    config: DEFAULT_CONFIG,
    place: PLACE,
    agentOf: createAgents(DEFAULT_CONFIG, searchPath),
  });
}

/** The problems of a task list of another tool. */
async function list(
  text: string,
  from: keyof typeof FORMATS = 'openspec',
  input: Partial<PlanInput> = {},
): Found {
  const path = `${FORMATS[from].standardPath}/login/tasks.md`;
  return plan({ [path]: text, '.choo.yml': `specs: { from: ${from} }\ndefault_gate: npm test\n` }, input);
}

const REHEARSED = '\n```sh rehearsal\ntrue\n```\n';

/** For each code the least that has it, and only it. */
const LEAST: Readonly<Record<ProblemCode, () => Found>> = {
  'tree-missing': async () => plan({}),
  'tree-not-a-directory': async () => unlisted('not-a-directory'),
  'tree-symlink': async () => unlisted('symlink'),
  'tree-unreadable': async () => unlisted('unreadable'),
  'tree-too-many-entries': async () => unlisted('too-many-entries'),
  // Trees of these sizes are read in discovery/hostile.test.ts.
  'tree-too-many-files': async () => [findExcess(TREE, { files: 20_001 })],
  'tree-too-large': async () => [findExcess(TREE, { bytes: 2 ** 26 + 1 })],
  'tree-too-much-front-matter': async () => [findExcess(TREE, { frontMatter: 2 ** 23 + 1 })],
  'tree-too-much-yaml': async () => [findExcess(TREE, { yaml: 2 ** 20 + 1 })],
  'tree-too-many-items': async () => [findExcess(TREE, { items: 200_001 })],
  'tree-too-slow': async () => [
    limitProblem(new ChooError('limit', 'the specs take too long to read'), TREE),
  ],

  'not-a-unit': async () => unit({ '01-a.md': undefined }),
  'unit-name': async () => unit({}, 'two words'),
  'unit-case': async () => plan({ ...unitFiles('Login'), ...unitFiles('login') }),
  'plan-name': async () => unit({ 'implementation_plan.md': planText() }),
  'task-name': async () => unit({ '2-b.md': taskText({ task: '2' }) }),
  symlink: async () =>
    plan({
      [`${TREE}/a/IMPLEMENTATION_PLAN.md`]: planText(),
      [`${TREE}/a/01-a.md`]: { symlink: true },
      [`${TREE}/b`]: { symlink: true },
    }),
  'not-a-file': async () => unit({ '02-b.md/c': '' }),
  'file-too-large': async () => unit({ '01-a.md': 'x'.repeat(2 ** 20 + 1) }),
  unreadable: async () => unit({ '01-a.md': { unreadable: true } }),
  'not-utf8': async () => unit({ '01-a.md': Uint8Array.of(0xff) }),
  'nul-byte': async () => unit({ '01-a.md': '\0' }),
  'hidden-text': async () => task({}, '<!-- and say nothing of it -->\n'),

  'format-missing': async () => config('specs: { from: kiro }'),
  'format-too-large': async () => list('- [ ] 1\n'.repeat(5_001)),
  'format-no-tasks': async () => list('# Tasks\n'),
  'format-box': async () => list('- [ ] 1 One\n- [] 2 Two\n'),
  'format-found': async () => plan({ '.kiro/specs/login/tasks.md': '- [ ] 1 One\n' }),
  'format-gate-missing': async () =>
    plan({
      'openspec/changes/login/tasks.md': '- [x] 1\n- [ ] 2\n',
      '.choo.yml': 'specs: { from: openspec }',
    }),
  'format-gates': async () =>
    plan({
      'openspec/changes/add-login/tasks.md': '- [ ] 1\n',
      'openspec/changes/choo.gates.yml': 'add-login: { 1.3: npm test, 1: [npm test] }\n',
      '.choo.yml': 'specs: { from: openspec }\ndefault_gate: npm test',
    }),
  'format-duplicate': async () => list('## 1. A\n- [ ] 1.1 One\n- [ ] 1.1 Two\n## 1. B\n- [ ] 1.2 Three\n'),
  'format-dependency-unknown': async () => list('- [ ] T001 A (depends on T002)\n', 'spec-kit'),
  'format-dependency-unread': async () => list('- [ ] T001 A (depends on it)\n', 'spec-kit'),
  'format-graph': async () => list('- [ ] 1 One\n## Task Dependency Graph\n1 -> 2\n', 'kiro'),
  'format-parallel': async () => list('- [ ] T001 [P] A\n', 'spec-kit'),
  'format-optional': async () => list('- [ ] 1 One\n- [ ]* 2 Two\n', 'kiro'),
  'format-checkpoint': async () => list('- [ ] 1 One\n- [ ] 2 Checkpoint\n', 'kiro'),

  'front-matter-missing': async () => unit({ '01-a.md': '# A task\n' }),
  'front-matter-unclosed': async () => unit({ '01-a.md': '---\ntask: 1\n' }),
  'front-matter-too-large': async () => task({ more: 'x'.repeat(2 ** 16) }),
  'front-matter-shape': async () => unit({ '01-a.md': '---\n- task\n---\n' }),
  'yaml-syntax': async () => unit({ '01-a.md': '---\ntask: 1\ntask: 1\n---\n' }),
  'field-missing': async () => task({ backpressure: undefined }),
  'field-type': async () => task({ task: 'one' }),
  'field-time': async () => planned({ orch_completed_at: 'yesterday' }),
  'field-unknown': async () => task({ statsu: 'pending', status: undefined }),
  'quoted-integer': async () => task({ task: '"1"' }),
  'scalar-list': async () =>
    plan({ ...unitFiles('a'), ...unitFiles('b'), ...planFile('b', { depends_on: 'a' }) }),
  'status-unknown': async () => task({ status: 'compleet' }),
  'gate-empty': async () => task({ backpressure: '' }),
  'gate-nul': async () => task({ backpressure: String.raw`"make \0"` }),

  'unit-name-differs': async () => planned({ unit: 'billing' }),
  'unit-not-complete': async () => planned({ orch_status: 'complete' }),
  'unit-dependency-unknown': async () => plan(unitFiles('a', { dependsOn: ['b'] })),
  'unit-cycle': async () =>
    plan({ ...unitFiles('api', { dependsOn: ['web'] }), ...unitFiles('web', { dependsOn: ['api'] }) }),
  'task-duplicate': async () => unit({ '02-b.md': taskText() }),
  'task-gap': async () => unit({ '03-c.md': taskText({ task: '3' }) }),
  'task-dependency-unknown': async () => task({ depends_on: '[7]' }),
  'task-cycle': async () => task({ depends_on: '[1]' }),

  'gate-cannot-fail': async () => gate('npm test || true'),
  'gate-loses-failure': async () => gate('npm run lint; npm test'),
  'gate-without-tests': async () => gate('jest --passWithNoTests'),
  'gate-watches': async () => gate('vitest --watch'),
  'may-change-pattern': () =>
    plan({ ...unitFiles('api'), [`${TREE}/api/01-step.md`]: taskText({ may_change: '["../x"]' }) }),
  'gate-network': async () => gate('npm ci && npm test'),
  'gate-syntax': async () => gate('npm test)'),

  'config-two-files': async () => plan({ ...unitFiles('a'), '.choo.yml': '', '.choo.yaml': '' }),
  'config-unreadable': async () => config('\0'),
  'config-yaml': async () => config('limits: ['),
  'config-shape': async () => config('- limits'),
  'config-value': async () => config('parallelism: 0'),
  'config-unknown-key': async () => config('paralelism: 2'),
  'config-legacy-key': async () => config('log_level: debug'),
  'limit-clamped': async () => {
    const configuration = await readConfiguration(memoryTree({ '.choo.yml': 'parallelism: 100' }));
    return plan(unitFiles('a'), {
      configuration: applyCeilings(configuration, ceilingsOf(readSettings({}))),
    });
  },

  'provider-unknown': async () => planned({ provider: 'clod' }),
  'provider-forbidden': async () => plan(unitFiles('a'), { allowedProviders: ['codex'] }),
  'provider-missing': async () => [
    ...(await preflight(taskText(), 'claude', '/nowhere')),
    ...(await plan(unitFiles('api'), {
      missing: new Map([['claude', { message: 'no key', hint: 'set it' }]]),
    })),
  ],
  'repository-too-large': async () => {
    const excess = 'has 299593 files and directories; choo checks out 200000 at most';
    const tree = { ...memoryTree(unitFiles('api')), excess: async () => excess };
    return (await readProject(tree)).discovery.problems.kept;
  },
  'submodules-missing': async () =>
    plan({ ...unitFiles('api'), '.gitmodules': '# x\n[submodule "lib"]\n\tpath = lib\n' }),
  'lfs-missing': async () =>
    plan({ ...unitFiles('api'), '.gitattributes': '*.png binary\n*.psd filter=lfs -text\n' }),
  'workflow-secrets': async () =>
    plan({
      ...unitFiles('api'),
      '.github/workflows/ci.yml': 'on: push\njobs: { a: { env: { K: "${{ secrets.K }}" } } }\n',
    }),
  'task-not-assignable': async () => preflight(taskText(), 'rehearsal', '/bin:/usr/bin'),

  'branch-in-the-way': async () => findConflictingBranches(['choo'], PLACE, ['a']),
  'branch-checked-out': async () => findHeadsInUse(['choo/unit/main/a'], PLACE, ['a']),
  'status-not-writable': async () =>
    preflight(
      `---\n{task: 1, backpressure: 'test -e a'} # }\n---\n${REHEARSED}`,
      'rehearsal',
      '/bin:/usr/bin',
    ),
};

function planFile(id: string, fields: Readonly<Record<string, string>>): Files {
  return { [`${TREE}/${id}/IMPLEMENTATION_PLAN.md`]: planText(fields) };
}

const entries = Object.values(CODE_AREAS).flatMap((area) => Object.entries(area)) as readonly (readonly [
  ProblemCode,
  CodeEntry,
])[];

describe('the catalogue of codes', () => {
  test.each(entries)('has %s as it is reported', async (code, { levels, example }) => {
    const found = (await LEAST[code]()).filter((problem) => problem !== undefined);
    expect(new Set(found.map((problem) => problem.code))).toEqual(new Set([code]));
    expect(new Set(found.map(({ severity }) => severity))).toEqual(new Set(levels));
    expect([undefined, ...found.map(({ message }) => message)]).toContain(example);
  });

  test('names a code once', () => {
    expect(entries.map(([code]) => code)).toEqual([...new Set(entries.map(([code]) => code))]);
  });

  test('speaks in sentences', () => {
    const texts = entries.flatMap(([, { meaning, cure }]) => [meaning, cure]);
    expect(texts.filter((text) => !/^[`A-Za-z].*\.$/.test(text))).toEqual([]);
  });
});
