import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { discoverFormat } from '../../../src/discovery/formats/discover-format.ts';
import { FORMATS, type FormatName } from '../../../src/discovery/formats/formats.ts';
import {
  decideImport,
  type ImportAction,
  type PresentFile,
} from '../../../src/discovery/import/decide-import.ts';
import { filesOf, type WantedFile } from '../../../src/discovery/import/imported-files.ts';
import { blobId, unmark } from '../../../src/discovery/import/marker.ts';
import { memoryTree } from '../../helpers/memory-tree.ts';
import { planOf } from '../../helpers/plan-of.ts';

/** The files of specs, by `unit/name`. */
type Files = Readonly<Record<string, string>>;

const HEAD = '## 1. Table\n';
const LIST = `${HEAD}- [ ] 1.1 Add the table. Verify: \`make table\`\n- [ ] 1.2 Index it. Verify: \`make index\`\n`;

async function read(from: FormatName, list: string): Promise<readonly WantedFile[]> {
  const path = `${FORMATS[from].standardPath}/login/tasks.md`;
  const tree = memoryTree({ [path]: list, [path.replace('tasks', 'design')]: 'How' });
  const { units } = await discoverFormat(tree, { from }, { defaultGate: 'make all', taken: new Set() });
  return units.flatMap((unit) => filesOf(unit, blobId(Buffer.from(list))));
}

/** An import of a list over what is there. `known`: the versions of the list that git has. */
async function importList(
  list: string,
  files: Files = {},
  {
    from = 'openspec',
    known = [],
    keepsMine = false,
  }: { from?: FormatName; known?: readonly string[]; keepsMine?: boolean } = {},
): Promise<{ readonly files: Files; readonly actions: readonly ImportAction[]; readonly kinds: string }> {
  const present = Object.entries(files).map(([path, content]): PresentFile => {
    const [unit = '', name = ''] = path.split('/');
    return { unit, name, content, marked: unmark(content) };
  });
  const actions = await decideImport(await read(from, list), present, {
    keepsMine,
    mergeText: async () => undefined,
    baseOf: async ({ marker }) => {
      const old = known.find((text) => blobId(Buffer.from(text)) === marker.blob);
      const wanted = old === undefined ? [] : await read(from, old);
      return wanted.find((each) => each.marker.of === marker.of)?.text;
    },
  });
  const after = new Map(Object.entries(files));
  for (const { kind, path, movesFrom, content } of actions) {
    if (kind === 'delete') after.delete(path);
    if (movesFrom !== undefined && content !== undefined) after.delete(movesFrom);
  }
  for (const { path, content } of actions) if (content !== undefined) after.set(path, content);
  return { files: Object.fromEntries(after), actions, kinds: actions.map(({ kind }) => kind).join(' ') };
}

function change(files: Files, path: string, edit: (text: string) => string): Files {
  const text = files[path];
  if (text === undefined) throw new Error(`no ${path} in ${Object.keys(files).join(' ')}`);
  return { ...files, [path]: edit(text) };
}

const TABLE = 'login-1/01-add-the-table-verify-make-table.md';
const INDEX = 'login-1/02-index-it-verify-make-index.md';

/** Lists of every format, with what people get wrong. */
const LISTS: readonly (readonly [FormatName, string])[] = [
  ['openspec', LIST],
  ['openspec', '\uFEFF## A\r\n* [x] One\r\n\t- [ ] part\r\n\r\n  text\r\n## B\r\n- [ ] "Two": \'a\' # b\r\n'],
  ['openspec', '- [ ] ünïcode — 表 Verify: `make "ü"`\n  ```\n  - [ ] no\n  ```\n'],
  [
    'spec-kit',
    '## Phase 1: Setup\n- [ ] T001 [P] A\n## Phase 3: User Story 1 - x\n- [ ] T002 [US1] B (depends on T001)\n',
  ],
  [
    'spec-kit',
    '## Phase 3: User Story 1\n**Checkpoint**: `make us1`\n- [x] T002 A\n- [ ] T009 B (depends on T002)\n',
  ],
  ['kiro', '- [ ] 1. Store\n  - [ ] 1.1 A\n  - [x] 1.2 B\n- [ ] 2. Checkpoint: `make`\n- [ ] 3. Page\n'],
];

describe('an import', () => {
  test.each(LISTS)('of %s gives the plan that the list itself has: %j', async (from, list) => {
    const { files } = await importList(list, {}, { from });
    const path = `${FORMATS[from].standardPath}/login/tasks.md`;
    const common = { [path]: list, [path.replace('tasks', 'design')]: 'How' };
    const live = await planOf({ ...common, '.choo.yml': `specs: { from: ${from} }\ndefault_gate: make all` });
    const own = Object.fromEntries(
      Object.entries(files).map(([name, text]) => [`specs/tasks/${name}`, text]),
    );
    const imported = await planOf({ ...common, ...own, '.choo.yml': 'default_gate: make all' });
    const essence = ({ units, waves, criticalPath }: typeof live) => ({
      waves,
      criticalPath,
      units: units.map((unit) => ({
        ...unit,
        directory: '',
        tasks: unit.tasks.map((task) => ({ ...task, file: '' })),
      })),
    });
    expect(live.units.length).toBeGreaterThan(0);
    expect(essence(imported)).toEqual(essence(live));
    expect(imported.problems.errors).toBe(0);
  });

  test('twice is once, whatever the list', async () => {
    const pieces = fc.constantFrom(
      '## 1. A\n',
      '## B\n',
      '- [ ] 1.1 One\n',
      '- [x] 1.1 One\n',
      '- [ ] Two: "x" #\n',
      '  - [x] part\n',
      '  text\n',
      '```\n',
      "- [ ] 'x'\r\n",
      '\n',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 25 }), async (lines) => {
        const first = await importList(lines.join(''));
        const again = await importList(lines.join(''), first.files);
        expect(again.files).toEqual(first.files);
        expect(again.kinds.replaceAll(/keep ?/g, '')).toBe('');
      }),
      { numRuns: 60 },
    );
  });

  test('takes over what changed, and moves what was renumbered with the progress that choo recorded', async () => {
    const { files } = await importList(LIST);
    const done = change(files, INDEX, (text) => text.replace('status: pending', 'status: complete'));
    const next = `${HEAD}- [ ] 1.1 New. Verify: \`make new\`\n- [ ] 1.2 Add the table. Verify: \`make table\`\n- [ ] 1.3 Index it. Verify: \`make index\`\n`;
    const { files: after, kinds } = await importList(next, done);
    expect(Object.keys(after).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'login-1/01-new-verify-make-new.md',
      'login-1/02-add-the-table-verify-make-table.md',
      'login-1/03-index-it-verify-make-index.md',
      'login-1/IMPLEMENTATION_PLAN.md',
    ]);
    expect(kinds).toBe('keep create update update');
    expect(after['login-1/03-index-it-verify-make-index.md']).toMatch(/task: 3\nstatus: complete\n/);
  });

  test('follows a task to another group, and deletes what is gone', async () => {
    const { files } = await importList(LIST);
    const next =
      '## 1. Table\n- [ ] 1.1 Add the table. Verify: `make table`\n## 2. More\n- [ ] 2.1 Index it. Verify: `make index`\n';
    const mine = change(files, INDEX, (text) => text.replace('make index', 'make my-index'));
    const moved = await importList(next, mine, { known: [LIST] });
    expect(moved.files['login-2/01-index-it-verify-make-index.md']).toContain(
      "backpressure: 'make my-index'",
    );
    expect(moved.files[INDEX]).toBeUndefined();
    const { files: after, kinds } = await importList(
      `${HEAD}- [ ] 1.1 Add the table. Verify: \`make table\`\n`,
      files,
    );
    expect(kinds).toBe('keep keep delete');
    expect(Object.keys(after)).not.toContain(INDEX);
  });

  test('keeps what a person changed, beside what changed in the source', async () => {
    const { files } = await importList(LIST);
    const mine = change(files, TABLE, (text) => text.replace("'make table'", "'make all-tables'"));
    expect((await importList(LIST, mine)).kinds).toBe('keep keep keep');
    const next = LIST.replace('Add the table', 'Add the table\n  With a key').replace(
      'make index',
      'make index2',
    );
    const { files: after, kinds } = await importList(
      LIST.replace('`make table`\n', '`make table`\n  With a key.\n'),
      mine,
      { known: [LIST] },
    );
    expect(kinds).toBe('keep merge keep');
    expect(after[TABLE]).toContain("backpressure: 'make all-tables'");
    expect(after[TABLE]).toContain('With a key.');
    expect(next).not.toBe(LIST);
    // A second time there is nothing more to do.
    expect(
      (await importList(LIST.replace('`make table`\n', '`make table`\n  With a key.\n'), after)).kinds,
    ).toBe('keep keep keep');
  });

  test('tells a conflict and loses nothing, until the person says that it is settled', async () => {
    const { files } = await importList(LIST);
    const mine = change(files, TABLE, (text) => text.replace("'make table'", "'make mine'"));
    const next = LIST.replace('Verify: `make table`', 'Verify: `make table`\n  - Verify: `make theirs`');
    const { files: after, actions } = await importList(next, mine, { known: [LIST] });
    expect(actions.find(({ kind }) => kind === 'conflict')).toMatchObject({
      path: TABLE,
      line: 2,
      why: 'backpressure changed here and in the source',
    });
    expect(after[TABLE]).toBe(mine[TABLE]);
    expect((await importList(next, mine)).kinds).toContain('conflict'); // git does not know the old list
    const settled = await importList(next, mine, { keepsMine: true });
    expect(settled.files[TABLE]).toContain("'make mine'");
    expect((await importList(next, settled.files)).kinds).toBe('keep keep keep');
  });

  test('a person’s text of a task that is gone stays', async () => {
    const { files } = await importList(LIST);
    const mine = change(files, INDEX, (text) => `${text}Mine.\n`);
    const next = `${HEAD}- [ ] 1.1 Add the table. Verify: \`make table\`\n`;
    const told = await importList(next, mine);
    expect(told.kinds).toBe('keep keep conflict');
    expect(told.files[INDEX]).toBe(mine[INDEX]);
    const settled = await importList(next, mine, { keepsMine: true });
    expect(settled.files[INDEX]).toContain('Mine.');
    expect((await importList(next, settled.files)).kinds).toBe('keep keep');
  });

  test('ticks and empties follow the list, and choo’s own progress stays', async () => {
    const { files } = await importList(LIST);
    const ticked = await importList(LIST.replace('[ ] 1.1', '[x] 1.1'), files);
    expect(ticked.files[TABLE]).toContain('status: complete');
    expect((await importList(LIST, ticked.files)).files[TABLE]).toContain('status: pending');
    const done = change(files, TABLE, (text) => text.replace('status: pending', 'status: complete'));
    expect((await importList(LIST, done)).kinds).toBe('keep keep keep');
  });

  test('writes nothing into a unit that no import made, nor over a file of that name', async () => {
    const own = { 'login-1/IMPLEMENTATION_PLAN.md': '---\ndepends_on: []\n---\n' };
    const { files, kinds } = await importList(LIST, own);
    expect(kinds).toBe('conflict');
    expect(files).toEqual(own);
    const { files: imported } = await importList(`${HEAD}- [ ] 1.1 Add the table. Verify: \`make table\`\n`);
    const foreign = { ...imported, [INDEX]: 'mine' };
    const over = await importList(LIST, foreign);
    expect(over.kinds).toBe('keep keep conflict');
    expect(over.files[INDEX]).toBe('mine');
  });
});
