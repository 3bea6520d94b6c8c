import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Config, configSchema } from '../../../src/config/schema.ts';
import { discover } from '../../../src/discovery/discovery.ts';
import { setField } from '../../../src/discovery/front-matter-edit.ts';
import { unitKeys } from '../../../src/plan/key.ts';
import { memoryTree, planText, taskText } from '../../helpers/memory-tree.ts';

type Files = Readonly<Record<string, string>>;

/** `base` <- `api` <- `web`, and `other` beside them. */
const WORLD: Files = {
  'base/IMPLEMENTATION_PLAN.md': planText(),
  'base/01-x.md': taskText({}, '# Base\n\nDo it.\n'),
  'api/IMPLEMENTATION_PLAN.md': planText({ unit: 'api', depends_on: '[base]' }),
  'api/01-x.md': taskText({ backpressure: '"make test"' }),
  'api/02-y.md': taskText({ task: '2', depends_on: '[1]' }),
  'web/IMPLEMENTATION_PLAN.md': planText({ depends_on: '[api]' }),
  'web/01-x.md': taskText(),
  'other/IMPLEMENTATION_PLAN.md': planText(),
  'other/01-x.md': taskText(),
};

const CONFIG: Config = configSchema.parse({});

async function keys(
  files: Files,
  config = CONFIG,
  { root = 'specs/tasks', directory = '' } = {},
): Promise<Record<string, string>> {
  const tree = memoryTree(
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`${root}/${path}`, text])),
  );
  const { units, problems } = await discover(tree, root);
  expect(problems.counts.error).toBe(0);
  return Object.fromEntries(unitKeys(units, config, directory));
}

/** The units whose key differs between two worlds. */
async function changed(after: Files, config = CONFIG): Promise<string[]> {
  const [a, b] = [await keys(WORLD), await keys(after, config)];
  return Object.keys(a)
    .filter((id) => a[id] !== b[id])
    .sort();
}

function edit(path: string, change: (text: string) => string): Files {
  return { ...WORLD, [path]: change(WORLD[path] ?? '') };
}

describe('the key of a unit', () => {
  test('is 64 hexadecimal digits and differs between units', async () => {
    const all = Object.values(await keys(WORLD));
    expect(new Set(all).size).toBe(4);
    for (const key of all) expect(key).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is another one in each directory of a repository', async () => {
    const all = await Promise.all(
      ['', 'a/', 'a/b/'].map(async (directory) => keys(WORLD, CONFIG, { directory })),
    );
    expect(new Set(all.flatMap((each) => Object.values(each))).size).toBe(12);
  });

  test('does not depend on where the tree stands or how its units are listed', async () => {
    expect(await keys(WORLD, CONFIG, { root: 'plans' })).toEqual(await keys(WORLD));
    expect(await keys(Object.fromEntries(Object.entries(WORLD).toReversed()))).toEqual(await keys(WORLD));
  });

  test.each([
    [
      'a word in a task',
      'base/01-x.md',
      (text: string) => text.replace('Do it', 'Do it well'),
      ['api', 'base', 'web'],
    ],
    [
      'one letter of a task',
      'other/01-x.md',
      (text: string) => text.replace('# A task', '# A tusk'),
      ['other'],
    ],
    ['a gate', 'api/01-x.md', (text: string) => text.replace('make test', 'make tests'), ['api', 'web']],
    [
      'the quotes of a gate',
      'api/01-x.md',
      (text: string) => text.replace('"make test"', 'make test'),
      ['api', 'web'],
    ],
    ['a task dependency', 'api/02-y.md', (text: string) => text.replace('[1]', '[]'), ['api', 'web']],
    ['a word in the plan', 'web/IMPLEMENTATION_PLAN.md', (text: string) => `${text}more\n`, ['web']],
    [
      'a field choo does not know',
      'other/01-x.md',
      (text: string) => text.replace('task: 1', 'task: 1\nowner: me'),
      ['other'],
    ],
    [
      'a dependency',
      'web/IMPLEMENTATION_PLAN.md',
      (text: string) => text.replace('[api]', '[api, other]'),
      ['web'],
    ],
    ['the end of the last line', 'other/01-x.md', (text: string) => text.trimEnd(), ['other']],
  ])(
    'changes with %s, and so do those of its descendants and no others',
    async (_, path, change, expected) => {
      expect(await changed(edit(path, change))).toEqual(expected);
    },
  );

  test('changes with a new, a renamed and a removed task', async () => {
    expect(await changed({ ...WORLD, 'other/02-y.md': taskText({ task: '2' }) })).toEqual(['other']);
    const { 'api/02-y.md': second = '', ...rest } = WORLD;
    expect(await changed({ ...rest, 'api/02-z.md': second })).toEqual(['api', 'web']);
    expect(await changed(rest)).toEqual(['api', 'web']);
  });

  test.each([
    ['setup', { worktree: { setup: [{ command: 'npm ci' }] } }, ['api', 'base', 'other', 'web']],
    ['env', { env: { TZ: 'UTC' } }, ['api', 'base', 'other', 'web']],
    [
      'baseline checks',
      { baseline_checks: [{ name: 'lint', command: 'npm run lint' }] },
      ['api', 'base', 'other', 'web'],
    ],
    [
      'teardown, limits and parallelism',
      { worktree: { teardown: [{ command: 'x' }] }, parallelism: 9, limits: { attempts: 9 } },
      [],
    ],
  ])('and the configuration of %s', async (_, config, expected) => {
    expect(await changed(WORLD, configSchema.parse(config))).toEqual(expected);
  });

  test('stays the same whatever choo writes into the files', async () => {
    const progress = fc.record({
      path: fc.constantFrom(...Object.keys(WORLD)),
      status: fc.constantFrom('pending', 'in_progress', 'complete', 'failed'),
      branch: fc.constantFrom('choo/unit/main/api', 'x'),
      end: fc.constantFrom('\n', '\r\n'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(progress, { maxLength: 8 }), async (writes) => {
        const files: Record<string, string> = { ...WORLD };
        for (const { path, status, branch } of writes) {
          const text = files[path] ?? '';
          files[path] = path.endsWith('PLAN.md')
            ? setField(setField(text, 'orch_status', status), 'orch_branch', branch)
            : setField(text, 'status', status);
        }
        expect(await changed(files)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test('of a chain of 5,000 units is found without recursion', async () => {
    const chain = Object.assign(
      {},
      ...Array.from({ length: 5_000 }, (_, i) => ({
        [`u${i}/IMPLEMENTATION_PLAN.md`]: planText({ depends_on: i === 4_999 ? '[]' : `[u${i + 1}]` }),
        [`u${i}/01-x.md`]: taskText(),
      })),
    );
    expect(Object.keys(await keys(chain))).toHaveLength(5_000);
  });
});
