import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../src/events/event.ts';
import type { UnitRecord } from '../../../src/events/store.ts';
import { projectRecord } from '../../../src/events/unit-record.ts';
import type { UnitUpdate } from '../../../src/events/unit-update.ts';
import { commit, factsOf, numbered, plannedUnit, started } from '../../helpers/run-events.ts';

const api = factsOf('api');
const RUN = 'run0000002';

/** What an earlier run left: task 1 done, pushed and verified. */
const BEFORE: UnitRecord = {
  target: 'main',
  unit: 'api',
  run: 'run0000001',
  key: 'key-of-api',
  branch: 'choo/unit/main/api',
  base: commit('9'),
  builtOn: { base: commit('8') },
  head: commit('a'),
  committed: commit('a'),
  tasks: [1],
  verified: true,
};

function after(before: UnitRecord | undefined, events: readonly EventBody[], key = 'key-of-api') {
  const start = started([plannedUnit('web'), plannedUnit('api', { key })], RUN);
  return numbered(events).reduce((record, event) => projectRecord(record, start, event), before);
}

/** The same in a run that brings the unit from head `a` onto commit `7`, or only verifies its head. */
function afterUpdate(
  before: UnitRecord | undefined,
  events: readonly EventBody[],
  { only = false, work = null }: { readonly only?: boolean; readonly work?: UnitUpdate['work'] } = {},
) {
  const onto = only ? null : { commit: commit('7'), since: commit('9'), builtOn: { web: commit('6') } };
  const start = { ...started([plannedUnit('api')], RUN), update: { head: commit('a'), onto, work } };
  return numbered(events).reduce((record, event) => projectRecord(record, start, event), before);
}

const UPDATED: EventBody = {
  ...{ type: 'unit.updated', unit: 'api', from: commit('a'), to: commit('b') },
  ...{ onto: commit('7'), since: commit('9'), same: true, files: [] },
};
const UPDATED_NOWHERE: EventBody = {
  ...{ type: 'unit.updated', unit: 'api', from: commit('a'), to: commit('a') },
  ...{ onto: commit('7'), since: commit('9'), same: true, files: [] },
};
const VERIFIED = (head: string): EventBody => ({ type: 'unit.completed', unit: 'api', head, verified: true });
const RED = (head: string): EventBody => ({
  ...{ type: 'unit.failed', unit: 'api', failure: 'verify', message: 'red', hint: null, head },
});
const HERE = { base: commit('7'), builtOn: { web: commit('6') } };

test.each(['merged', 'reverted'] as const)('what was %s stays that when it is retried', (outcome) => {
  const before: UnitRecord = { ...BEFORE, outcome };
  expect(after(before, [api.retried()])).toBe(before);
});

describe('what is known of a unit after an update run', () => {
  const MERGED: UnitRecord = { ...BEFORE, outcome: 'merged' };
  const start = api.started(commit('a'), { pushed: commit('a') });
  test.each<[string, UnitRecord | undefined, EventBody[], UnitRecord | undefined]>([
    ['is the same after its start', MERGED, [start], MERGED],
    ['is nothing where nothing was', undefined, [start, UPDATED, VERIFIED(commit('b'))], undefined],
    [
      'has its new place and head with the push, and is not verified yet',
      MERGED,
      [start, UPDATED],
      { ...MERGED, ...HERE, head: commit('b'), committed: commit('b'), verified: false },
    ],
    [
      'is verified at the end; run, key, tasks and outcome stay',
      MERGED,
      [start, UPDATED, VERIFIED(commit('b'))],
      { ...MERGED, ...HERE, head: commit('b'), committed: commit('b'), verified: true },
    ],
    [
      'stays verified where nothing had to be merged, until a gate is red',
      BEFORE,
      [start, UPDATED_NOWHERE],
      { ...BEFORE, ...HERE },
    ],
    [
      'is not verified at its head once a gate is red',
      BEFORE,
      [start, RED(commit('a'))],
      { ...BEFORE, verified: false },
    ],
  ])('%s', (_, before, events, expected) => {
    expect(afterUpdate(before, events)).toEqual(expected);
  });

  test('has the head of another person once it is verified, on the base it had', () => {
    expect(afterUpdate(BEFORE, [start, VERIFIED(commit('f'))], { only: true })).toEqual({
      ...{ ...BEFORE, head: commit('f'), committed: commit('f') },
    });
    expect(afterUpdate(BEFORE, [start, RED(commit('f'))], { only: true })).toEqual(BEFORE);
  });

  test('stays as it is while an agent works on it, and has the head that is pushed then', () => {
    const review = { only: true, work: { kind: 'review', round: '1' } } as const;
    expect(afterUpdate(BEFORE, [start, RED(commit('a'))], review)).toEqual(BEFORE);
    const pushed = api.pushed(commit('e'));
    const head = { head: commit('e'), committed: commit('e') };
    expect(afterUpdate(BEFORE, [start, pushed], review)).toEqual({ ...BEFORE, ...head, verified: false });
    expect(afterUpdate(BEFORE, [start, pushed, VERIFIED(commit('e'))], review)).toEqual({
      ...{ ...BEFORE, ...head },
    });
  });
});

describe('what is known of a unit', () => {
  test.each<[string, UnitRecord | undefined, readonly EventBody[], unknown]>([
    ['is nothing before it starts', undefined, [api.queued(), api.committed(1), api.pushed()], undefined],
    [
      'begins with its start',
      undefined,
      [api.started(commit('1'))],
      { run: RUN, base: commit('0'), head: null, committed: commit('1'), tasks: [], verified: false },
    ],
    [
      'holds what its start says it was built on',
      undefined,
      [api.started(commit('1'), { builtOn: { web: commit('2') } })],
      { builtOn: { web: commit('2') } },
    ],
    [
      'goes on with the same work at the same head',
      BEFORE,
      [api.started(commit('a'), { pushed: commit('a'), tasks: [1] })],
      { run: RUN, base: commit('0'), builtOn: {}, head: commit('a'), tasks: [1], verified: true },
    ],
    [
      'is not verified when the same work goes on at another head, and its branch is where it was',
      BEFORE,
      [api.started(commit('b'), { pushed: commit('a'), tasks: [1] })],
      { head: commit('a'), committed: commit('b'), tasks: [1], verified: false },
    ],
    [
      'loses its tasks when it starts over, and its branch is where it was',
      BEFORE,
      [api.started(commit('0'), { pushed: commit('a') })],
      { head: commit('a'), committed: commit('0'), tasks: [], verified: false },
    ],
    [
      'has no head when its branch is gone',
      BEFORE,
      [api.started(commit('a'))],
      { head: null, committed: commit('a'), verified: false },
    ],
    [
      'gains a task with its commit, before the push',
      BEFORE,
      [api.committed(3, commit('c'))],
      {
        head: commit('a'),
        committed: commit('c'),
        tasks: [1, 3],
        verified: false,
      },
    ],
    [
      'counts a task once',
      BEFORE,
      [api.committed(10), api.committed(2), api.committed(10)],
      {
        tasks: [1, 2, 10],
      },
    ],
    [
      'gains no task with a repair',
      BEFORE,
      [api.repaired(commit('d'))],
      {
        committed: commit('d'),
        head: commit('a'),
        tasks: [1],
        verified: false,
      },
    ],
    [
      'moves its head with the push, which verifies nothing',
      BEFORE,
      [api.pushed(commit('e'))],
      {
        head: commit('e'),
        verified: false,
      },
    ],
    [
      'stays verified when its verified head is pushed again',
      BEFORE,
      [api.pushed(commit('a'))],
      {
        verified: true,
      },
    ],
    [
      'is verified at its end',
      BEFORE,
      [api.started(commit('b')), api.completed(commit('b'))],
      {
        head: commit('b'),
        committed: commit('b'),
        verified: true,
      },
    ],
    [
      'is not verified where nobody verifies',
      BEFORE,
      [api.completed(commit('b'), false)],
      { verified: false },
    ],
    [
      'is to be looked at again when somebody asks for another turn',
      BEFORE,
      [api.retried()],
      { ...BEFORE, verified: false },
    ],
    [
      'keeps what it holds when it is to start over, until it does',
      BEFORE,
      [api.retried({ fresh: true })],
      { ...BEFORE, verified: false },
    ],
    [
      'loses the tasks that are to be done again, and those after them',
      { ...BEFORE, tasks: [1, 2, 3, 10] },
      [api.retried({ from: 3 })],
      { ...BEFORE, tasks: [1, 2], verified: false },
    ],
    [
      'does not change by anything else',
      BEFORE,
      [api.task(2), api.gate(2), api.failed(), api.satisfied(), api.cancelled(), api.skipped()],
      BEFORE,
    ],
  ])('%s', (_, before, events, expected) => {
    expect({ record: after(before, events) }).toMatchObject({ record: expected });
  });

  test('begins anew with another key, on the branch that is there', () => {
    const at = (head: string) => after(BEFORE, [api.started(head, { pushed: commit('a') })], 'another');
    expect(at(commit('b'))).toEqual({
      ...BEFORE,
      run: RUN,
      key: 'another',
      base: commit('0'),
      builtOn: {},
      committed: commit('b'),
      tasks: [],
      verified: false,
    });
    expect(at(commit('a'))).toMatchObject({ verified: false });
  });

  test('does not change by a unit that the run does not plan', () => {
    const start = started([plannedUnit('web')], RUN);
    const [event] = numbered([api.started()]);
    expect(event && projectRecord(BEFORE, start, event)).toBe(BEFORE);
  });

  test('does not change by a unit that is complete in the specs, which is only looked at', () => {
    const [task] = plannedUnit('api').tasks;
    const start = started([{ ...plannedUnit('api'), tasks: task ? [{ ...task, complete: true }] : [] }], RUN);
    const events = numbered([api.started(commit('b')), api.completed(commit('b'))]);
    expect(
      events.reduce((record, event) => projectRecord(record, start, event), BEFORE as UnitRecord | undefined),
    ).toBe(BEFORE);
  });

  test('is the same value when an event affectsRecord nothing', () => {
    const nothing = [api.queued(), api.notice('x'), api.verifying(), api.cancelled(), api.skipped()];
    expect(after(BEFORE, nothing)).toBe(BEFORE);
  });
});
