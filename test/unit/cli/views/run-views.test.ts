import stringWidth from 'fast-string-width';
import { describe, expect, test } from 'vitest';
import { renderLive } from '../../../../src/cli/views/live-lines.ts';
import { renderRunLine } from '../../../../src/cli/views/run-lines.ts';
import { renderSummary } from '../../../../src/cli/views/run-summary.ts';
import { totalsOf } from '../../../../src/cli/views/run-totals.ts';
import type { EventBody } from '../../../../src/events/event.ts';
import { advance, foldEvents, type RunState } from '../../../../src/events/state.ts';
import { describeCost, formatCost, formatDuration, formatTokens } from '../../../../src/text/amounts.ts';
import {
  START,
  commit,
  factsOf,
  numbered,
  plannedUnit,
  resumed,
  started,
} from '../../../helpers/run-events.ts';

const paint = (_: string, text: string): string => text;
const HOSTILE = '\x1B[2J\x1B]0;owned\x07\r\n\u202Etxt';

function stateAfter(events: readonly EventBody[]): RunState {
  const state = foldEvents(numbered(events));
  if (state === undefined) throw new Error('no run');
  return state;
}

const [base, api, web, docs, app, old] = ['base', 'api', 'web', 'docs', 'app', 'old'].map(factsOf) as [
  ReturnType<typeof factsOf>,
  ReturnType<typeof factsOf>,
  ReturnType<typeof factsOf>,
  ReturnType<typeof factsOf>,
  ReturnType<typeof factsOf>,
  ReturnType<typeof factsOf>,
];

const PLAN = started([
  plannedUnit('base', { tasks: 2 }),
  plannedUnit('api', { tasks: 3, dependsOn: ['base'] }),
  plannedUnit('web', { dependsOn: ['base'] }),
  plannedUnit('docs'),
  plannedUnit('app', { tasks: 4, dependsOn: ['api'] }),
  plannedUnit('old'),
]);

/** One unit in each state. */
const MIDDLE: readonly EventBody[] = [
  PLAN,
  ...[old.satisfied(), base.started(), base.task(1), base.invoke(1), base.done(1, 12_345, 0.42)],
  ...[base.committed(1), base.pushed(), base.taskDone(1), base.completed()],
  ...[
    api.started(),
    api.task(1),
    api.taskDone(1),
    api.task(2),
    api.invoke(2),
    api.done(2, 40_000, 1.2),
    api.red(2),
  ],
  ...[api.retry(2), api.invoke(2, 2), api.usage(2, 5000, null, 2)],
  ...[docs.started(), docs.task(1), docs.gate(1, 'base')],
  ...[web.started(), web.failed('task 1 is red after 3 attempts', 'look at its gate')],
];

describe('amounts', () => {
  test.each([
    [0, '0s'],
    [-5, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m 00s'],
    [3_599_000, '59m 59s'],
    [3_600_000, '1h 00m'],
    [86_400_000 + 7_200_000, '1d 02h'],
  ])('%i ms are %s', (milliseconds, expected) => expect(formatDuration(milliseconds)).toBe(expected));

  test.each([
    [0, '0'],
    [999, '999'],
    [1000, '1.0k'],
    [999_949, '999.9k'],
    [999_950, '1.0M'],
    [12_345_678, '12.3M'],
  ])('%i tokens are %s', (tokens, expected) => expect(formatTokens(tokens)).toBe(expected));

  test.each([
    [0, false, '$0.00', '$0.00'],
    [0.001, false, '<$0.01', '<$0.01'],
    [1.239, false, '$1.24', '$1.24'],
    [0, true, '$?', 'cost unknown'],
    [1, true, '$1.00+', '$1.00 and more that is unknown'],
  ])('%d dollars, unknown %s, are %s', (cost, unknownCost, short, words) => {
    expect(formatCost({ cost, unknownCost })).toBe(short);
    expect(describeCost({ cost, unknownCost })).toBe(words);
  });

  test.each([
    ['told', false, '$1.24', '$1.24'],
    ['computed', false, '~$1.24', '$1.24 by list prices'],
    ['reserved', false, '~$1.24', '$1.24, some of it only set aside'],
    ['computed', true, '~$1.24+', '$1.24 by list prices and more that is unknown'],
  ] as const)('a cost that is %s, more unknown %s, is %s', (basis, unknownCost, short, words) => {
    expect(formatCost({ cost: 1.239, unknownCost, basis })).toBe(short);
    expect(describeCost({ cost: 1.239, unknownCost, basis })).toBe(words);
  });
});

describe('the live view', () => {
  const activities = new Map([
    ['api', 'Reading src/api/router.ts to see how requests are routed'],
    ['docs', '2 of 9 tests'],
  ]);
  const at = (width: number, rows = 24) => ({ width, rows, now: START + 100_000, paint });

  test('shows every unit at 80 columns', () => {
    expect(renderLive(stateAfter(MIDDLE), activities, at(80)).join('\n')).toMatchInlineSnapshot(`
      "✓ base  done              7s   12.3k    $0.42
      ▸ api   task 2 of 3   1m 30s   45.0k   $1.20+  attempt 2, agent: Reading src/ap…
      ✗ web   failed            1s                   task 1 is red after 3 attempts
      ▸ docs  task 1 of 1   1m 20s                   gate: 2 of 9 tests
        app   waits                                  after api
      ✓ old   done
      2 done, 2 running, 1 failed, 1 waiting, 57.3k tokens, $1.62+, 1m 40s,
      6 tasks on the critical path"
    `);
  });

  test('shows every unit at 40 columns', () => {
    expect(renderLive(stateAfter(MIDDLE), activities, at(40)).join('\n')).toMatchInlineSnapshot(`
      "✓ base  done              7s
      ▸ api   task 2 of 3   1m 30s  attempt 2…
      ✗ web   failed            1s  task 1 is…
      ▸ docs  task 1 of 1   1m 20s  gate: 2 o…
        app   waits                 after api
      ✓ old   done
      2 done, 2 running, 1 failed, 1 waiting,
      57.3k tokens, $1.62+, 1m 40s,
      6 tasks on the critical path"
    `);
  });

  test('shows the end', () => {
    const end = stateAfter([
      ...MIDDLE,
      ...[app.blocked('web'), api.completed(commit('c'), false), docs.completed()],
      { type: 'orch.failed', branch: 'choo/run/x', head: commit('f'), unmerged: [] },
    ]);
    expect(renderLive(end, activities, at(80)).join('\n')).toMatchInlineSnapshot(`
      "✓ base  done              7s   12.3k    $0.42
      ✓ api   unverified       16s   45.0k   $1.20+
      ✗ web   failed            1s                   task 1 is red after 3 attempts
      ✓ docs  done              7s
      - app   blocked                                by web
      ✓ old   done
      4 done, 1 failed, 1 blocked, 57.3k tokens, $1.62+, 28s"
    `);
  });

  test('shows what was cancelled and what was skipped, and that nobody waits for that', () => {
    const state = stateAfter([
      ...MIDDLE,
      ...[docs.cancelled(), api.skipped(), app.blocked('docs'), app.queued()],
      { type: 'orch.cancelled', actor: 'ann' },
    ]);
    const lines = renderLive(state, activities, at(80));
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "✓ base  done              7s   12.3k    $0.42
      » api   skipped          16s   45.0k   $1.20+
      ✗ web   failed            1s                   task 1 is red after 3 attempts
      × docs  cancelled         5s
        app   waits
      ✓ old   done
      2 done, 1 failed, 1 cancelled, 1 skipped, 1 waiting, 57.3k tokens, $1.62+, 29s,
      4 tasks on the critical path"
    `);
    const [failed, rest] = renderLive(state, activities, at(80, 4));
    expect(failed).toMatch(/^✗ web /);
    expect(rest).toBe('and 5 more: 2 done, 1 cancelled, 1 skipped, 1 waiting');
  });

  test('shows who waits, and for what', () => {
    const state = stateAfter([
      ...MIDDLE,
      ...[api.released(Date.UTC(2026, 0, 2, 5, 30)), docs.invoke(1)],
      {
        type: 'task.provider.waiting',
        unit: 'docs',
        provider: 'claude',
        reason: 'limit',
        until: Date.UTC(2026, 0, 2, 4, 7),
      },
    ]);
    const lines = renderLive(state, new Map(), at(120)).map((line) => line.replaceAll(/ {2,}/g, '  '));
    expect(lines).toContainEqual(expect.stringContaining('waits for the provider until 04:07 UTC'));
    expect(lines).toContainEqual(expect.stringContaining('api  given back'));
    expect(lines).toContainEqual(expect.stringContaining('not before 05:30 UTC'));
    expect(lines).toContainEqual(expect.stringMatching(/app\s+waits\s+after api$/));
  });

  test('shows what runs first when there is not room for all, and counts the rest', () => {
    const units = Array.from({ length: 30 }, (_, i) => plannedUnit(`u${i}`));
    const state = stateAfter([
      started(units),
      ...Array.from({ length: 10 }, (_, i) => factsOf(`u${i}`).completed()),
      ...Array.from({ length: 3 }, (_, i) => factsOf(`u${20 + i}`).started()),
      factsOf('u29').failed(),
    ]);
    const lines = renderLive(state, new Map(), at(80, 8));
    expect(lines.map((line) => line.slice(0, 18))).toMatchInlineSnapshot(`
      [
        "▸ u20  running    ",
        "▸ u21  running    ",
        "▸ u22  running    ",
        "✗ u29  failed     ",
        "  u10  waits",
        "  u11  waits",
        "and 24 more: 10 do",
        "10 done, 3 running",
      ]
    `);
    expect(lines.at(-2)).toBe('and 24 more: 10 done, 14 waiting');
    expect(renderLive(state, new Map(), at(80, 31))).toHaveLength(31);
    expect(renderLive(state, new Map(), at(80, 1))).toHaveLength(2);
    expect(renderLive(state, new Map(), at(80, Number.POSITIVE_INFINITY))).toHaveLength(31);
  });

  test('never shows an unknown cost as nothing', () => {
    const state = stateAfter([PLAN, api.started(), api.task(1), api.invoke(1), api.usage(1, 500, null)]);
    const text = renderLive(state, new Map(), at(80)).join('\n');
    expect(text).toContain('$?');
    expect(text).not.toContain('$0');
  });

  test('counts what is left on the critical path', () => {
    // base (1 of 2 left), api (3), app (4)
    const half = stateAfter([PLAN, base.started(), base.task(1), base.taskDone(1)]);
    expect(totalsOf(half).criticalTasks).toBe(8);
    expect(totalsOf(stateAfter(MIDDLE)).criticalTasks).toBe(6);
    expect(
      totalsOf(stateAfter([PLAN, ...[base, api, web, docs, app, old].map((unit) => unit.completed())]))
        .criticalTasks,
    ).toBe(0);
  });

  test.each([20, 39, 40, 59, 60, 79, 80, 200])('keeps to %i columns, whatever is in it', (width) => {
    const ids = ['a'.repeat(100), 'b-漢字', 'c'];
    const state = stateAfter([
      started(ids.map((id) => plannedUnit(id, { tasks: 12, dependsOn: ids.filter((each) => each > id) }))),
      ...[
        factsOf(ids[1] ?? '').started(),
        factsOf(ids[1] ?? '').task(12),
        factsOf(ids[1] ?? '').invoke(12, 2),
      ],
      ...[
        factsOf(ids[1] ?? '').usage(12, 999_940_000, 12_345),
        factsOf('c').failed(`${HOSTILE}${'漢'.repeat(200)}`),
      ],
    ]);
    const said = new Map([[ids[1] ?? '', `${HOSTILE}👩‍👩‍👧‍👦é漢字`.repeat(20)]]);
    const lines = renderLive(state, said, at(width, 10));
    expect(lines.filter((line) => stringWidth(line) > width)).toEqual([]);
    expect(lines.join('')).not.toMatch(/[\x00-\x1F\x7F\u202E]/);
  });
});

describe('plain lines', () => {
  test('tell a run', () => {
    let state: RunState | undefined;
    const lines: (string | undefined)[] = [];
    const events: readonly EventBody[] = [
      ...MIDDLE,
      {
        type: 'worktree.setup',
        unit: 'app',
        command: 'npm ci',
        exitCode: null,
        ending: 'timeout',
        durationMs: 5,
        tail: '',
      },
      { type: 'task.provider.waiting', unit: 'app', provider: 'claude', reason: 'limit', until: START },
      {
        type: 'baseline.fail',
        unit: 'app',
        name: 'lint',
        attempt: 1,
        exitCode: 2,
        ending: 'exit',
        durationMs: 5,
        tail: '',
      },
      app.invoke(null),
      app.done(null, 10, null, { outcome: 'failed' }),
      app.repaired(),
      app.verifying(),
      { type: 'verify.ok', unit: 'app', head: commit('a'), durationMs: 61_000 },
      app.released(START),
      app.notice('put back .choo.yml'),
      app.green(2, 'base', 0),
      app.red(2, 'resume', 0),
      app.taskDone(2, commit('d'), true),
      app.satisfied(null),
      app.blocked('web'),
      { type: 'orch.failed', branch: 'x', head: null, unmerged: [] },
      { type: 'orch.interrupted', reason: 'a signal' },
      { ...resumed(), sandbox: 'host' },
      { type: 'orch.completed', branch: 'choo/run/run0000001', head: commit('f') },
    ];
    for (const event of numbered(events)) {
      state = advance(state, event);
      if (state !== undefined) lines.push(renderRunLine(event, state));
    }
    expect(lines.filter((line) => line !== undefined).join('\n')).toMatchInlineSnapshot(`
      "run run0000001: 6 units, 12 tasks, 2 at a time, sandbox bubblewrap
      [old] complete and verified already, at aaaaaaaaaaaa
      [base] starts on choo/unit/main/base
      [base] task 1/2: Step 1 of base
      [base] task 1/2: claude works, attempt 1 of 3
      [base] task 1/2: agent finished after 1s, 12.3k tokens, $0.42
      [base] task 1/2: complete in aaaaaaaaaaaa
      [base] complete and verified at aaaaaaaaaaaa, 7s, 12.3k tokens, $0.42
      [api] starts on choo/unit/main/api
      [api] task 1/3: Step 1 of api
      [api] task 1/3: complete in aaaaaaaaaaaa
      [api] task 2/3: Step 2 of api
      [api] task 2/3: claude works, attempt 1 of 3
      [api] task 2/3: agent finished after 1s, 40.0k tokens, $1.20
      [api] task 2/3: gate red (exit 1), attempt 1 of 3
      [api] task 2/3: retrying, attempt 2 of 3: the gate is red (exit 1)
      [api] task 2/3: claude works, attempt 2 of 3
      [docs] starts on choo/unit/main/docs
      [docs] task 1/1: Step 1 of docs
      [web] starts on choo/unit/main/web
      [web] failed: task 1 is red after 3 attempts (look at its gate)
      [app] setup red (timeout): npm ci
      [app] waiting for claude (limit), until 2026-01-02T03:04:05.000Z
      [app] baseline check lint red (exit 2)
      [app] repair: claude works, attempt 1 of 3
      [app] repair: agent failed after 1s, 10 tokens, cost unknown
      [app] baseline checks repaired in bbbbbbbbbbbb
      [app] verifying aaaaaaaaaaaa
      [app] verified (1m 01s)
      [app] requeued: rate limit, until 2026-01-02T03:04:05.000Z
      [app] note: put back .choo.yml
      [app] task 2/4: gate green (1s) before any work
      [app] task 2/4: gate red (exit 1) on earlier commits
      [app] task 2/4: complete in dddddddddddd, its gate was already green
      [app] complete in the specs already, not verified
      [app] blocked by web
      the run ended with incomplete units
      the run is interrupted: a signal
      the run resumes, sandbox host
      the run is complete: choo/run/run0000001"
    `);
  });

  test('tell who asked, and for what', () => {
    let state: RunState | undefined;
    const lines: (string | undefined)[] = [];
    for (const event of numbered([
      { ...started([plannedUnit('api'), plannedUnit('web')]), actor: 'ann' },
      api.cancelled(),
      web.skipped('bob'),
      { type: 'orch.cancelled', actor: 'ann' },
      api.retried({ from: 2 }),
      web.retried({ actor: 'bob', fresh: true }),
      api.retried(),
      { type: 'orch.completed', branch: null, head: null },
      { type: 'orch.completed', branch: 'choo/run/x', head: null },
    ])) {
      state = advance(state, event);
      if (state !== undefined) lines.push(renderRunLine(event, state));
    }
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "run run0000001: 2 units, 2 tasks, 2 at a time, sandbox bubblewrap, for ann
      [api] cancelled by ann
      [web] skipped by bob: its dependents continue without it
      the run was cancelled by ann
      [api] retried by ann, from task 2 on
      [web] retried by bob, from the start
      [api] retried by ann
      the run is complete
      the run is complete, with nothing to do"
    `);
  });

  test('are one line each, with nothing in them that a terminal obeys', () => {
    const state = stateAfter(MIDDLE);
    for (const event of numbered([
      api.notice(HOSTILE),
      api.failed(HOSTILE, HOSTILE),
      api.blocked(HOSTILE),
      ...[api.cancelled(HOSTILE), api.skipped(HOSTILE), api.retried({ actor: HOSTILE })],
      { type: 'orch.cancelled', actor: HOSTILE },
      { ...PLAN, actor: HOSTILE },
      {
        type: 'worktree.setup',
        unit: 'api',
        command: HOSTILE,
        exitCode: 0,
        ending: 'exit',
        durationMs: 1,
        tail: '',
      },
      api.retry(1, 2, HOSTILE),
      factsOf(HOSTILE).completed(),
    ]))
      expect(renderRunLine(event, state)).not.toMatch(/[\x00-\x1F\x7F\u202E]/);
  });
});

describe('the summary', () => {
  const at = (width = 80) => ({ width, paint, programName: 'choo' });
  const END: EventBody = {
    type: 'orch.failed',
    branch: 'choo/run/run0000001',
    head: commit('f'),
    unmerged: [{ unit: 'docs', files: ['README.md', 'docs/a.md'] }],
  };

  test('tells what was done, what was not and why, and what to type next', () => {
    const state = stateAfter([
      ...MIDDLE,
      ...[api.notice('put back .choo.yml, which the agent had changed'), api.completed(commit('c'), false)],
      ...[app.blocked('web'), docs.taskDone(1, commit('d'), true), docs.completed(commit('d')), END],
    ]);
    expect(renderSummary(state, at())).toMatchInlineSnapshot(`
      "Incomplete: 4 of 6 units complete
      run run0000001, 30s, 57.3k tokens, $1.62 and more that is unknown

      Complete
        ✓ base  2 tasks, 7s, 12.3k tokens, $0.42, choo/unit/main/base
        ? api   3 tasks, unverified, 16s, 45.0k tokens, $1.20 and more that is unknown, choo/unit/main/api
        ✓ docs  1 task, 1 already green, 9s, choo/unit/main/docs
        ✓ old   verified by an earlier run

      Failed
        ✗ web  task 1 is red after 3 attempts
          hint: look at its gate
          blocks app

      Blocked
        - app  by web

      Complete, but not merged
        docs  conflicts in README.md, docs/a.md

      Notices
        api  put back .choo.yml, which the agent had changed

      To merge the result
        git merge choo/run/run0000001
        git merge choo/unit/main/docs   # and resolve the conflicts
      To retry what failed; complete units are kept
        choo run
      To read the log
        choo logs web
      "
    `);
  });

  test('tells of a run that is complete', () => {
    const state = stateAfter([
      started([plannedUnit('base'), plannedUnit('old')]),
      ...[old.satisfied(null), base.started(), base.invoke(1), base.done(1, 10, null), base.completed()],
      { type: 'orch.completed', branch: 'choo/run/run0000001', head: commit('f') },
    ]);
    expect(renderSummary(state, at())).toMatchInlineSnapshot(`
      "2 of 2 units complete
      run run0000001, 6s, 10 tokens, cost unknown

      Complete
        ✓ base  1 task, 3s, 10 tokens, cost unknown, choo/unit/main/base
        ? old   complete in the specs, unverified

      To merge the result
        git merge choo/run/run0000001
      "
    `);
  });

  test('tells how to go on after an interruption', () => {
    const text = renderSummary(stateAfter([...MIDDLE, { type: 'orch.interrupted', reason: 'a signal' }]), {
      ...at(),
      programName: 'script/choo',
    });
    expect(text).toContain('Interrupted: 2 of 6 units complete');
    expect(text).toContain('Not finished\n  api, docs, app\n');
    expect(text).toContain('To resume it\n  script/choo run\n');
    expect(text).not.toContain('git merge');
  });

  test('tells what was cancelled and skipped, and how to do what is left', () => {
    const state = stateAfter([
      ...MIDDLE,
      ...[api.cancelled(), app.blocked('api'), docs.cancelled(), web.skipped()],
      { type: 'orch.cancelled', actor: 'ann' },
    ]);
    expect(renderSummary(state, at())).toMatchInlineSnapshot(`
      "Cancelled: 2 of 6 units complete
      run run0000001, 29s, 57.3k tokens, $1.62 and more that is unknown

      Complete
        ✓ base  2 tasks, 7s, 12.3k tokens, $0.42, choo/unit/main/base
        ✓ old   verified by an earlier run

      Blocked
        - app  by api

      Cancelled
        api, docs

      Skipped
        web

      To run the rest; complete units are kept
        choo run
      "
    `);
  });

  test('tells of a run that is complete without what was skipped, and left no branch', () => {
    const state = stateAfter([
      started([plannedUnit('base'), plannedUnit('web')]),
      ...[base.completed(), web.skipped()],
      { type: 'orch.completed', branch: null, head: null },
    ]);
    expect(renderSummary(state, at())).toMatchInlineSnapshot(`
      "1 of 2 units complete
      run run0000001, 3s

      Complete
        ✓ base  verified by an earlier run

      Skipped
        web
      "
    `);
  });

  test('names no result where there is none', () => {
    const state = stateAfter([PLAN, { type: 'orch.completed', branch: 'choo/run/x', head: null }]);
    expect(renderSummary(state, at())).not.toContain('git merge');
  });

  test('quotes a branch that a shell would not take as it is', () => {
    const state = stateAfter([PLAN, { type: 'orch.completed', branch: "a;$(x)'b", head: commit('f') }]);
    expect(renderSummary(state, at())).toContain(String.raw`git merge 'a;$(x)'\''b'`);
  });

  test('has nothing in it that a terminal obeys', () => {
    const state = stateAfter([
      ...MIDDLE,
      ...[api.failed(HOSTILE, HOSTILE), docs.notice(HOSTILE), app.blocked(HOSTILE)],
      { ...END, unmerged: [{ unit: HOSTILE, files: [HOSTILE] }] },
    ]);
    expect(renderSummary(state, at())).not.toMatch(/[\x00-\x09\x0B-\x1F\x7F\u202E]/);
  });
});
