import { describe, expect, test } from 'vitest';
import { discover, type Discovery } from '../../../src/discovery/discovery.ts';
import { memoryTree, planText, taskText, type TreeValue } from '../../helpers/memory-tree.ts';

const ROOT = 'specs/tasks';

/** Discovers a tree given below the spec root. */
async function read(files: Readonly<Record<string, TreeValue>>): Promise<Discovery> {
  return discover(
    memoryTree(Object.fromEntries(Object.entries(files).map(([path, value]) => [`${ROOT}/${path}`, value]))),
    ROOT,
  );
}

/** One line a problem, as compilers print it, for comparing whole reports. */
function report({ problems }: Discovery): string[] {
  return problems.kept.map(
    ({ file, line, column, severity, code }) =>
      `${file.slice(ROOT.length + 1)}:${line}:${column} ${severity} ${code}`,
  );
}

const good = (unit: string, plan = planText()) => ({
  [`${unit}/IMPLEMENTATION_PLAN.md`]: plan,
  [`${unit}/01-first.md`]: taskText(),
});

describe('a tree without faults', () => {
  test('gives its units with tasks by number, and nothing to report', async () => {
    const found = await read({
      'api/IMPLEMENTATION_PLAN.md': planText(
        { unit: 'api', depends_on: '[base]', provider: 'codex' },
        '# The API\n',
      ),
      'api/02-later.md': taskText(
        { task: '2', depends_on: '[1]', backpressure: '"go test ./..."' },
        'Text.\n\n# Later\n',
      ),
      'api/01-first.md': taskText({}, '# First\n'),
      ...good('base'),
    });
    expect(found.problems.kept).toEqual([]);
    expect(found.units).toMatchObject([
      {
        id: 'api',
        title: 'The API',
        dependsOn: ['base'],
        provider: 'codex',
        status: 'pending',
        tasks: [
          { number: 1, title: 'First', gate: 'npm test', status: 'pending', dependsOn: [] },
          { number: 2, title: 'Later', gate: 'go test ./...', status: 'pending', dependsOn: [1] },
        ],
      },
      { id: 'base' },
    ]);
  });

  test('keeps the bytes of every file exactly', async () => {
    const text = `\uFEFF${taskText({}, '# Tïtle 🦉\r\n\r\n---\r\nnot: front matter\r\n---\r\nno final newline')}`;
    const found = await read({ 'a/IMPLEMENTATION_PLAN.md': planText(), 'a/01-x.md': text });
    expect(Buffer.from(found.units[0]?.tasks[0]?.file.content ?? []).equals(Buffer.from(text))).toBe(true);
  });

  test('may have `---` lines, fences and YAML in its body, and a title after a code block', async () => {
    const body = '```md\n# not the title\n---\n```\n\n---\ntask: 9\n---\n\n# The title  \n';
    const found = await read({ 'a/IMPLEMENTATION_PLAN.md': planText(), 'a/01-x.md': taskText({}, body) });
    expect(found.units[0]?.tasks[0]).toMatchObject({ number: 1, title: 'The title' });
  });

  test.each([
    ['pending, pending', 'pending'],
    ['complete, pending', 'in_progress'],
    ['in_progress, pending', 'in_progress'],
    ['complete, complete', 'complete'],
    ['complete, failed', 'failed'],
  ])('infers the status of a unit from its tasks: %s -> %s', async (statuses, expected) => {
    const [first = '', second = ''] = statuses.split(', ');
    const found = await read({
      'a/IMPLEMENTATION_PLAN.md': planText(),
      'a/01-a.md': taskText({ status: first }),
      'a/02-b.md': taskText({ task: '2', status: second }),
    });
    expect(found.units[0]?.status).toBe(expected);
  });

  test.each(['pr_open', 'in_review', 'merging'])(
    'reads the legacy unit status `%s` as in_progress',
    async (status) => {
      const found = await read(good('a', planText({ orch_status: status })));
      expect(found.units[0]?.status).toBe('in_progress');
      expect(found.problems.kept).toEqual([]);
    },
  );

  test('takes the empty values an older tool writes for: nothing recorded', async () => {
    const plan = planText({
      orch_status: '""',
      orch_pr_number: '0',
      orch_started_at: '""',
      orch_branch: '""',
    });
    const found = await read(good('a', plan));
    expect(found.problems.kept).toEqual([]);
    expect(found.units[0]).toMatchObject({ status: 'pending', recorded: {} });
  });

  test('reads what an earlier run recorded', async () => {
    const plan = planText({
      orch_branch: 'choo/unit/main/a',
      orch_worktree: '.ralph/worktrees/a',
      orch_pr_number: '12',
      orch_started_at: '2026-01-02T03:04:05Z',
      orch_completed_at: '"2026-01-02T03:04:05.6+01:00"',
    });
    expect((await read(good('a', plan))).units[0]?.recorded).toEqual({
      branch: 'choo/unit/main/a',
      worktree: '.ralph/worktrees/a',
      prNumber: 12,
      startedAt: '2026-01-02T03:04:05Z',
      completedAt: '2026-01-02T03:04:05.6+01:00',
    });
  });
});

describe('each row of the format table that reading decides', () => {
  test('several bad files: all problems at once, and the good units beside them', async () => {
    const found = await read({
      ...good('good'),
      'a/IMPLEMENTATION_PLAN.md': 'no front matter\n',
      'a/01-x.md': taskText({ status: 'done' }),
      'b/IMPLEMENTATION_PLAN.md': planText({ depends_on: '{a: b}' }),
      'b/01-x.md': '---\ntask: [\n---\n',
    });
    expect(report(found)).toEqual([
      'a/01-x.md:3:9 error status-unknown',
      'a/IMPLEMENTATION_PLAN.md:1:1 error front-matter-missing',
      'b/01-x.md:3:1 error yaml-syntax',
      'b/IMPLEMENTATION_PLAN.md:2:13 error field-type',
    ]);
    expect(found.units.map((unit) => unit.id)).toEqual(['good']);
    expect(found.broken.map((unit) => unit.id)).toEqual(['a', 'b']);
  });

  test('duplicate task numbers: an error at the second file', async () => {
    const found = await read({ ...good('a'), 'a/02-b.md': taskText() });
    expect(report(found)).toEqual(['a/02-b.md:2:7 error task-duplicate']);
    expect(found.problems.kept[0]?.message).toContain('`01-first.md`');
  });

  test('unknown task dependency: an error at the item', async () => {
    const found = await read({ ...good('a'), 'a/02-b.md': taskText({ task: '2', depends_on: '[1, 7]' }) });
    expect(report(found)).toEqual(['a/02-b.md:5:17 error task-dependency-unknown']);
    expect(found.problems.kept[0]).toMatchObject({ got: '7', field: 'depends_on' });
  });

  test('cyclic task dependencies: one error with the cycle closed', async () => {
    const found = await read({
      'a/IMPLEMENTATION_PLAN.md': planText(),
      'a/01-a.md': taskText({ depends_on: '[3]' }),
      'a/02-b.md': taskText({ task: '2', depends_on: '[1]' }),
      'a/03-c.md': taskText({ task: '3', depends_on: '[2]' }),
    });
    expect(report(found)).toEqual(['a/01-a.md:5:14 error task-cycle']);
    expect(found.problems.kept[0]?.message).toBe('tasks wait for each other: 1 -> 3 -> 2 -> 1');
  });

  test('missing `task`: an error, and never task 0', async () => {
    const found = await read({ ...good('a'), 'a/02-b.md': taskText({ task: undefined }) });
    expect(report(found)).toEqual(['a/02-b.md:1:1 error field-missing']);
    expect(found.problems.kept[0]?.field).toBe('task');
  });

  test.each([
    [undefined, '1:1 error field-missing'],
    ['', '4:14 error gate-empty'],
    ['"  "', '4:15 error gate-empty'],
    ['~', '4:15 error gate-empty'],
    ['[a]', '4:15 error field-type'],
  ])('missing or empty `backpressure` (%s): an error', async (gate, expected) => {
    const found = await read({
      'a/IMPLEMENTATION_PLAN.md': planText(),
      'a/01-x.md': taskText({ backpressure: gate }),
    });
    expect(report(found)).toEqual([`a/01-x.md:${expected}`]);
  });

  test('no front matter, or one that is never closed: an error', async () => {
    const found = await read({ ...good('a'), 'a/02-b.md': '# A task\n', 'a/03-c.md': '---\ntask: 3\n' });
    expect(report(found)).toEqual([
      'a/02-b.md:1:1 error front-matter-missing',
      'a/03-c.md:1:1 error front-matter-unclosed',
    ]);
  });

  test('gap in task numbers: a warning at the task after it', async () => {
    const found = await read({ ...good('a'), 'a/04-d.md': taskText({ task: '4' }) });
    expect(report(found)).toEqual(['a/04-d.md:2:7 warning task-gap']);
    expect(found.problems.kept[0]?.message).toBe('there are no tasks 2 to 3 before task 4');
    expect(found.units[0]?.tasks.map((task) => task.number)).toEqual([1, 4]);
  });

  test('gap in task numbers: not called while a file between is broken', async () => {
    const found = await read({
      ...good('a'),
      'a/02-b.md': '---\ntask: [\n---\n',
      'a/03-c.md': taskText({ task: '3' }),
    });
    expect(report(found)).toEqual(['a/02-b.md:3:1 error yaml-syntax']);
  });

  test.each([
    ['CRLF', (text: string) => text.replaceAll('\n', '\r\n')],
    ['a byte order mark', (text: string) => `\uFEFF${text}`],
    [
      'front matter closed at the end of the file',
      (text: string) => text.slice(0, text.indexOf('\n---\n') + 4),
    ],
    [
      'all three',
      (text: string) => `\uFEFF${text.slice(0, text.indexOf('\n---\n') + 4).replaceAll('\n', '\r\n')}`,
    ],
  ])('%s: parsed', async (_, change) => {
    const found = await read({
      'a/IMPLEMENTATION_PLAN.md': change(planText({ depends_on: '[b]' })),
      'a/01-x.md': change(taskText({ backpressure: 'make test' })),
      ...good('b'),
    });
    expect(found.problems.kept).toEqual([]);
    expect(found.units[0]).toMatchObject({ dependsOn: ['b'], tasks: [{ number: 1, gate: 'make test' }] });
  });

  test('quoted integers: accepted, each with a notice', async () => {
    const found = await read({ ...good('a'), 'a/02-b.md': taskText({ task: '"2"', depends_on: "['1']" }) });
    expect(report(found)).toEqual([
      'a/02-b.md:2:7 notice quoted-integer',
      'a/02-b.md:5:14 notice quoted-integer',
    ]);
    expect(found.units[0]?.tasks[1]).toMatchObject({ number: 2, dependsOn: [1] });
  });

  test('scalar `depends_on`: accepted as a list of one, with a notice', async () => {
    const found = await read({
      ...good('a', planText({ depends_on: 'b' })),
      ...good('b'),
      'b/02-b.md': taskText({ task: '2', depends_on: '1' }),
    });
    expect(report(found)).toEqual([
      'a/IMPLEMENTATION_PLAN.md:2:13 notice scalar-list',
      'b/02-b.md:5:13 notice scalar-list',
    ]);
    expect(found.units).toMatchObject([{ dependsOn: ['b'] }, { tasks: [{}, { dependsOn: [1] }] }]);
  });

  test('unit cycle: the exact cycle, closed; nothing on it is fit to run', async () => {
    const found = await read({
      ...good('a', planText({ depends_on: '[b]' })),
      ...good('b', planText({ depends_on: '[x, c]' })),
      ...good('c', planText({ depends_on: '[a]' })),
      ...good('x'),
    });
    expect(report(found)).toEqual(['a/IMPLEMENTATION_PLAN.md:2:14 error unit-cycle']);
    expect(found.problems.kept[0]?.message).toBe('units wait for each other: a -> b -> c -> a');
    expect(found.units.map((unit) => unit.id)).toEqual(['x']);
  });

  test('unknown status word: an error on that line with the nearest allowed word', async () => {
    const found = await read({
      ...good('a', planText({ orch_status: 'blokced' })),
      'a/02-b.md': taskText({ task: '2', status: 'completed' }),
    });
    expect(report(found)).toEqual([
      'a/02-b.md:3:9 error status-unknown',
      'a/IMPLEMENTATION_PLAN.md:2:14 error status-unknown',
    ]);
    expect(found.problems.kept.map((problem) => problem.hint)).toEqual([
      'did you mean `complete`?',
      'did you mean `blocked`?',
    ]);
  });

  test('unknown unit in `depends_on`: an error at the item with the nearest known id', async () => {
    const found = await read({
      ...good('payments', planText({ depends_on: '\n  - ledger\n  - acounts' })),
      ...good('ledger'),
      ...good('accounts'),
    });
    expect(report(found)).toEqual(['payments/IMPLEMENTATION_PLAN.md:4:5 error unit-dependency-unknown']);
    expect(found.problems.kept[0]).toMatchObject({ got: 'acounts', hint: 'did you mean `accounts`?' });
  });

  test('dependency on a unit that is already complete: nothing to report', async () => {
    const found = await read({
      ...good('a', planText({ depends_on: '[b]' })),
      'b/IMPLEMENTATION_PLAN.md': planText(),
      'b/01-x.md': taskText({ status: 'complete' }),
    });
    expect(found.problems.kept).toEqual([]);
    expect(found.units.map((unit) => unit.status)).toEqual(['pending', 'complete']);
  });

  test('a unit called complete whose tasks are not: a warning, and the tasks count', async () => {
    const found = await read(good('a', planText({ orch_status: 'complete' })));
    expect(report(found)).toEqual(['a/IMPLEMENTATION_PLAN.md:2:14 warning unit-not-complete']);
  });
});

describe('directories and names', () => {
  test('a directory with a plan and no task, or tasks and no plan, is named in a warning and is no unit', async () => {
    const found = await read({
      ...good('a', planText({ depends_on: '[tasks-only]' })),
      'plan-only/IMPLEMENTATION_PLAN.md': planText(),
      'tasks-only/01-x.md': taskText(),
      'notes/README.md': 'hello\n',
    });
    expect(report(found)).toEqual([
      'a/IMPLEMENTATION_PLAN.md:2:14 error unit-dependency-unknown',
      'plan-only:1:1 warning not-a-unit',
      'tasks-only:1:1 warning not-a-unit',
    ]);
    expect(found.problems.kept[0]?.hint).toContain('is not a unit');
  });

  test.each(['-rf', '.hidden-not', 'a b', 'a..b', 'x.lock', 'x.', 'é', 'a~1', 'x'.repeat(101)])(
    'a unit called `%s` is refused',
    async (name) => {
      const found = await read(good(name));
      expect(found.units).toEqual([]);
      // A name that begins with a dot is hidden and not looked into.
      expect(report(found)).toEqual(name.startsWith('.') ? [] : [`${name}:1:1 error unit-name`]);
    },
  );

  test('two units whose names differ only in case are both refused', async () => {
    const found = await read({ ...good('Auth'), ...good('auth') });
    expect(report(found)).toEqual(['auth:1:1 error unit-case']);
    expect(found.units).toEqual([]);
  });

  test('a plan that names its unit differently is warned about; the directory counts', async () => {
    const found = await read(good('a', planText({ unit: 'b' })));
    expect(report(found)).toEqual(['a/IMPLEMENTATION_PLAN.md:2:7 warning unit-name-differs']);
    expect(found.units[0]?.id).toBe('a');
  });

  test('files that nearly have the right name are pointed out', async () => {
    const found = await read({
      ...good('a'),
      'a/2-b.md': taskText(),
      'a/03_c.md': taskText(),
      'a/04-d.MD': taskText(),
      'a/implementation_plan.md': planText(),
      'a/diagram.png': 'x',
    });
    expect(report(found)).toEqual([
      'a/03_c.md:1:1 warning task-name',
      'a/04-d.MD:1:1 warning task-name',
      'a/2-b.md:1:1 warning task-name',
      'a/implementation_plan.md:1:1 warning plan-name',
    ]);
  });

  test('a misspelt field is pointed out', async () => {
    const found = await read({
      ...good('a'),
      'a/02-b.md': taskText({ task: '2', depends_on: undefined, depend_on: '[1]', owner: 'someone' }),
    });
    expect(report(found)).toEqual(['a/02-b.md:5:1 warning field-unknown']);
    expect(found.problems.kept[0]?.hint).toBe('did you mean `depends_on`?');
  });

  test.each(['0', '-1', '1.5', 'one', '0x1', '99999999999999'])('`task: %s` is refused', async (number) => {
    const found = await read({
      'a/IMPLEMENTATION_PLAN.md': planText(),
      'a/01-x.md': taskText({ task: number }),
    });
    expect(report(found)).toEqual(['a/01-x.md:2:7 error field-type']);
    expect(found.problems.kept[0]?.got).toBe(number);
  });
});

describe('hidden text', () => {
  test.each([
    ['a zero-width space', 'read\u200Bme', 7],
    ['a bidirectional override', 'a \u202E b', 5],
    ['tag letters', 'x\u{E0041}\u{E0042}', 4],
    ['an escape', 'x\u001B[31m', 4],
  ])('%s in a task is a warning with its place', async (_, text, column) => {
    const found = await read({
      'a/IMPLEMENTATION_PLAN.md': planText(),
      'a/01-x.md': taskText({}, `# T\n\n- ${text}\n`),
    });
    expect(report(found)[0]).toBe(`a/01-x.md:10:${column} warning hidden-text`);
  });

  test('an HTML comment is a warning, but not in code', async () => {
    const body =
      '# T\n\nSee `<!-- this -->`.\n\n```html\n<!-- and this -->\n```\n\nText <!-- do\nsomething else --> more\n';
    const found = await read({ 'a/IMPLEMENTATION_PLAN.md': planText(), 'a/01-x.md': taskText({}, body) });
    expect(report(found)).toEqual(['a/01-x.md:16:6 warning hidden-text']);
  });

  test('an escape in the gate that YAML turns into hidden text is a warning at the gate', async () => {
    const found = await read({
      'a/IMPLEMENTATION_PLAN.md': planText(),
      'a/01-x.md': taskText({ backpressure: '"npm test \\u200B"' }),
    });
    expect(report(found)).toEqual(['a/01-x.md:4:15 warning hidden-text']);
    expect(found.problems.kept[0]?.field).toBe('backpressure');
  });

  test('a byte order mark, emoji with joiners and accents hide nothing', async () => {
    const found = await read({
      'a/IMPLEMENTATION_PLAN.md': planText(),
      'a/01-x.md': `\uFEFF${taskText({}, '# Ünïcode 👩‍👩‍👧 👩🏽‍💻 ❤️‍🔥 naïve\n')}`,
    });
    expect(found.problems.kept).toEqual([]);
  });
});
