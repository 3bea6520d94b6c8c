import { describe, expect, test } from 'vitest';
import { parseEvent } from '../../../src/events/event.ts';
import { MAX_ANSWERS } from '../../../src/events/review-request.ts';
import { foldEvents } from '../../../src/events/state.ts';
import { unitUpdate } from '../../../src/events/unit-update.ts';
import { commit, numbered, plannedUnit, started } from '../../helpers/run-events.ts';

const answered = (count: number) => ({
  ...{ type: 'unit.answered' as const, unit: 'a', summary: 'The round.' },
  answers: Array.from({ length: count }, (_, at) => ({
    ...{ thread: `t${at}`, kind: 'fixed' as const, text: 'Renamed it.' },
  })),
});

describe('an update', () => {
  test('of an older choo has no agent', () => {
    const older = { head: commit('a'), onto: null };
    expect(unitUpdate.parse(older)).toEqual({ ...older, work: null });
    const start = { ...started([plannedUnit('a')], 'run0000001'), update: older };
    expect(parseEvent({ ...start, seq: 1, at: 0 })).toMatchObject({ update: { work: null } });
  });

  test.each<[string, unknown, boolean]>([
    ['a conflict', { kind: 'resolve' }, true],
    ['a review', { kind: 'review', round: '7' }, true],
    ['a review of no round', { kind: 'review' }, false],
    ['anything else', { kind: 'rewrite' }, false],
  ])('may name %s as the work of its agent: %s', (_, work, is) => {
    expect(unitUpdate.safeParse({ head: commit('a'), onto: null, work }).success).toBe(is);
  });
});

describe('the answers of a round', () => {
  test('leave the state of the unit as it is, and are bounded', () => {
    const start = started([plannedUnit('a')], 'run0000001');
    const before = foldEvents(numbered([start]))?.units.get('a');
    expect(foldEvents(numbered([start, answered(2)]))?.units.get('a')).toEqual(before);
    const stored = (count: number) => parseEvent({ ...answered(count), seq: 2, at: 0 });
    expect(stored(MAX_ANSWERS)).toMatchObject({ type: 'unit.answered' });
    expect(stored(MAX_ANSWERS + 1)).toBeUndefined();
  });
});
