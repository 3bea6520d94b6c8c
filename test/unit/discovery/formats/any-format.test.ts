import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { discoverFormat } from '../../../../src/discovery/formats/discover-format.ts';
import { FORMATS, type FormatName } from '../../../../src/discovery/formats/formats.ts';
import { MAX_PROBLEMS } from '../../../../src/problems/problem.ts';
import { cpuMs } from '../../../helpers/cpu-time.ts';
import { memoryTree, type TreeValue } from '../../../helpers/memory-tree.ts';
import { planOf, unitFiles } from '../../../helpers/plan-of.ts';

const NAMES = Object.keys(FORMATS) as FormatName[];

async function read(from: FormatName, list: TreeValue) {
  const tree = memoryTree({ [`${FORMATS[from].standardPath}/login/tasks.md`]: list });
  return discoverFormat(tree, { from }, { defaultGate: 'npm test', taken: new Set() });
}

/** Lines that the formats are made of, whole and in pieces. */
const PIECES = [
  '## 1. A (depends on 2)',
  '## Phase 3: User Story 1 - x',
  '## Phase 1: Setup',
  '## Task Dependency Graph',
  '[["1"],["2"]]',
  '- [ ] ',
  '- [x] ',
  '- [ ]* ',
  '1.1 ',
  '1. ',
  'T001 ',
  '[P] ',
  '(depends on T001-T009, US1)',
  '_Depends: 1.1, 2_',
  '```json',
  '```',
  '<!--',
  '-->',
  'Verify: `npm test`',
  '**Checkpoint**: `make`',
  'Checkpoint',
  '\t',
  '  ',
  '\r\n',
  '\n',
  '\n',
  '\uFEFF',
  '"',
  "'",
  '---',
];

describe.each(NAMES)('%s', (from) => {
  test('no list throws, every problem is at a line of it, and units stay within it', async () => {
    const texts = fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary' })), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(texts, async (pieces) => {
        const text = pieces.join('');
        const { units, broken, problems } = await read(from, text);
        const lines = text.split('\n').length;
        expect(problems.filter(({ line }) => line < 1 || line > lines)).toEqual([]);
        const boxes = text.split('[').length;
        expect(units.flatMap(({ tasks }) => tasks).length).toBeLessThan(boxes);
        const ids = new Set([...units, ...broken].map(({ id }) => id));
        expect(units.flatMap(({ dependsOn }) => dependsOn).filter((id) => !ids.has(id))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('bytes that are no text are told', async () => {
    expect((await read(from, Uint8Array.of(0x2d, 0xff))).problems).toMatchObject([{ code: 'not-utf8' }]);
    expect((await read(from, '- [ ] 1\0')).problems).toMatchObject([{ code: 'nul-byte' }]);
    expect((await read(from, { unreadable: true })).problems).toMatchObject([{ code: 'unreadable' }]);
  });

  test('2 MiB are the most, and are read in linear time', async () => {
    const lines = [
      '- [ ] 1.1 (depends on ',
      '(depends on T1-T9 '.repeat(9),
      '`a` '.repeat(40),
      '\t[ ] ',
      '<!-- --> ',
      '- [] ',
    ];
    for (const line of lines) {
      const half = `${line}\n`.repeat(Math.floor(2 ** 17 / (line.length + 1)));
      const once = await cpuMs(async () => read(from, half));
      const twice = await cpuMs(async () => read(from, half + half + half + half));
      expect(twice, line).toBeLessThan(Math.max(once * 12, 1_000));
    }
    const { problems } = await read(from, 'x'.repeat(2 ** 21 + 1));
    expect(problems).toMatchObject([{ code: 'format-too-large' }]);
    expect((await read(from, '-[ ] x\n'.repeat(50_000))).problems.length).toBeLessThan(MAX_PROBLEMS);
  });

  test('is found where there is no spec tree, and the line that goes on is named', async () => {
    const path = FORMATS[from].standardPath;
    const { problems } = await planOf({ [`${path}/login/tasks.md`]: '- [ ] 1 One\n' });
    expect(problems.list).toMatchObject([
      { code: 'format-found', hint: expect.stringContaining(`\`specs: { from: ${from}, path: ${path} }\``) },
    ]);
  });

  test('the key of a unit is the same when a box is ticked, and another when a gate changes', async () => {
    const keyOf = async (box: string, gate: string) => {
      const plan = await planOf({
        [`${FORMATS[from].standardPath}/login/tasks.md`]: `- [${box}] 1 One\n  - Verify: \`${gate}\`\n  - [${box}] part\n`,
        '.choo.yml': `specs: { from: ${from} }`,
      });
      return plan.units[0]?.key;
    };
    expect(await keyOf(' ', 'npm test')).toBe(await keyOf('x', 'npm test'));
    expect(await keyOf(' ', 'npm test')).not.toBe(await keyOf(' ', 'npm run all'));
  });
});

test('a source with another key is told the keys there are', async () => {
  const { problems } = await planOf({ ...unitFiles('api'), '.choo.yml': 'specs:\n  frm: openspec\n' });
  expect(problems.list).toMatchObject([
    { code: 'config-unknown-key', hint: 'did you mean `from`?' },
    { code: 'config-value', message: '`specs.0.from` is missing' },
  ]);
});

describe('units of other tools', () => {
  const files = {
    ...unitFiles('api'),
    ...unitFiles('login-1'),
    'openspec/changes/login/proposal.md': 'Why',
    'openspec/changes/login/tasks.md': '## 1. A\n- [ ] 1.1 One\n## 2. B\n- [ ] 2.1 Two\n',
    '.choo.yml': 'specs: [{ from: openspec }]\ndefault_gate: npm test',
  };

  test('stand beside those of choo, whose names are taken', async () => {
    const { units, problems } = await planOf(files);
    expect(units.map(({ id }) => id)).toEqual(['api', 'login-1', 'login-2']);
    expect(problems.list.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'format-duplicate', file: 'openspec/changes/login/tasks.md', line: 1, got: 'login-1' },
    ]);
  });

  test('name the other pages to an agent, and their line to a reader', async () => {
    const { units } = await discoverFormat(
      memoryTree(files),
      { from: 'openspec', path: 'openspec/changes' },
      { defaultGate: 'npm test || true', taken: new Set() },
    );
    const file = units[0]?.tasks[0]?.file;
    expect(units[0]?.context).toEqual(['openspec/changes/login/proposal.md']);
    expect(file?.frontMatter.fields.get('backpressure')?.value.at.line).toBe(2);
  });

  test('have gates that are warned of like any other', async () => {
    const { problems } = await planOf({
      ...files,
      '.choo.yml': 'specs: { from: openspec }\ndefault_gate: npm test || true',
    });
    expect(problems.list).toContainEqual(
      expect.objectContaining({
        file: 'openspec/changes/login/tasks.md',
        line: 4,
        severity: 'warning',
        field: 'backpressure',
      }),
    );
  });

  test('have gates that are warned of where they stand', async () => {
    const list = '## 1. A\n- [ ] 1.1 One (depends on it)\n\n  - Verify: `npm test || true`\n';
    const { problems } = await planOf({
      'openspec/changes/login/tasks.md': list,
      '.choo.yml': 'specs: { from: openspec }',
    });
    expect(problems.list).toMatchObject([{ severity: 'warning', line: 4, column: 13 }]);
  });

  test('run as those of choo do', async () => {
    const free = { ...files, 'openspec/changes/login/tasks.md': '## 2. B\n- [ ] 2.1 Two\n' };
    expect((await planOf(free)).runnable).toBe(true);
  });
});
