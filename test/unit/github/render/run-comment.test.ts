import { describe, expect, test } from 'vitest';
import { ceilingsOf } from '../../../../src/config/ceilings.ts';
import { applyCeilings } from '../../../../src/config/apply-ceilings.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import type { EventBody, PlannedUnit } from '../../../../src/events/event.ts';
import { foldEvents, type RunState } from '../../../../src/events/state.ts';
import { marker } from '../../../../src/github/api/marker.ts';
import { MAX_BODY_LENGTH } from '../../../../src/github/render/markdown.ts';
import { renderPlanCheck } from '../../../../src/github/render/plan-check.ts';
import { renderConfigIssue, renderPlanComment } from '../../../../src/github/render/plan-comment.ts';
import {
  renderEndComment,
  renderRunComment,
  type RunCommentInput,
} from '../../../../src/github/render/run-comment.ts';
import { planOf, unitFiles } from '../../../helpers/plan-of.ts';
import { commit, factsOf, numbered, plannedUnit, started } from '../../../helpers/run-events.ts';

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
  return { state, waits: null, links: new Map(), marker: MARK, ...nothing, isThread: true, ...rest };
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
      "**Run \`run0000001\` is under way: 0 of 3 units.**

      Specs at 000000000000, asked for by \`ann\`; results go to \`main\`. 3s, 900 tokens, $0.10.

      | Unit | State | Tasks | Attempts | Time | Tokens | Cost | Result |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | \`docs\` | 🔵 running | 0/1 | 1 | 2s | 900 | $0.10 |  |
      | \`api\` | ⏳ waiting | 0/2 | 0 |  |  |  |  |
      | \`web\` | ⏳ waiting | 0/1 | 0 |  |  |  |  |

      \`\`\`mermaid
      flowchart LR
        u0["docs<br/>running"]:::running
        u1["api<br/>pending"]:::pending
        u2["web<br/>pending"]:::pending
        u1 --> u2
        classDef running fill:#ddf4ff,stroke:#0969da,color:#1f2328
        classDef pending fill:#f6f8fa,stroke:#818b98,color:#1f2328
      \`\`\`

      Commands that make sense now: \`/choo status\` · \`/choo cancel\`

      <!-- choo:run run0000001 -->"
    `);
  });

  test('a run with a failed unit says why, what it blocks and what can be done', () => {
    const links = new Map([
      ['docs', { pull: { number: 7, state: 'merged' as const } }],
      ['api', { pull: { number: 8, state: 'open' as const } }],
    ]);
    expect(renderRunComment(shown(stateOf(THREE, [...FAILED, END]), { links }))).toMatchInlineSnapshot(`
      "**Run \`run0000001\` has failed units: 1 of 3 units.**

      Specs at 000000000000, asked for by \`ann\`; results go to \`main\`. 11s, 12.8k tokens, $0.42 and more that is unknown.

      - \`api\`: task 1 is still \\*\\*red\\*\\* @​ann \\#​3 — look at /choo run

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

      Commands that make sense now: \`/choo retry api\` · \`/choo retry api --fresh\` · \`/choo skip api\` · \`/choo run\` · \`/choo retry\`

      <!-- choo:run run0000001 -->"
    `);
  });

  test('a run that waits names the other', () => {
    expect(renderRunComment(shown(stateOf(THREE, []), { waits: 'run0000000' }))).toContain(
      'waits for run `run0000000` on the same branch: 0 of 3 units',
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
    expect(text).toMatch(/\n\n- `unit-1999` \*\*needs human\*\*: /);
    expect(text).toMatch(/\n- … and \d+ more\.\n/);
    expect(text).not.toContain('what went wrong');
  });
});

describe('renderEndComment', () => {
  test('says in short what became of it', () => {
    const links = new Map([['docs', { pull: { number: 7, state: 'open' as const } }]]);
    const state = stateOf(THREE, [...FAILED, END]);
    expect(renderEndComment({ state, links, marker: MARK })).toMatchInlineSnapshot(`
      "Run \`run0000001\` has failed units.
      ✅ complete: \`docs\` (#7)
      ❌ failed: \`api\`
      🚧 blocked: \`web\`

      <!-- choo:run run0000001 -->"
    `);
  });

  test('says when a person has to look', () => {
    const state = stateOf(THREE, [{ ...api.failed(), failure: 'needs-human' } as EventBody, END]);
    expect(renderEndComment({ state, links: new Map(), marker: MARK })).toContain('A person has to look');
  });

  test('counts what it does not name', () => {
    const units = Array.from({ length: 30 }, (_, index) => plannedUnit(`unit-${index}`));
    const done = units.map(({ id }) => factsOf(id).satisfied());
    const state = stateOf(units, [...done, { type: 'orch.completed', branch: null, head: null }]);
    expect(renderEndComment({ state, links: new Map(), marker: MARK })).toContain('`unit-19` and 10 more');
  });
});

describe('renderPlanComment', () => {
  const rest = {
    commit: commit('a'),
    changed: new Set(['api']),
    checkUrl: 'https://github.com/o/r/runs/1',
    marker: marker('plan', '3'),
  };

  test('shows the plan and how to run it', async () => {
    const plan = await planOf({ ...unitFiles('api'), ...unitFiles('web', { dependsOn: ['api'] }) });
    expect(renderPlanComment({ plan, ...rest })).toMatchInlineSnapshot(`
      "The plan of aaaaaaaaaaaa: **2 units in 2 waves**, 1 changed here. [Its check](https://github.com/o/r/runs/1) shows gates and providers.

      Put the label \`choo:run\` on, or write \`/choo run\`, to have the units that changed here carried out. \`/choo help\` shows what else there is.

      \`\`\`mermaid
      flowchart LR
        u0["api<br/>1 task, claude"]:::planned
        u1["web<br/>1 task, claude"]:::planned
        u0 --> u1
        classDef planned fill:#ddf4ff,stroke:#0969da,color:#1f2328
      \`\`\`

      <!-- choo:plan 3 -->"
    `);
  });

  test('says which limits the operator does not allow', async () => {
    const content = Buffer.from('limits: { run_cost: 500 }\n');
    const loaded = loadConfig([{ path: '.choo.yml', size: content.byteLength, content }]);
    const configuration = applyCeilings(loaded, ceilingsOf({ CHOO_MAX_COST_RUN: 100 }));
    const plan = await planOf(unitFiles('api'), { configuration });
    const told = 'asks for \\$500\\: the operator allows \\$100';
    expect(renderPlanComment({ plan, ...rest })).toContain(`\n- limits.run\\_cost ${told}\n`);
    const check = {
      plan,
      commit: rest.commit,
      configCommit: commit('b'),
      configNote: null,
      limits: null,
      keys: new Map(),
    };
    const { summary, annotations } = renderPlanCheck({ ...check, changed: new Set<string>() });
    expect(summary).toContain(`limits.run\\_cost ${told}`);
    expect(annotations).toMatchObject([{ path: '.choo.yml', start_line: 1, annotation_level: 'notice' }]);
  });

  test('offers no run where there is nothing to run, or something is wrong', async () => {
    const done = await planOf(unitFiles('api', { statuses: ['complete'] }));
    const broken = await planOf(unitFiles('api', { dependsOn: ['nobody'] }));
    expect(renderPlanComment({ plan: done, ...rest })).toMatch(/^There is nothing to run(?!.*\/choo run)/s);
    expect(renderPlanComment({ plan: broken, ...rest })).toMatch(/\*\*1 error\*\*(?!.*\/choo run)/s);
  });

  test('a broken configuration: what is wrong is only shown', () => {
    const { title, body } = renderConfigIssue({
      problems: [
        {
          severity: 'error',
          code: 'config-value',
          message: '`@ann` | <!-- -->',
          file: '.choo.yml',
          line: 2,
          column: 1,
          hint: '/choo run',
        },
      ],
      commit: commit('a'),
      holds: commit('b'),
      marker: marker('configuration', 'issue'),
    });
    expect(title).toBe('The configuration of choo is broken');
    expect(body).toMatchInlineSnapshot(`
      "The configuration at aaaaaaaaaaaa cannot be used. Until it is mended, the one at bbbbbbbbbbbb holds.

      | Where | What |
      | --- | --- |
      | \`.choo.yml\`:2 | @​ann \\| \\<\\!\\-\\- \\-\\-\\> — ​/choo run |

      choo closes this issue when a push to the default branch mends it.

      <!-- choo:configuration issue -->"
    `);
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
