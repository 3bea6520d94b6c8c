import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DiscoveryCache } from '../../../src/discovery/discovery-cache.ts';
import { discover, type Discovery } from '../../../src/discovery/discovery.ts';
import { MAX_PROBLEMS } from '../../../src/problems/problem.ts';
import { cpuMs } from '../../helpers/cpu-time.ts';
import { memoryTree, planText, taskText, type TreeValue } from '../../helpers/memory-tree.ts';

async function read(files: Readonly<Record<string, TreeValue>>): Promise<Discovery> {
  return discover(
    memoryTree(Object.fromEntries(Object.entries(files).map(([path, value]) => [`specs/${path}`, value]))),
    'specs',
  );
}

function codes({ problems }: Discovery): string[] {
  return problems.kept.map((problem) => problem.code);
}

function unit(
  name: string,
  task: TreeValue = taskText(),
  plan: TreeValue = planText(),
): Record<string, TreeValue> {
  return { [`${name}/IMPLEMENTATION_PLAN.md`]: plan, [`${name}/01-x.md`]: task };
}

describe('hostile files', () => {
  test('larger than 1 MiB are not read', async () => {
    const found = await read({ ...unit('a', taskText({}, 'x'.repeat(1024 * 1024))), ...unit('good') });
    expect(codes(found)).toEqual(['file-too-large']);
    expect(found.units.map(({ id }) => id)).toEqual(['good']);
  });

  test('that are not UTF-8, or hold a NUL byte, are errors at their place', async () => {
    const broken = Buffer.concat([Buffer.from(taskText({}, '# T\n\nbad: ')), Buffer.from([0xff, 0xfe])]);
    const found = await read({ ...unit('a', broken), ...unit('b', taskText({}, '# T\n\u0000\n')) });
    expect(found.problems.kept).toMatchObject([
      { code: 'not-utf8', file: 'specs/a/01-x.md', line: 10, column: 6 },
      { code: 'nul-byte', file: 'specs/b/01-x.md', line: 9, column: 1 },
    ]);
  });

  test('that are symbolic links are errors; a linked directory is only a warning', async () => {
    const found = await read({ ...unit('a', { symlink: true }), ...unit('good'), linked: { symlink: true } });
    expect(found.problems.kept).toMatchObject([
      { severity: 'error', code: 'symlink', file: 'specs/a/01-x.md' },
      { severity: 'warning', code: 'symlink', file: 'specs/linked' },
    ]);
  });

  test('that vanish while they are read are errors', async () => {
    expect(codes(await read(unit('a', { unreadable: true })))).toEqual(['unreadable']);
  });

  test('with a YAML alias bomb are refused without expanding it', async () => {
    const lines = [
      'a: &a [x, x]',
      ...Array.from(
        { length: 30 },
        (_, i) => `a${i}: &a${i} [*a${i - 1 < 0 ? '' : i - 1}, *a${i - 1 < 0 ? '' : i - 1}]`,
      ),
    ];
    const found = await read(
      unit('a', `---\ntask: 1\nbackpressure: x\ndepends_on: *a29\n${lines.join('\n')}\n---\n`),
    );
    expect(codes(found)).toContain('field-type');
  });

  test.each([
    ['a value', `title: a${' '.repeat(60_000)}b`],
    ['a value with a comment', `title: a${' '.repeat(60_000)}#${' '.repeat(3_000)}b`],
    ['an item of a list', `depends_on:\n  - a${' '.repeat(60_000)}b`],
    ['an item far to the right', `depends_on:\n${' '.repeat(30_000)}- a${' '.repeat(30_000)}b`],
  ])(
    'with 60,000 blanks in %s take no time',
    async (_, line) => {
      const files = unit('a', `---\ntask: 1\nbackpressure: x\n${line}\n---\n`);
      expect(await cpuMs(async () => read(files))).toBeLessThan(200);
    },
    60_000,
  );

  test.each([
    ['brackets', '['.repeat(10_000)],
    ['braces', '{a: '.repeat(10_000)],
    ['dashes', '- '.repeat(10_000)],
    ['lines of brackets', '[\n'.repeat(10_000)],
    ['question marks', '? '.repeat(10_000)],
  ])('nested 10,000 deep in %s are refused before the test times out', async (_, yaml) => {
    const found = await read(unit('a', `---\ntask: 1\nbackpressure: x\ndepends_on: ${yaml}\n---\n`));
    expect(found.problems.counts.error).toBeGreaterThan(0);
  });

  test.each([
    ['a line of blanks after a heading mark', `# a${' '.repeat(1_000_000)}x`],
    [
      'backtick runs of every length',
      Array.from({ length: 1_400 }, (_, i) => '`'.repeat(i + 1)).join(' ') + '<!--',
    ],
    ['a million comment openings', '<!--'.repeat(250_000)],
    ['comment openings in spans', '`<!--`'.repeat(170_000)],
    ['a million zero-width spaces', '\u200B'.repeat(340_000)],
    ['unclosed fences', '```\n'.repeat(250_000)],
  ])('whose body is %s are read before the test times out', async (_, body) => {
    expect((await read(unit('a', taskText({}, body)))).units).toHaveLength(1);
  });
});

describe('hostile trees', () => {
  test('with more than 20,000 files give one error, and nothing of them is read', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 4_100 }, (_, i) =>
        [1, 2, 3, 4, 5].map((j) => [`u${i}/0${j}-x.md`, taskText()]),
      ).flat(),
    );
    const found = await read(files);
    expect(codes(found)).toEqual(['tree-too-many-files']);
  });

  test('with more than 64 MiB give one error', async () => {
    const body = taskText({}, 'x'.repeat(1_000_000));
    const found = await read(Object.assign({}, ...Array.from({ length: 68 }, (_, i) => unit(`u${i}`, body))));
    expect(codes(found)).toEqual(['tree-too-large']);
  });

  test('with more than 8 MiB of front matter give one error', async () => {
    const task = `---\n${'# x\n'.repeat(60_000)}---\n`;
    const found = await read(Object.assign({}, ...Array.from({ length: 40 }, (_, i) => unit(`u${i}`, task))));
    expect(codes(found)).toEqual(['tree-too-much-front-matter']);
  });

  test('with more than 1 MiB for the YAML parser give one error', async () => {
    const task = `---\ntask: 1\nbackpressure: >\n${'  word\n'.repeat(2_000)}---\n`;
    const found = await read(Object.assign({}, ...Array.from({ length: 80 }, (_, i) => unit(`u${i}`, task))));
    expect(codes(found)).toEqual(['tree-too-much-yaml']);
  });

  test.each([
    ['plain lines', `---\n${'# c\n'.repeat(16_000)}a: 1\n---\n`, 150],
    ['YAML', `---\n# é\n# ${'c'.repeat(10_000)}\na: 1\n---\n`, 120],
  ])('have the same limits whether they were partly read before or not: %s', async (_, plan, units) => {
    const files = (count: number): Record<string, TreeValue> =>
      Object.assign(
        {},
        ...Array.from({ length: count }, (_, i) =>
          Object.fromEntries(
            Object.entries(unit(`u${i}`, taskText(), plan)).map(([path, text]) => [`specs/${path}`, text]),
          ),
        ),
      );
    const cache = new DiscoveryCache();
    await discover(memoryTree(files(units - 40)), 'specs', cache);
    const warm = await discover(memoryTree(files(units)), 'specs', cache);
    expect(warm).toEqual(await discover(memoryTree(files(units)), 'specs'));
    expect(warm.units).toEqual([]);
  });

  test('with thousands of units in one dense ring are answered before the test times out', async () => {
    const [layers, width] = [192, 26];
    const tree = Array.from({ length: layers * width }, (_, i) => {
      const next = Array.from(
        { length: width },
        (_, j) => `u${((Math.floor(i / width) + 1) % layers) * width + j}`,
      );
      return unit(`u${i}`, taskText(), planText({ depends_on: `[${next.join(', ')}]` }));
    });
    const found = await read(Object.assign({}, ...tree));
    expect(codes(found)).toEqual(['unit-cycle']);
    expect(found.problems.kept[0]?.message.split(' -> ')).toHaveLength(layers + 1);
  });

  test('keep at most 1,000 problems, errors first, and count the rest', async () => {
    const noisy = taskText({ task: '"1"', status: 'nope' }, '<!-- a -->\n<!-- b -->\n<!-- c -->\n');
    const found = await read(
      Object.assign({}, ...Array.from({ length: 600 }, (_, i) => unit(`u${i}`, noisy))),
    );
    expect(found.problems.counts).toEqual({ error: 600, warning: 1_800, notice: 600 });
    expect(found.problems.kept).toHaveLength(MAX_PROBLEMS);
    expect(found.problems.kept.filter(({ severity }) => severity === 'error')).toHaveLength(600);
    expect(found.problems.dropped).toBe(2_000);
  });

  test('with 5,000 units in one cycle give one error with the whole cycle', async () => {
    const found = await read(
      Object.assign(
        {},
        ...Array.from({ length: 5_000 }, (_, i) =>
          unit(`u${i}`, taskText(), planText({ depends_on: `[u${(i + 1) % 5_000}]` })),
        ),
      ),
    );
    expect(codes(found)).toEqual(['unit-cycle']);
    expect(found.problems.kept[0]?.message.split(' -> ')).toHaveLength(5_001);
  });

  test('with 5,000 units that all name units that do not exist are answered before the test times out', async () => {
    const found = await read(
      Object.assign(
        {},
        ...Array.from({ length: 5_000 }, (_, i) =>
          unit(`unit-number-${i}`, taskText(), planText({ depends_on: `[unit-numbre-${i}, other-${i}]` })),
        ),
      ),
    );
    expect(found.problems.counts.error).toBe(10_000);
  });

  test('with more dependencies than anything should walk give one error', async () => {
    const names = Array.from({ length: 500 }, (_, i) => `u${i}`);
    const found = await read(
      Object.assign(
        {},
        ...names.map((name) => unit(name, taskText(), planText({ depends_on: `[${names.join(', ')}]` }))),
      ),
    );
    expect(codes(found)).toEqual(['tree-too-many-items']);
    expect(found.units).toEqual([]);
  });

  test('with tens of thousands of unknown task numbers in each file list a hundred of them and count the rest', async () => {
    const numbers = Array.from({ length: 4_900 }, (_, number) => number + 2).join(', ');
    const found = await read(
      Object.assign(
        {},
        ...Array.from({ length: 20 }, (_, i) => unit(`u${i}`, taskText({ depends_on: `[${numbers}]` }))),
      ),
    );
    expect(found.problems.counts.error).toBe(2_000);
    expect(found.problems.kept[99]?.message).toBe(
      'the unit has no task 101, and 4800 more like it in this file',
    );
  });

  test('with a list longer than any field can mean do not keep it', async () => {
    const numbers = Array.from({ length: 5_001 }, () => '1').join(', ');
    for (const list of [`[${numbers}]`, `[${numbers}] # for the YAML parser`]) {
      const found = await read(unit('a', taskText({ depends_on: list })));
      expect(found.problems.kept).toMatchObject([
        { code: 'field-type', got: 'a list of more than 5000 items' },
      ]);
    }
  });

  test('with thousands of fields in a file do not keep them', async () => {
    const fields = Array.from({ length: 1_001 }, (_, field) => `f${field}: 1`).join('\n');
    const found = await read(unit('a', `---\ntask: 1\nbackpressure: x\n${fields}\n---\n`));
    expect(codes(found)).toEqual(['front-matter-too-large']);
  });

  test('without a spec tree say how to begin', async () => {
    expect((await discover(memoryTree({ 'README.md': 'x' }), 'specs/tasks')).problems.kept).toMatchObject([
      { code: 'tree-missing', file: 'specs/tasks' },
    ]);
  });
});

describe('any input', () => {
  const goodTask = taskText({ depends_on: '[1]' }, '# T\n\n```sh\nx\n```\n\n<!-- c -->\n');
  const mutated = fc
    .tuple(
      fc.constantFrom(
        goodTask,
        planText({ unit: 'a', depends_on: '[b, c]', provider: 'codex', orch_status: 'complete' }),
      ),
      fc.array(
        fc.tuple(
          fc.nat(200),
          fc.nat(12),
          fc.string({
            unit: fc.constantFrom(...'-:#[]{}&*!|>%@`"\'\n\r\t \u0000\u200B\uFEFFa1é🦉'),
            maxLength: 6,
          }),
        ),
        { maxLength: 4 },
      ),
    )
    .map(([text, edits]) =>
      edits.reduce(
        (before, [at, cut, insert]) => before.slice(0, at) + insert + before.slice(at + cut),
        text,
      ),
    );
  const file = fc.oneof(
    { weight: 6, arbitrary: mutated.map((text): TreeValue => text) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }).map((text): TreeValue => text) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes): TreeValue => bytes) },
  );
  const name = fc.oneof(
    fc.constantFrom('IMPLEMENTATION_PLAN.md', '01-a.md', '02-b.md', '03-c.md'),
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 }).filter((text) => !text.includes('/')),
  );
  const tree = fc.dictionary(
    fc.tuple(fc.constantFrom('a', 'b', 'c', 'A', '-x', 'é'), name).map((parts) => parts.join('/')),
    file,
    { maxKeys: 12 },
  );

  test('is read without throwing; every problem has a place in a file of the tree, and only fit units come out', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (files) => {
        const found = await read(files);
        for (const problem of found.problems.kept) {
          const path = problem.file.slice('specs/'.length);
          const value = files[path];
          const lines = typeof value === 'string' ? value.split('\n').length : Number.POSITIVE_INFINITY;
          expect(problem.line).toBeGreaterThanOrEqual(1);
          expect(problem.line).toBeLessThanOrEqual(lines);
          expect(problem.column).toBeGreaterThanOrEqual(1);
          expect(
            [...Object.keys(files), ...Object.keys(files).map((key) => key.split('/')[0]), ''].includes(path),
          ).toBe(true);
        }
        const known = new Set([...found.units, ...found.broken].map(({ id }) => id));
        for (const { id, tasks, dependsOn } of found.units) {
          expect(
            found.problems.kept.filter(
              (problem) => problem.severity === 'error' && problem.file.startsWith(`specs/${id}/`),
            ),
          ).toEqual([]);
          expect(tasks.length).toBeGreaterThan(0);
          expect(new Set(tasks.map((task) => task.number)).size).toBe(tasks.length);
          expect(tasks.every((task) => task.gate.trim() !== '')).toBe(true);
          expect(dependsOn.every((dependency) => known.has(dependency))).toBe(true);
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test('is read the same through a cache, whatever was read before', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, async (before, after) => {
        const cache = new DiscoveryCache();
        const prefixed = (files: Readonly<Record<string, TreeValue>>) =>
          memoryTree(
            Object.fromEntries(Object.entries(files).map(([path, value]) => [`specs/${path}`, value])),
          );
        await discover(prefixed(before), 'specs', cache);
        expect(await discover(prefixed(after), 'specs', cache)).toEqual(await read(after));
      }),
      { numRuns: 300 },
    );
  });
});
