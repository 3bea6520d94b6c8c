import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/events/event.ts';
import type { Failure } from '../../../../src/events/failure.ts';
import { foldEvents } from '../../../../src/events/state.ts';
import { findNeeds, type KnownRun } from '../../../../src/web/dashboard/pages/needs.ts';
import { factsOf, numbered, plannedUnit, started } from '../../../helpers/run-events.ts';

const NOW = Date.UTC(2027, 0, 1);

function known(
  run: string,
  events: readonly EventBody[],
  { isAlive = true, units = ['api', 'ui'] } = {},
): KnownRun {
  const start = started(
    units.map((id) => plannedUnit(id)),
    run,
  );
  const state = foldEvents(numbered([start, ...events]));
  if (state === undefined) throw new Error('no run');
  return { state, isAlive };
}

function failed(unit: string, failure: Failure = 'attempts'): EventBody {
  return { type: 'unit.failed', unit, failure, message: `${unit} is red`, hint: null, head: null };
}

describe('what needs a person', () => {
  test('is what failed, that which only a person decides first', () => {
    const needs = findNeeds([known('run0000001', [failed('api'), failed('ui', 'judge-changed')])], NOW);
    expect(needs.map(({ unit, kind, action }) => [unit, kind, action])).toEqual([
      ['ui', 'needs human', 'retry'],
      ['api', 'failed', 'retry'],
    ]);
  });

  test('is not what a newer run of the same target saw to', () => {
    const runs = [
      known('run0000002', [{ type: 'unit.satisfied', unit: 'api', head: null }]),
      known('run0000001', [failed('api'), failed('ui')]),
    ];
    expect(findNeeds(runs, NOW)).toEqual([]);
    const elsewhere = known('run0000003', [{ type: 'orch.retargeted', target: 'next' }, failed('api')]);
    expect(findNeeds([...runs, elsewhere], NOW).map(({ run }) => run)).toEqual(['run0000003']);
  });

  test('is a run without a process, once', () => {
    const runs = [
      known('run0000002', [], { isAlive: false }),
      known('run0000001', [{ type: 'orch.interrupted', reason: 'Ctrl-C' }], { isAlive: false }),
    ];
    expect(findNeeds(runs, NOW)).toMatchObject([
      { run: 'run0000002', kind: 'stopped', todo: '`choo run` resumes it.' },
    ]);
    expect(findNeeds([known('run0000002', [])], NOW)).toEqual([]);
  });

  test('is a conflict of complete units, and comes before what waits', () => {
    const api = factsOf('api');
    const waits: EventBody = { type: 'unit.released', unit: 'ui', reason: 'rate-limited', until: NOW + 1 };
    const ended: EventBody = {
      type: 'orch.failed',
      branch: null,
      head: null,
      unmerged: [{ unit: 'api', files: ['a.txt'] }],
    };
    const needs = findNeeds([known('run0000001', [api.started(), waits, ended])], NOW);
    expect(needs.map(({ unit, kind }) => [unit, kind])).toEqual([
      ['api', 'conflict'],
      ['ui', 'waiting'],
    ]);
    expect(needs[0]?.message).toContain('a.txt');
    expect(findNeeds([known('run0000001', [waits])], NOW + 2)).toEqual([]);
  });
});
