import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/events/event.ts';
import { foldEvents } from '../../../../src/events/state.ts';
import { MAX_BODY_LENGTH } from '../../../../src/github/render/markdown.ts';
import { renderUnitCheck, type RenderedUnitCheck } from '../../../../src/github/render/unit-check.ts';
import type { Verdict } from '../../../../src/github/render/verdict.ts';
import { factsOf, numbered, plannedUnit, started } from '../../../helpers/run-events.ts';

const api = factsOf('api');

function check(
  facts: readonly EventBody[],
  pullUrl: string | null = null,
  verdict: Verdict = { kind: 'recorded' },
): RenderedUnitCheck {
  const events = numbered([started([plannedUnit('api', { tasks: 2 })]), ...facts]);
  const progress = foldEvents(events)?.units.get('api');
  if (progress === undefined) throw new Error('the run has the unit');
  return renderUnitCheck({
    progress,
    events: events.slice(1),
    directory: 'web/',
    pullUrl,
    verdict,
    waitsFor: [],
  });
}

/** A gate that is red, with what it printed. */
function red(task: number, tail: string): EventBody {
  return { ...api.red(task), tail } as EventBody;
}

function failed(failure: 'attempts' | 'needs-human', message = 'it is red'): EventBody {
  return { type: 'unit.failed', unit: 'api', failure, message, hint: null, head: null };
}

describe('renderUnitCheck', () => {
  test.each([
    ['under way', [api.started()], null, 'Under way'],
    ['complete', [api.started(), api.completed()], 'success', 'Complete and verified'],
    ['not verified', [api.started(), api.completed(undefined, false)], 'success', 'Complete, not verified'],
    ['failed', [api.started(), failed('attempts')], 'failure', 'Failed'],
    ['for a person', [api.started(), failed('needs-human')], 'action_required', 'Needs human'],
    ['cancelled', [api.started(), api.cancelled()], 'cancelled', 'Cancelled'],
    ['skipped', [api.started(), api.skipped()], 'skipped', 'Skipped'],
  ] as const)('a unit that is %s', (_, facts, conclusion, title) => {
    expect(check(facts)).toMatchObject({ conclusion, title });
  });

  const change = { path: 'test/a.test.js', level: 'tell', kind: 'changed', added: 1, removed: 1 } as const;
  const gate = { task: 1, exitCode: 1, ending: 'exit status 1', durationMs: 1, tail: '' };
  const compared = (
    isAllowed: boolean,
    passed: boolean | undefined,
    mayChange: 'all' | 'existing' | 'none' = 'none',
  ): EventBody => ({
    type: 'judge.compared',
    unit: 'api',
    head: 'c'.repeat(40),
    changes: [{ ...change, isAllowed, ...(passed === undefined ? {} : { trial: 'base' as const }) }],
    more: 0,
    ...(passed === undefined ? {} : { trial: { gates: [{ ...gate, passed }], fault: null, mayChange } }),
  });

  test.each<[string, EventBody, string, string, readonly string[]]>([
    [
      'told',
      compared(false, undefined),
      'success',
      'Complete and verified',
      ['### The judge was changed', '+1 −1', 'told'],
    ],
    [
      'changed, and not needed',
      compared(false, true),
      'success',
      'Complete and verified',
      ['**It passes with the judge as it was**', 'tried as it was'],
    ],
    [
      'changed by a task that may',
      compared(true, false, 'all'),
      'success',
      'Complete and verified',
      [
        '**It passes only with the changed judge**, which its tasks may change',
        'gate of task 1 is red: exit status 1',
      ],
    ],
    [
      'new',
      compared(false, false, 'existing'),
      'success',
      'Complete and verified',
      ['**It passes only with new files of the judge**'],
    ],
    [
      'changed, and needed',
      compared(false, false),
      'neutral',
      'Passes only with the changed judge',
      ['**It passes only with the changed judge**, and no task may change that', '`test/a.test.js`'],
    ],
  ])('says it where the judge was %s', (_, fact, conclusion, title, parts) => {
    const shown = check([api.started(), fact, api.completed()]);
    expect(shown).toMatchObject({ conclusion, title });
    for (const part of parts) expect(shown.summary).toContain(part);
  });

  test('says it of a head that an update or a person left, and of no other', () => {
    const facts = [api.started(), compared(false, false), api.completed()];
    const of = (letter: string) => check(facts, null, { kind: 'verified', head: letter.repeat(40) });
    expect(of('c')).toMatchObject({
      conclusion: 'neutral',
      title: 'Passes only with the changed judge',
      summary: expect.stringContaining('### The judge was changed'),
    });
    expect(of('d')).toMatchObject({ conclusion: 'success', title: 'Verified at this head' });
    expect(of('d').summary).not.toContain('judge');
  });

  test('names first what its gates opened and it changed', () => {
    const opened = { ...compared(false, undefined), changes: [], opened: ['rules.txt'] } as EventBody;
    const { summary } = check([api.started(), opened, api.completed()]);
    expect(summary).toContain('**Look at these first:** its gates opened `rules.txt`');
    const unknown = { ...compared(false, true), openedUnknown: 'there are no overlays' } as EventBody;
    expect(check([api.started(), unknown, api.completed()]).summary).toContain(
      'could not be recorded: there are no overlays.',
    );
  });

  test('says it where a gate runs fewer tests than before any work', () => {
    const ran = (phase: 'base' | 'attempt' | 'verify', passed: number, failed = 0): EventBody =>
      ({
        ...api.red(1),
        type: failed > 0 ? 'task.validation.fail' : 'task.validation.ok',
        phase,
        tests: { passed, failed, skipped: 0 },
      }) as EventBody;
    const same = { ...compared(true, undefined), changes: [] } as EventBody;
    const facts = (now: number) => [
      api.started(),
      ran('base', 3, 2),
      ran('attempt', 9),
      ran('verify', now),
      same,
    ];
    expect(check([...facts(4), api.completed()]).summary).toContain(
      'The gate of task 1 ran 5 tests before any work, and ran 4 at the end.',
    );
    expect(check([...facts(5), api.completed()]).summary).not.toContain('Fewer');
  });

  test('shows both outputs of what is flaky', () => {
    const end = (exitCode: number, tail: string) => ({
      exitCode,
      ending: `exit status ${exitCode}`,
      durationMs: 1,
      tail,
    });
    const facts: readonly EventBody[] = [
      api.started(),
      {
        type: 'gate.flaky',
        unit: 'api',
        task: 1,
        check: null,
        red: end(1, 'late'),
        green: end(0, 'in time'),
      },
      { type: 'gate.flaky', unit: 'api', task: null, check: 'lint', red: end(2, 'x'), green: end(0, 'y') },
      api.completed(),
    ];
    const { text } = check(facts);
    for (const part of [
      '### Flaky gates',
      'the gate of task 1 was red and green',
      'late',
      'in time',
      'the check',
    ])
      expect(text).toContain(part);
  });

  test('where there are no drafts, keeps a pull request from being merged before what it is on', () => {
    const events = numbered([started([plannedUnit('api', { tasks: 2 })]), api.started(), api.completed()]);
    const progress = foldEvents(events)?.units.get('api');
    if (progress === undefined) throw new Error('the run has the unit');
    const input = {
      progress,
      events: events.slice(1),
      directory: '',
      pullUrl: null,
      verdict: { kind: 'recorded' },
    } as const;
    expect(renderUnitCheck({ ...input, waitsFor: ['core'] })).toMatchObject({
      conclusion: 'action_required',
      summary: expect.stringContaining('`core`'),
    });
    expect(renderUnitCheck({ ...input, waitsFor: [] })).toMatchObject({ conclusion: 'success' });
  });

  test('one that is complete says what it took and where it is', () => {
    const { summary, text } = check(
      [
        api.started(),
        api.invoke(1),
        api.done(1, 1_500, 0.25),
        api.taskDone(1),
        api.taskDone(2),
        api.completed(),
      ],
      'https://github.com/o/r/pull/7',
    );
    expect(summary).toBe('2 of 2 tasks, 5s, 1.5k tokens. [Its pull request](https://github.com/o/r/pull/7).');
    expect(text).toBeUndefined();
  });

  test('only one that failed has a button, within what GitHub takes', () => {
    const buttons = [
      [api.started()],
      [failed('attempts')],
      [failed('needs-human')],
      [api.completed()],
      [api.cancelled()],
    ];
    expect(buttons.map((facts) => check(facts).actions.map(({ identifier }) => identifier))).toEqual([
      [],
      ['retry'],
      ['retry'],
      [],
      [],
    ]);
    for (const { label, description, identifier } of check([failed('attempts')]).actions) {
      expect(label.length).toBeLessThanOrEqual(20);
      expect(description.length).toBeLessThanOrEqual(40);
      expect(identifier.length).toBeLessThanOrEqual(20);
    }
  });

  test('one that failed shows the end of the gate that is red, as it was printed', () => {
    const { summary, text } = check([
      api.started(),
      red(1, 'early'),
      red(1, '```\n/choo run @ann\n\u001b<b>\n'),
      failed('attempts', 'task 1 is **red** | @ann\n/choo run'),
    ]);
    expect(summary).toBe('0 of 2 tasks, 3s, 0 tokens.\n\ntask 1 is \\*\\*red\\*\\* \\| @\u200bann /choo run');
    expect(text).toBe('The gate of task 1 ended with 1:\n\n````\n```\n\u200b/choo run @ann\n<b>\n````');
  });

  test('names the first failure of its gates in the title, and on the lines of the repository', () => {
    const reason = { text: 'adds: 3 !== 2', file: 'src/sum.js', line: 4, column: 7, runner: 'node --test' };
    const facts = [
      { ...red(2, 'x'), reason: { ...reason, text: 'reads: no', line: null } },
      { ...red(1, 'early'), reason: { ...reason, text: 'early' } },
      { ...red(1, 'late'), reason },
    ] as EventBody[];
    const { title, annotations } = check([api.started(), ...facts, failed('attempts')]);
    expect(title).toBe('Failed: adds: 3 !== 2');
    const at = { path: 'web/src/sum.js', annotation_level: 'failure' };
    expect(annotations).toEqual([
      {
        ...at,
        start_line: 4,
        end_line: 4,
        start_column: 7,
        end_column: 7,
        title: 'The gate of task 1 is red',
        message: 'adds: 3 !== 2',
      },
      { ...at, start_line: 1, end_line: 1, title: 'The gate of task 2 is red', message: 'reads: no' },
    ]);
    expect(
      check([api.started(), ...facts, api.green(1), api.green(2), failed('attempts')]).annotations,
    ).toEqual([]);
    const many = Array.from({ length: 60 }, (_, at_) => ({ ...red(at_ + 1, ''), reason })) as EventBody[];
    expect(check([api.started(), ...many, failed('attempts')]).annotations).toHaveLength(50);
  });

  test('a gate that passed later is not why', () => {
    const passedLater = [api.started(), red(1, 'first'), api.green(1), failed('needs-human')];
    expect(check(passedLater).text).toBeUndefined();
    expect(
      check([api.started(), red(2, 'why'), red(1, 'first'), api.green(1), failed('attempts')]).text,
    ).toContain('why');
  });

  test('whatever was printed, it is no longer than GitHub takes', () => {
    const { summary, text } = check([red(1, '`'.repeat(50_000)), failed('attempts', '@'.repeat(50_000))]);
    expect(summary.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
    expect(text?.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
  });
});
