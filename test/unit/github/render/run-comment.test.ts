import { describe, expect, test } from 'vitest';
import type { EventBody, PlannedUnit } from '../../../../src/events/event.ts';
import { foldEvents, type RunState } from '../../../../src/events/state.ts';
import { marker } from '../../../../src/github/api/marker.ts';
import { MAX_BODY_LENGTH } from '../../../../src/github/render/markdown.ts';
import { renderRunComment, type RunCommentInput } from '../../../../src/github/render/run-comment.ts';
import { factsOf, numbered, plannedUnit, started } from '../../../helpers/run-events.ts';

const MARK = marker('run', 'run0000001');
const [api, web, docs] = [factsOf('api'), factsOf('web'), factsOf('docs')];

function stateOf(
  units: readonly PlannedUnit[],
  events: readonly EventBody[],
  actor: string | null = 'ann',
): RunState {
  const state = foldEvents(numbered([{ ...started(units), actor }, ...events]));
  if (state === undefined) throw new Error('a run has a start');
  return state;
}

function shown(state: RunState, rest: Partial<RunCommentInput> = {}): RunCommentInput {
  const nothing = { withoutPull: { units: [], most: 50 }, refusals: [] };
  return {
    state,
    waits: null,
    overtakenBy: null,
    links: new Map(),
    marker: MARK,
    ...nothing,
    isThread: true,
    ...rest,
  };
}

const THREE = [
  plannedUnit('docs'),
  plannedUnit('api', { tasks: 2 }),
  plannedUnit('web', { dependsOn: ['api'] }),
];
const FAILED = [
  docs.started(),
  docs.invoke(1),
  docs.done(1, 12_345, 0.42),
  docs.taskDone(1),
  docs.completed(),
  api.started(),
  api.invoke(1),
  api.done(1, 500, null),
  api.failed('task 1 is still **red** @ann #3', 'look at\n/choo run'),
  web.blocked('api'),
];
const END: EventBody = { type: 'orch.failed', branch: null, head: null, unmerged: [] };

describe('renderRunComment', () => {
  test('a run under way', () => {
    const events = [docs.started(), docs.invoke(1), docs.usage(1, 900, 0.1)];
    expect(renderRunComment(shown(stateOf(THREE, events)))).toMatchInlineSnapshot(`
      "**🔵 Run \`run0000001\` is under way: 0 of 3 units complete.**

      Available commands: \`/choo status\` · \`/choo cancel\`

      Specs at 000000000000, asked for by \`ann\`; results go to \`main\`. 3s, 900 tokens, $0.10.

      | Unit | State | Tasks | Attempts | Time | Tokens | Cost |
      | --- | --- | --- | --- | --- | --- | --- |
      | \`docs\` | 🔵 running | 0/1 | 1 | 2s | 900 | $0.10 |
      | \`api\` | ⏳ waiting | 0/2 | 0 |  |  |  |
      | \`web\` | ⏳ waiting | 0/1 | 0 |  |  |  |

      \`\`\`mermaid
      flowchart LR
        u0["docs<br/>running"]:::running
        u1["api<br/>pending"]:::pending
        u2["web<br/>pending"]:::pending
        u1 --> u2
        classDef running fill:#ddf4ff,stroke:#0969da,color:#1f2328
        classDef pending fill:#f6f8fa,stroke:#818b98,color:#1f2328
      \`\`\`

      <!-- choo:run run0000001 -->"
    `);
  });

  test('a run with a failed unit says why, what it blocks and what can be done', () => {
    const links = new Map([
      ['docs', { pull: { number: 7, state: 'merged' as const } }],
      ['api', { pull: { number: 8, state: 'open' as const } }],
    ]);
    expect(renderRunComment(shown(stateOf(THREE, [...FAILED, END]), { links }))).toMatchInlineSnapshot(`
      "**❌ Run \`run0000001\` has failed units: 1 of 3 units complete, 1 failed, 1 blocked.**

      - ❌ \`api\` (#8): task 1 is still \\*\\*red\\*\\* @​ann \\#​3 — look at /choo run

      Available commands: \`/choo retry api\` · \`/choo retry api --fresh\` · \`/choo skip api\` · \`/choo run\` · \`/choo retry\`

      Specs at 000000000000, asked for by \`ann\`; results go to \`main\`. 11s, 12.8k tokens, $0.42 and more that is unknown.

      | Unit | State | Tasks | Attempts | Time | Tokens | Cost | Result |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | \`api\` | ❌ failed | 0/2 | 1 | 3s | 500 | $? | #8 |
      | \`web\` | 🚧 blocked by \`api\` | 0/1 | 0 |  |  |  |  |
      | \`docs\` | ✅ complete | 1/1 | 1 | 4s | 12.3k | $0.42 | #7 (merged) |

      \`\`\`mermaid
      flowchart LR
        u0["docs<br/>complete"]:::complete
        u1["api<br/>failed"]:::failed
        u2["web<br/>blocked"]:::blocked
        u1 --> u2
        classDef complete fill:#dafbe1,stroke:#1a7f37,color:#1f2328
        classDef failed fill:#ffebe9,stroke:#cf222e,color:#1f2328
        classDef blocked fill:#fff8c5,stroke:#9a6700,color:#1f2328
      \`\`\`

      <!-- choo:run run0000001 -->"
    `);
  });

  test('a run that waits names the other', () => {
    expect(renderRunComment(shown(stateOf(THREE, []), { waits: 'run0000000' }))).toContain(
      'waits for run `run0000000` on the same branch: 0 of 3 units complete',
    );
  });

  test('without a thread there are no commands', () => {
    expect(renderRunComment(shown(stateOf(THREE, []), { isThread: false }))).not.toContain('/choo');
  });

  test('without a sandbox it says so', () => {
    const state = stateOf(THREE, []);
    expect(renderRunComment(shown({ ...state, start: { ...state.start, sandbox: 'host' } }))).toContain(
      '**not sandboxed**',
    );
  });

  test('who asked and where results go are only shown', () => {
    const state = stateOf(THREE, [], '`@ann` --> <!-- choo:run x -->');
    const text = renderRunComment(shown({ ...state, start: { ...state.start, target: 'a`|\n/choo run' } }));
    expect(text).not.toMatch(/^\s*\//m);
    expect(text).toMatch(/asked for by <code>[^<>`@]+<\/code>; results go to/);
    expect(text.endsWith(`\n\n${MARK}`)).toBe(true);
  });

  test('2,000 units fit: what failed is shown, the rest counted, no graph drawn', () => {
    const units = Array.from({ length: 2_000 }, (_, index) => plannedUnit(`unit-${index}`));
    const failed = [1_998, 1_999].flatMap((index) => {
      const facts = factsOf(`unit-${index}`);
      return [facts.started(), facts.failed()];
    });
    const text = renderRunComment(shown(stateOf(units, failed)));
    expect(text.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
    expect(text).toContain('| `unit-1998` | ❌ failed');
    expect(text).toMatch(/… and \d+ more\./);
    expect(text).toContain('2000 units: too many to draw');
    expect(text.endsWith(MARK)).toBe(true);
  });

  test('2,000 units that failed with much to say: why is told as far as there is room, needs-human first', () => {
    const units = Array.from({ length: 2_000 }, (_, index) => plannedUnit(`unit-${index}`));
    const events = units.map(({ id }, index): EventBody => ({
      type: 'unit.failed',
      unit: id,
      failure: index === 1_999 ? 'needs-human' : 'attempts',
      message: '*'.repeat(600),
      hint: '@'.repeat(600),
      head: null,
    }));
    const text = renderRunComment(shown(stateOf(units, [...events, END])));
    expect(text.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
    expect(text).toMatch(/\n\n- ❌ `unit-1999` \*\*needs human\*\*: /);
    expect(text).toMatch(/\n- … and \d+ more\.\n/);
    expect(text).not.toContain('what went wrong');
    expect(text.indexOf('Available commands')).toBeLessThan(20_000);
  });
});

test('what GitHub refused is said, as text, and only so much of it', () => {
  const state = stateOf([plannedUnit('api')], [api.started()]);
  const refusals = Array.from({ length: 30 }, (_, at) => `the base of pull request ${at}: **no** @ann`);
  const links = new Map([['api', { pull: { number: 7, state: 'lost' as const } }]]);
  const text = renderRunComment(shown(state, { refusals, links }));
  expect(text).toContain('- the base of pull request 0: \\*\\*no\\*\\* @\u200bann'.replace(': ', '\\: '));
  expect(text).toContain('… and 10 more.');
  expect(text).toContain('#7 (closed when a branch was deleted)');
});

/** As many units that are complete, or failed, or wait. */
const stateWith = ({ done = 0, failed = 0, waiting = 0, length = 8 }): RunState => {
  const name = (kind: string, index: number): string => `${kind}-${index}`.padEnd(length, 'x');
  const units = [
    ...Array.from({ length: failed }, (_, at) => name('failed', at)),
    ...Array.from({ length: waiting }, (_, at) => name('waiting', at)),
    ...Array.from({ length: done }, (_, at) => name('done', at)),
  ];
  const events = units.flatMap((id): EventBody[] => {
    const facts = factsOf(id);
    if (id.startsWith('failed'))
      return [facts.started(), facts.failed('*red* '.repeat(100), '@ann '.repeat(80))];
    return id.startsWith('done') ? [facts.started(), facts.done(1, 1_000, 0.1), facts.completed()] : [];
  });
  return stateOf(
    units.map((id) => plannedUnit(id)),
    events,
  );
};

describe('the size of a status comment', () => {
  test('rows of finished units are folded beyond ten, and the graph beyond twenty', () => {
    const open = renderRunComment(shown(stateWith({ done: 10, waiting: 10 })));
    expect(open).not.toContain('<details>');
    const text = renderRunComment(shown(stateWith({ done: 11, waiting: 10 })));
    const folded = text.slice(text.indexOf('<details><summary>✅ complete: 11</summary>'));
    expect(folded).toContain('| `done-10x` | ✅ complete');
    expect(text.slice(0, text.indexOf('<details>'))).not.toContain('done-');
    expect(text).toMatch(/<details><summary>The graph of 21 units<\/summary>\n\n```mermaid/);
  });

  test('what failed is open up to ten units, with the commands right under it', () => {
    const text = renderRunComment(shown(stateWith({ failed: 12, done: 3 })));
    const lines = text.split('\n').filter((line) => line !== '');
    expect(lines[0]).toMatch(/^\*\*🔵 Run .*: 3 of 15 units complete, 12 failed\.\*\*$/);
    expect(lines.slice(1, 11).every((line) => line.startsWith('- ❌ `failed-'))).toBe(true);
    expect(lines[11]).toBe('<details><summary>What else failed</summary>');
    expect(lines[15]).toMatch(/^Available commands: /);
  });

  test('200 units take less than 60,000 characters, whatever became of them', () => {
    for (const some of [
      { done: 200 },
      { failed: 200 },
      { waiting: 200 },
      { done: 70, failed: 60, waiting: 70 },
    ])
      for (const length of [8, 100]) {
        const text = renderRunComment(shown(stateWith({ ...some, length })));
        expect(text.length).toBeLessThan(60_000);
        expect(text.match(/<details>/g)?.length ?? 0).toBe(text.match(/<\/details>/g)?.length ?? 0);
      }
  });
});

test('work of an earlier run is said to be done before', () => {
  const satisfied: EventBody = { type: 'unit.satisfied', unit: 'docs', head: null, doneIn: 'run0000009' };
  const links = new Map([['docs', { pull: { number: 4, state: 'merged' as const } }]]);
  const text = renderRunComment(shown(stateOf([plannedUnit('docs')], [satisfied]), { links }));
  expect(text).toContain('| `docs` | ✅ done before, in run `run0000009`, #4 (merged) |');
});

test('the comment of an earlier run of the thread says which one commands are for', () => {
  const overtakenBy = { run: 'run0000002', url: 'https://github.com/o/r/issues/1#issuecomment-2' };
  const text = renderRunComment(shown(stateOf(THREE, [...FAILED, END]), { overtakenBy }));
  expect(text.split('\n\n')[1]).toBe(
    '**Overtaken by [run run0000002](https://github.com/o/r/issues/1#issuecomment-2)**, which is newer on this thread: commands here are for that one. This is how `run0000001` ended.',
  );
  expect(text).not.toContain('/choo retry');
});

test('a command that a reason names for a shell is shown as it is written in a comment', () => {
  const failed = api.failed('a person moved it', '`choo retry run0000001 api --fresh` starts over');
  expect(renderRunComment(shown(stateOf(THREE, [api.started(), failed, END])))).toContain(
    '- ❌ `api`: a person moved it — `/choo retry run0000001 api --fresh` starts over',
  );
});
