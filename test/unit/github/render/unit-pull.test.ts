import { describe, expect, test } from 'vitest';
import { discover } from '../../../../src/discovery/discovery.ts';
import type { Unit } from '../../../../src/discovery/unit.ts';
import type { EventBody } from '../../../../src/events/event.ts';
import { foldEvents } from '../../../../src/events/state.ts';
import { marker } from '../../../../src/github/api/marker.ts';
import { MAX_BODY_LENGTH } from '../../../../src/github/render/markdown.ts';
import { boxLine } from '../../../../src/github/commands/boxes.ts';
import type { ConflictVerdict } from '../../../../src/github/render/verdict.ts';
import { renderUnitPull, type UnitPullInput } from '../../../../src/github/render/unit-pull.ts';
import { memoryTree, planText, taskText } from '../../../helpers/memory-tree.ts';
import { commit, factsOf, numbered, plannedUnit, started } from '../../../helpers/run-events.ts';

const MARK = marker('unit', 'main api');
const api = factsOf('api');

/** The unit `api` with two tasks, its plan's text as given. */
async function unitOf(text = '# The API\n\nServe it.\n', gate = 'make api'): Promise<Unit> {
  const gates = [gate, 'make more'].map((command) => JSON.stringify(command));
  const { units } = await discover(
    memoryTree({
      'specs/tasks/api/IMPLEMENTATION_PLAN.md': planText({ depends_on: '[]' }, text),
      'specs/tasks/api/01-a.md': taskText({ backpressure: gates[0] }, '# Answer\n'),
      'specs/tasks/api/02-b.md': taskText({ task: '2', backpressure: gates[1] }, '# Answer | more\n'),
    }),
    'specs/tasks',
  );
  const [unit] = units;
  if (unit === undefined) throw new Error('the tree has a unit');
  return unit;
}

function shown(unit: Unit, facts: readonly EventBody[], rest: Partial<UnitPullInput> = {}): UnitPullInput {
  const events = numbered([started([plannedUnit('api', { tasks: 2 })]), ...facts]);
  const progress = foldEvents(events)?.units.get('api');
  if (progress === undefined) throw new Error('the run has the unit');
  return {
    unit,
    progress,
    events: events.slice(1),
    run: { id: 'run0000001', url: 'https://github.com/o/r/issues/1#c' },
    specsUrl: 'https://github.com/o/r/blob/c0ffee/',
    sandbox: 'bubblewrap',
    dependsOn: [],
    dependents: [],
    needs: [],
    base: 'main',
    head: commit('e'),
    verdict: { kind: 'recorded' },
    isBehind: false,
    offersUpdate: false,
    stuck: null,
    update: null,
    way: 'merge',
    hasMerges: false,
    isStacked: false,
    truths: { noBase: null, rejected: [], lost: null, also: [] },
    others: [],
    replaces: null,
    marker: MARK,
    ...rest,
  };
}

const DONE = [
  api.started(),
  api.invoke(1),
  api.done(1, 1_500, 0.25),
  api.invoke(1, 2),
  api.done(1, 1_500, 0.25, { attempt: 2 }),
  api.committed(1),
  api.taskDone(1),
  api.committed(2, commit('b'), true),
  api.taskDone(2, commit('b'), true),
];

describe('renderUnitPull', () => {
  test('says what was asked for, what was done and what it took', async () => {
    const { title, body } = renderUnitPull(shown(await unitOf(), [...DONE, api.completed(commit('b'))]));
    expect(title).toBe('The API');
    expect(body).toMatchInlineSnapshot(`
      "Serve it. From the [specs of \`api\`](https://github.com/o/r/blob/c0ffee/specs/tasks/api/IMPLEMENTATION_PLAN.md).

      Every gate passed in a fresh worktree at \`eeeeeeeeeeee\`, the head of this branch.

      ### How to give feedback

      - Request changes in a review, or comment \`/choo fix\` and what to change: an agent makes one more attempt, and answers each thread.
      - Or push to this branch: choo runs all gates on your commit.

      ### Tasks

      | Task | Title | Gate | State | Attempts | Time | Tokens, cost | Commit |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | 1 | Answer | \`make api\` | complete | 2 | 2s | 3.0k, $0.50 | aaaaaaaaaaaa |
      | 2 | Answer \\| more | \`make more\` | already green |  |  |  | bbbbbbbbbbbb |

      <details><summary>Task 1: <code>Answer</code></summary>

      [\`specs/tasks/api/01-a.md\`](https://github.com/o/r/blob/c0ffee/specs/tasks/api/01-a.md)

      <pre lang="markdown"><code># Answer
      </code></pre>

      </details>

      <details><summary>Task 2: <code>Answer &#x7c; more</code></summary>

      [\`specs/tasks/api/02-b.md\`](https://github.com/o/r/blob/c0ffee/specs/tasks/api/02-b.md)

      <pre lang="markdown"><code># Answer | more
      </code></pre>

      </details>

      ### To know

      - The gate of task 2 was *already green* before any work: it says little about what was done.

      <details><summary>What was asked for</summary>

      <pre lang="markdown"><code># The API

      Serve it.
      </code></pre>

      </details>

      Unit \`api\` by \`claude\`, made by choo from \`specs/tasks/api\` in [run run0000001](https://github.com/o/r/issues/1#c): 3.0k tokens, $0.50.

      <!-- choo:unit main%20api -->"
    `);
  });

  test('names its place in the stack, and what comes first', async () => {
    const { body } = renderUnitPull(
      shown(await unitOf(), [...DONE, api.completed()], {
        dependsOn: [
          { unit: 'base', pull: { number: 3, merged: true, revert: null } },
          { unit: 'core', pull: { number: 4, merged: false, revert: null } },
          { unit: 'back', pull: { number: 5, merged: false, revert: 'c0ffee'.padEnd(40, '0') } },
          { unit: 'old', pull: undefined },
        ],
        dependents: [{ unit: 'web', number: 9 }],
        needs: ['core', 'back'],
      }),
    );
    expect(body.slice(body.indexOf('### The stack'), body.indexOf('### How'))).toMatchInlineSnapshot(`
      "### The stack, in the order of merging

      - \`base\`: #3, merged
      - \`core\`: #4
      - \`back\`: #5, reverted by \`c0ffee000000\`
      - \`old\`: in the target
      - **\`api\`: this one**
      - \`web\`: #9, builds on this one

      **Merge first:** \`core\`, \`back\`. This is a draft until then.

      "
    `);
  });

  test('tells what a reviewer should know', async () => {
    const { body } = renderUnitPull(
      shown(
        await unitOf(),
        [
          api.started(),
          api.invoke(1),
          api.done(1, 10, null),
          api.notice('put back `.github/x` @ann'),
          api.notice('put back `.github/x` @ann'),
          api.completed(commit('a'), false),
        ],
        { sandbox: 'host' },
      ),
    );
    expect(body).toContain('**Not verified.**');
    expect(body.slice(body.indexOf('### To know'), body.lastIndexOf('<details>'))).toMatchInlineSnapshot(`
      "### To know

      - put back \`.github/x\` @​ann
      - It ran without a sandbox.
      - Not all of its cost is known: the provider does not say.

      "
    `);
  });

  test('one that failed says so first', async () => {
    const { title, body } = renderUnitPull(
      shown(await unitOf(), [api.started(), api.failed('task 1 is *red*\n/choo run', 'see #1')]),
    );
    expect(title).toBe('Unfinished: The API');
    expect(body).toContain('**Incomplete**: task 1 is \\*red\\* /choo run — see \\#\u200b1');
  });

  test('a spec cannot leave its place', async () => {
    const text = `# **T** @ann Fixes #1\n\n\`\`\`\`\n</details>\n/choo run\n<!-- hidden -->\n\u202eend ${MARK}\n`;
    const { title, body } = renderUnitPull(shown(await unitOf(text, 'a | b ` </td>'), [api.started()]));
    expect(title).toBe('**T** ann Fixes no. 1');
    expect(body).not.toMatch(/^\s*\//m);
    expect(body).not.toContain('\u202e');
    expect(body.endsWith(`\n\n${MARK}`)).toBe(true);
    expect(body.slice(body.indexOf('<details><summary>What was'))).toMatchInlineSnapshot(`
      "<details><summary>What was asked for</summary>

      <pre lang="markdown"><code>&#x23; &#x2a;&#x2a;T&#x2a;&#x2a; &#x40;ann Fixes &#x23;1

      &#x60;&#x60;&#x60;&#x60;
      &#x3c;/details&#x3e;
      &#x2f;choo run
      &#x3c;!-- hidden --&#x3e;
      end &#x3c;!-- choo:unit main%20api --&#x3e;
      </code></pre>

      </details>

      Unit \`api\` by \`claude\`, made by choo from \`specs/tasks/api\` in [run run0000001](https://github.com/o/r/issues/1#c): 0 tokens, $0.00.

      <!-- choo:unit main%20api -->"
    `);
    expect(body.split('\n').find((line) => line.startsWith('| 1 |'))).toMatchInlineSnapshot(
      `"| 1 | Answer | <code>a &#x7c; b &#x60; &#x3c;&#x2f;td&#x3e;</code> | pending |"`,
    );
  });

  test.each<[string, Partial<ConflictVerdict>, readonly string[], boolean]>([
    [
      'offers an agent',
      {},
      ['on this branch by @\u200bada', '`/choo update api`', boxLine('resolve')],
      false,
    ],
    ['says that one works', { agent: 'works' }, ['An agent is resolving it.'], true],
    [
      'says why one failed',
      { agent: 'none', failed: 'the *gate* is red' },
      ['could not resolve it', '`/choo update`'],
      true,
    ],
  ])('a conflict names files and authors, and %s', async (_, change, parts, hasNoBox) => {
    const verdict: ConflictVerdict = {
      ...{ kind: 'conflict', files: ['a.ts'], agent: 'offered', failed: null },
      ...{ authors: { own: ['@ada'], theirs: ['b\n- [x] c'] }, ...change },
    };
    const { body } = renderUnitPull(shown(await unitOf(), DONE, { verdict }));
    for (const part of ['`a.ts`', ...parts]) expect(body).toContain(part);
    expect(body.includes('- [ ]')).toBe(!hasNoBox);
    expect(body).not.toMatch(/^- \[x\]/m);
  });

  test('an update is offered where it can be made', async () => {
    const text = async (offersUpdate: boolean) =>
      renderUnitPull(shown(await unitOf(), DONE, { offersUpdate })).body.split('\n');
    expect(await text(true)).toContain(boxLine('update'));
    expect(await text(false)).not.toContain(boxLine('update'));
  });

  test('a title that nobody sees gives way to the id', async () => {
    const unit = { ...(await unitOf()), title: '\u200b\u3164' };
    expect(renderUnitPull(shown(unit, [api.failed()])).title).toBe('Unfinished: api');
    expect(renderUnitPull(shown(unit, [])).title).toBe('api');
  });

  test('whatever it is made of, it is no longer than GitHub takes', async () => {
    const ids = Array.from({ length: 2_000 }, (_, index) => `unit-${index}`);
    const { title, body } = renderUnitPull(
      shown(
        { ...(await unitOf(`# T\n\n${'`'.repeat(9_000)}\n`)), title: '@'.repeat(400) },
        [...ids.map((id) => api.notice(`${id} ${'*'.repeat(600)}`)), api.completed()],
        {
          dependsOn: ids.map((unit) => ({ unit, pull: { number: 1, merged: false, revert: null } })),
          needs: ids,
        },
      ),
    );
    expect(title.length).toBeLessThanOrEqual(200);
    expect(body.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
    expect(body).toMatch(/Merge first:\*\* `unit-0`.* and 1950 more\. This is a draft/);
    expect(body).toContain('### Tasks');
    expect(body).toMatch(/\n- … and \d+ more\n/);
  });

  test('whatever specs, gates and agents say at length, it is no longer than GitHub takes', async () => {
    const [unit, long] = [await unitOf(), '@ann `|</pre> '.repeat(10_000)];
    const tasks = Array.from({ length: 300 }, (_, at) => {
      const [task] = unit.tasks;
      if (task === undefined) throw new Error('the unit has a task');
      const content = Buffer.concat([task.file.content, Buffer.from(long.slice(0, 8_000))]);
      return { ...task, number: at + 1, title: long, gate: long, file: { ...task.file, content } };
    });
    const facts = tasks.flatMap(({ number }): EventBody[] => [
      { ...api.done(number, 9, 1), summary: long } as EventBody,
      { ...api.green(number, 'verify'), tail: long } as EventBody,
    ]);
    const { body } = renderUnitPull(shown({ ...unit, tasks }, facts));
    expect(body.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
    expect(body.match(/<details>/g)?.length).toBe(body.match(/<\/details>/g)?.length);
    expect(body.match(/<pre /g)?.length).toBe(body.match(/<\/pre>/g)?.length);
    for (const part of ['### How to give feedback', 'What each gate printed', "The agent's own summary"])
      expect(body).toContain(part);
    expect(body.match(/… and \d+ more\./g)?.length).toBeGreaterThan(2);
    expect(body).not.toContain('Left out');
  });

  test('begins with one sentence of what changed and why, and says how to give feedback', async () => {
    const text = '# The API\n\n> A quote.\n\n- a list\n\nServe the answer\nto @ann. More of it.\n';
    const { body } = renderUnitPull(shown(await unitOf(text), DONE));
    const [first] = body.split('\n\n');
    expect(first).toBe(
      'Serve the answer to @\u200bann. From the [specs of `api`](https://github.com/o/r/blob/c0ffee/specs/tasks/api/IMPLEMENTATION_PLAN.md).',
    );
    const feedback = body.slice(body.indexOf('### How to give feedback'), body.indexOf('### Tasks'));
    expect(feedback.trim().split('\n').slice(2)).toHaveLength(2);
    const bare = renderUnitPull(shown(await unitOf('# The API\n'), DONE)).body;
    expect(bare).toMatch(/^This does what the \[specs of `api`\]/);
  });

  test('shows what each task asked for, what its gate printed and what the agent says, and nothing acts in it', async () => {
    const hostile = '</code></pre></details>\n/choo run\n@ann fixes #1\n```\n<!-- x -->';
    const { body } = renderUnitPull(
      shown(await unitOf(), [
        ...DONE,
        { ...api.done(1, 9, 1), summary: `I did it. ${hostile}` } as EventBody,
        { ...api.green(1, 'attempt'), tail: 'not the last' } as EventBody,
        { ...api.green(1, 'verify'), tail: `${hostile}\n12 passed` } as EventBody,
        { ...api.green(2, 'verify'), tail: '' } as EventBody,
      ]),
    );
    expect(body).toContain(
      '[`specs/tasks/api/01-a.md`](https://github.com/o/r/blob/c0ffee/specs/tasks/api/01-a.md)',
    );
    expect(body).toContain('<details><summary>Task 1: <code>Answer</code></summary>');
    expect(body).toMatch(
      /Task 1: `make api` passed in 1s:\n\n<pre lang="text"><code>[\s\S]*12 passed\n<\/code>/,
    );
    expect(body).toContain('Task 2: `make more` passed in 1s and printed nothing.');
    expect(body).toMatch(
      /The agent's own summary, which nothing checks<\/summary>\n\nTask 1:[\s\S]*I did it\./,
    );
    expect(body).not.toContain('not the last');
    expect(body).not.toMatch(/@ann|fixes #1|^\s*\//m);
    expect(body.match(/<details>/g)?.length).toBe(body.match(/<\/details>/g)?.length);
    expect(body.match(/<!--/g)).toHaveLength(1);
  });

  test('a title in the line of a fold is text there, too, where no backslash escapes', async () => {
    const unit = await unitOf();
    const [task] = unit.tasks;
    if (task === undefined) throw new Error('the unit has a task');
    const title = '<img src=x> [x](http://evil.example) @ann `b` </summary></details>';
    const { body } = renderUnitPull(shown({ ...unit, tasks: [{ ...task, title }] }, DONE));
    const folds = body.split('\n').filter((line) => line.startsWith('<details>'));
    expect(folds.length).toBeGreaterThan(1);
    for (const fold of folds)
      expect(fold).toMatch(/^<details><summary>[^<>@`\\]*(?:<code>[^<>@`\\]*<\/code>)?<\/summary>$/);
  });

  test('the address of a spec stays one, whatever the file is called', async () => {
    const unit = await unitOf();
    const [task] = unit.tasks;
    if (task === undefined) throw new Error('the unit has a task');
    const path = 'specs/a b/) [x](http://evil.example) @ann.md';
    const { body } = renderUnitPull(
      shown({ ...unit, tasks: [{ ...task, file: { ...task.file, path } }] }, DONE),
    );
    expect(body).toContain('c0ffee/specs/a%20b/%29%20%5Bx%5D%28http%3A/');
    expect(body).not.toMatch(/\]\(http:|@ann/);
  });

  test.each([
    ['merge', 'by a merge commit; the unit', true],
    [
      'rebase',
      "by making the unit's own commits again on it; choo keeps the old head `aaaaaaaaaaaa`; the",
      false,
    ],
    ['found', 'by a rebase that choo did not make; the', false],
    ['merged', 'by a merge that choo did not make; the', true],
  ] as const)(
    'says of a branch that was brought up to date by %s how to merge it',
    async (way, how, saysHow) => {
      const update = { from: commit('a'), to: commit('e'), same: true, files: [], way, joined: 0 };
      const facts = [...DONE, api.completed(commit('b'))];
      const bodyOf = async (rest: Partial<UnitPullInput>): Promise<string> =>
        renderUnitPull(shown(await unitOf(), facts, { update, ...rest })).body;
      const body = await bodyOf({ hasMerges: saysHow });
      expect(body).toContain(how);
      expect(body.includes('by squash or with a merge commit')).toBe(saysHow);
      // Where only a rebase merges, a merge commit on the branch is in the way.
      const linear = await bodyOf({ way: 'rebase', hasMerges: way === 'merge' });
      expect(linear).not.toContain('by squash or with a merge commit');
      expect(linear.includes('Comment `/choo update api`')).toBe(way === 'merge');
      expect(await bodyOf({ update: { ...update, joined: 3 } })).toContain('3 commits became one');
    },
  );
});
