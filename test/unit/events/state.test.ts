import { describe, expect, test } from 'vitest';
import { type EventBody, parseEvent } from '../../../src/events/event.ts';
import { advance, foldEvents, type RunState } from '../../../src/events/state.ts';
import type { UnitProgress } from '../../../src/events/unit-progress.ts';
import { cpuMs } from '../../helpers/cpu-time.ts';
import { START, commit, factsOf, numbered, plannedUnit, resumed, started } from '../../helpers/run-events.ts';

const api = factsOf('api');
const web = factsOf('web');
const PLAN = [plannedUnit('api', { tasks: 2 }), plannedUnit('web', { dependsOn: ['api'] })];

function stateAfter(...events: readonly EventBody[]): RunState {
  const state = foldEvents(numbered([started(PLAN), ...events]));
  if (state === undefined) throw new Error('no run');
  return state;
}

function unitAfter(...events: readonly EventBody[]): UnitProgress {
  const unit = stateAfter(...events).units.get('api');
  if (unit === undefined) throw new Error('no unit');
  return unit;
}

const taskOf = (unit: UnitProgress, number: number) => unit.tasks.get(number);

describe('a unit, as events tell it', () => {
  test.each<[string, readonly EventBody[], Partial<UnitProgress>]>([
    ['waits at first', [], { state: 'pending', activity: null, claim: 0, startedAt: null, endedAt: null }],
    ['waits while it is queued', [api.queued()], { state: 'pending' }],
    [
      'runs with its claim, from the head it was given',
      [api.started(commit('1'), { claim: 3, pushed: commit('1') })],
      { state: 'running', activity: 'git', claim: 3, head: commit('1'), startedAt: START + 1000 },
    ],
    ['sets up its worktree', [api.started(), api.worktree()], { activity: 'setup' }],
    ['works on a task', [api.started(), api.task(2)], { task: 2, attempt: 0 }],
    [
      'gets another turn after it failed',
      [api.started(), api.failed('red', 'look'), api.queued()],
      { state: 'pending', failure: null, message: null, hint: null, endedAt: null },
    ],
    [
      'gets another turn after it was blocked',
      [api.blocked('web'), api.queued()],
      { state: 'pending', cause: null },
    ],
    ['waits for a gate', [api.started(), api.task(1), api.gate(1)], { activity: 'gate' }],
    ['waits for an agent', [api.started(), api.task(1), api.invoke(1, 2)], { activity: 'agent', attempt: 2 }],
    [
      'is verified last',
      [api.started(), api.task(2), api.verifying(), api.gate(1, 'verify')],
      { activity: 'verify', task: null, attempt: 0 },
    ],
    [
      'has a commit before its branch has',
      [api.started(), api.committed(1, commit('c'))],
      { committed: commit('c'), head: null },
    ],
    [
      'has a branch that moves with the push',
      [api.started(), api.pushed(commit('c'))],
      { head: commit('c') },
    ],
    [
      'is complete',
      [api.started(), api.task(2), api.completed(commit('c'))],
      {
        state: 'complete',
        activity: null,
        task: null,
        head: commit('c'),
        verified: true,
        endedAt: START + 3000,
      },
    ],
    ['is complete, though nobody verified it', [api.completed(commit('c'), false)], { verified: false }],
    [
      'was complete before',
      [api.satisfied(commit('c'))],
      { state: 'complete', head: commit('c'), verified: true },
    ],
    [
      'was complete in the specs, which proves nothing',
      [api.satisfied(null)],
      { head: null, verified: false },
    ],
    [
      'failed, and says why',
      [api.started(), api.failed('red', 'look')],
      {
        state: 'failed',
        failure: 'attempts',
        message: 'red',
        hint: 'look',
        activity: null,
        endedAt: START + 2000,
      },
    ],
    ['is blocked by another', [api.blocked('web')], { state: 'blocked', cause: 'web' }],
    [
      'is given back and waits, with a time before which nothing happens',
      [api.started(), api.task(1), api.released(99)],
      { state: 'pending', until: 99, task: null, activity: null },
    ],
    [
      'starts again after it was given back, and began when it first began',
      [api.started(), api.released(99), api.started(commit('1'), { claim: 2 })],
      { state: 'running', until: null, claim: 2, startedAt: START + 1000 },
    ],
    [
      'is cancelled while it runs, and busy with nothing, whatever its worker still says',
      [api.started(), api.task(1), api.invoke(1), api.cancelled(), api.gate(1), api.task(2)],
      { state: 'cancelled', activity: null, task: null, attempt: 0, endedAt: START + 4000 },
    ],
    [
      'is cancelled while it waits, and nothing blocks it any more',
      [api.released(99), api.blocked('web'), api.cancelled()],
      { state: 'cancelled', cause: null, until: null },
    ],
    [
      'is left out, with no head for others to build on',
      [api.failed('red', 'look'), api.started(), api.pushed(commit('c')), api.skipped()],
      {
        state: 'skipped',
        failure: null,
        message: null,
        hint: null,
        head: null,
        verified: false,
        endedAt: START + 4000,
      },
    ],
    [
      'gets another turn because somebody asked',
      [api.started(commit('0'), { claim: 2 }), api.failed('red', 'look'), api.retried()],
      { state: 'pending', failure: null, message: null, hint: null, endedAt: null, claim: 2, fresh: false },
    ],
    [
      'gets another turn though it was verified: it is looked at again',
      [api.completed(commit('c')), api.retried()],
      { state: 'pending', verified: false, head: commit('c') },
    ],
    [
      'gets another turn at once, though it waited',
      [api.released(99), api.cancelled(), api.retried()],
      { until: null },
    ],
    [
      'stays cancelled when its worker says late that it began',
      [api.cancelled(), api.started(commit('0'), { claim: 2 })],
      { state: 'cancelled', activity: null, claim: 2 },
    ],
    ['starts over when it starts next', [api.failed(), api.retried({ fresh: true })], { fresh: true }],
    [
      'starts over once',
      [api.failed(), api.retried({ fresh: true }), api.started(commit('0'), { claim: 2 })],
      { state: 'running', fresh: false },
    ],
    [
      'starts over only where that was asked for last',
      [api.failed(), api.retried({ fresh: true }), api.cancelled(), api.retried()],
      { fresh: false },
    ],
    [
      'waits for limits and for outages, each with its own patience',
      [api.started(), api.waiting('rate-limited', 9000), api.waiting('overloaded', 8000)],
      { waited: { limits: 7_000, outages: 5_000 }, activity: 'waiting' },
    ],
    [
      'has all its patience again when its provider took work',
      [api.started(), api.waiting('overloaded', 9000), api.invoke(1), api.done(1, 5, 1)],
      { waited: { limits: 0, outages: 0 } },
    ],
    [
      'has all its patience again with another turn',
      [api.started(), api.waiting('rate-limited', 9000), api.invoke(null, 2), api.failed(), api.retried()],
      { waited: { limits: 0, outages: 0 }, repairs: 0 },
    ],
    [
      'collects notices',
      [api.notice('one'), api.notice('two')],
      {
        notices: [
          { code: 'put-back', message: 'one' },
          { code: 'put-back', message: 'two' },
        ],
      },
    ],
  ])('%s', (_, events, expected) => {
    expect(unitAfter(...events)).toMatchObject(expected);
  });

  test('has tasks that the specs say are complete', () => {
    const [unit] = PLAN;
    const tasks = unit?.tasks.map((task) => ({ ...task, complete: task.number === 1 })) ?? [];
    const state = foldEvents(numbered([started([{ ...plannedUnit('api'), tasks }])]));
    const states = [...(state?.units.get('api')?.tasks.values() ?? [])].map((task) => task.state);
    expect(states).toEqual(['complete', 'pending']);
  });

  test('changes nothing in the others', () => {
    const state = stateAfter(api.started(), api.invoke(1), api.done(1, 10, 1), api.failed());
    expect(state.units.get('web')).toMatchObject({ state: 'pending', spending: { tokens: 0 } });
  });
});

describe('attempts', () => {
  test.each<[string, readonly EventBody[], number]>([
    ['none before an agent starts', [api.task(1), api.gate(1, 'base', 0), api.red(1, 'base', 0)], 0],
    ['one that goes on', [api.task(1), api.invoke(1)], 1],
    ['one that ended, however', [api.task(1), api.invoke(1), api.done(1, 5, 1, { outcome: 'error' })], 1],
    ['one that a crash cut off', [api.task(1), api.invoke(1), api.started(), api.task(1)], 1],
    [
      'two, one before a crash and one after',
      [
        api.task(1),
        api.invoke(1),
        api.started(),
        api.task(1),
        api.invoke(1, 2),
        api.done(1, 5, 1, { attempt: 2 }),
      ],
      2,
    ],
    ['none that met a rate limit', [api.invoke(1), api.done(1, 5, 1, { outcome: 'rate-limited' })], 0],
    ['none that met an overload', [api.invoke(1), api.done(1, 5, 1, { outcome: 'overloaded' })], 0],
    ['none whose key is wrong', [api.invoke(1), api.done(1, 5, 1, { outcome: 'not-authenticated' })], 0],
    ['none whose model is unknown', [api.invoke(1), api.done(1, 5, 1, { outcome: 'misconfigured' })], 0],
    ['none without its CLI', [api.invoke(1), api.done(1, 5, 1, { outcome: 'missing' })], 0],
    ['none that somebody cancelled', [api.invoke(1), api.done(1, 5, 1, { outcome: 'cancelled' })], 0],
    [
      'the first alone, when the second met a rate limit',
      [
        api.invoke(1),
        api.done(1, 5, 1),
        api.invoke(1, 2),
        api.done(1, 5, 1, { attempt: 2, outcome: 'overloaded' }),
      ],
      1,
    ],
    ['none of a repair', [api.invoke(null), api.done(null, 5, 1)], 0],
    ['none of another task', [api.invoke(2), api.done(2, 5, 1)], 0],
  ])('count %s', (_, events, expected) => {
    expect(taskOf(unitAfter(api.started(), ...events), 1)?.attempts).toBe(expected);
  });

  test.each<[string, Parameters<typeof api.retried>[0], readonly unknown[]]>([
    ['of every task', {}, ['complete 0', 'pending 0', 'pending 0']],
    ['from a task on', { from: 1 }, ['pending 0', 'pending 0', 'pending 0']],
    [
      'from a later task on, when one before it is not complete',
      { from: 3 },
      ['complete 0', 'pending 0', 'pending 0'],
    ],
    ['at all of it', { fresh: true }, ['pending 0', 'pending 0', 'pending 0']],
  ])('are none again %s, when somebody asks for another turn', (_, wish, expected) => {
    const events = [
      ...[api.started(), api.task(1), api.invoke(1), api.taskDone(1, commit('c'))],
      ...[
        api.task(2),
        api.invoke(2),
        api.invoke(2, 2),
        { type: 'task.failed', unit: 'api', task: 2, reason: 'x' } as const,
      ],
      ...[api.task(3), api.failed(), api.retried(wish)],
    ];
    const state = foldEvents(numbered([started([plannedUnit('api', { tasks: 3 })]), ...events]));
    const tasks = [...(state?.units.get('api')?.tasks.values() ?? [])];
    expect(tasks.map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(expected);
  });

  test('of a task that the specs say is complete are not asked for again', () => {
    const plan = plannedUnit('api', { tasks: 2 });
    const tasks = plan.tasks.map((task) => ({ ...task, complete: task.number === 2 }));
    for (const wish of [{ fresh: true }, { from: 1 }]) {
      const state = foldEvents(numbered([started([{ ...plan, tasks }]), api.failed(), api.retried(wish)]));
      expect(taskOf(state?.units.get('api') as UnitProgress, 2)).toMatchObject({ state: 'complete' });
    }
  });

  test('stay none when an agent of the turn before says late that it was stopped', () => {
    const events = [api.started(), api.invoke(1), api.done(1, 5, 1), api.invoke(1, 2), api.invoke(null, 3)];
    const late = [
      api.done(1, 5, 1, { attempt: 2, outcome: 'cancelled' }),
      api.done(null, 5, 1, { attempt: 3, outcome: 'cancelled' }),
    ];
    const unit = unitAfter(...events, api.cancelled(), api.retried(), ...late);
    expect(taskOf(unit, 1)?.attempts).toBe(0);
    expect(unit).toMatchObject({ repairs: 0, spending: { tokens: 15 } });
  });

  test('end with a commit, or without', () => {
    const unit = unitAfter(api.started(), api.task(1), api.taskDone(1, commit('c'), true), api.task(2), {
      type: 'task.failed',
      unit: 'api',
      task: 2,
      reason: 'red',
    });
    expect(taskOf(unit, 1)).toMatchObject({ state: 'complete', commit: commit('c'), alreadyGreen: true });
    expect(taskOf(unit, 2)).toMatchObject({ state: 'failed', commit: null });
  });
});

describe('spending', () => {
  const spent = (tokens: number, cost: number, unknownCost = false, basis = 'told') => ({
    tokens,
    cost,
    unknownCost,
    basis: cost > 0 ? basis : undefined,
  });

  test.each<[string, readonly EventBody[], ReturnType<typeof spent>]>([
    [
      'is what the last usage said while an agent works',
      [api.invoke(1), api.usage(1, 10, 1), api.usage(1, 30, 2)],
      spent(30, 2),
    ],
    ['is what the end said', [api.invoke(1), api.usage(1, 30, 2), api.done(1, 40, 3)], spent(40, 3)],
    ['needs no usage before the end', [api.invoke(1), api.done(1, 40, 3)], spent(40, 3)],
    [
      'adds up over attempts, tasks and repairs',
      [
        ...[
          api.invoke(1),
          api.done(1, 10, 1),
          api.invoke(1, 2),
          api.usage(1, 5, 1, 2),
          api.done(1, 20, 2, { attempt: 2 }),
        ],
        ...[api.invoke(2), api.done(2, 30, 3), api.invoke(null), api.usage(null, 7, 1)],
      ],
      spent(67, 7),
    ],
    [
      'of an invocation that a crash cut off stays, and counts once',
      [
        api.invoke(1),
        api.usage(1, 10, 1),
        api.usage(1, 30, 2),
        api.started(),
        api.invoke(1, 2),
        api.usage(1, 5, 1, 2),
        api.done(1, 6, 1, { attempt: 2 }),
      ],
      spent(36, 3),
    ],
    [
      'of two that were cut off stays',
      [
        api.invoke(1),
        api.usage(1, 10, 1),
        api.started(),
        api.invoke(1),
        api.usage(1, 20, 1),
        api.started(),
        api.invoke(1),
      ],
      spent(30, 2),
    ],
    [
      'of an attempt that does not count is still spent',
      [api.invoke(1), api.done(1, 9, 1, { outcome: 'rate-limited' })],
      spent(9, 1),
    ],
    ['is not known when nobody says the price', [api.invoke(1), api.done(1, 9, null)], spent(9, 0, true)],
    ['is known when nothing was used', [api.invoke(1), api.done(1, 0, null)], spent(0, 0)],
    [
      'is known as its least certain part',
      [
        api.invoke(1),
        { ...api.done(1, 9, 1), basis: 'reserved' } as EventBody,
        api.invoke(1, 2),
        { ...api.done(1, 1, 2, { attempt: 2 }), basis: 'computed' } as EventBody,
        api.invoke(1, 3),
        api.done(1, 1, 3, { attempt: 3 }),
      ],
      spent(11, 6, false, 'reserved'),
    ],
    [
      'stays unknown when a later price is known',
      [api.invoke(1), api.done(1, 9, null), api.invoke(1, 2), api.done(1, 1, 2, { attempt: 2 })],
      spent(10, 2, true),
    ],
    [
      'is known after all when the end says the price that a usage did not',
      [api.invoke(1), api.usage(1, 9, null), api.done(1, 9, 1)],
      spent(9, 1),
    ],
  ])('%s', (_, events, expected) => {
    expect(unitAfter(api.started(), ...events).spending).toEqual(expected);
  });
});

describe('a run, as events tell it', () => {
  test('begins with its start, and is nothing before', () => {
    expect(foldEvents([])).toBeUndefined();
    expect(foldEvents(numbered([api.queued()]))).toBeUndefined();
    expect(stateAfter()).toMatchObject({
      status: 'running',
      seq: 1,
      startedAt: START,
      lastAt: START,
      branch: null,
    });
  });

  test.each<[string, readonly EventBody[], Partial<RunState>]>([
    ['is interrupted', [{ type: 'orch.interrupted', reason: 'SIGINT' }], { status: 'interrupted', seq: 2 }],
    [
      'goes on, in another sandbox',
      [
        { type: 'orch.interrupted', reason: 'x' },
        { ...resumed(), sandbox: 'host', parallelism: 7 },
      ],
      { status: 'running', start: { ...started(PLAN), sandbox: 'host', parallelism: 7 } },
    ],
    [
      'is complete',
      [{ type: 'orch.completed', branch: 'choo/run/run0000001', head: commit('f') }],
      { status: 'complete', head: commit('f'), branch: 'choo/run/run0000001', lastAt: START + 1000 },
    ],
    [
      'failed, with what could not be merged',
      [{ type: 'orch.failed', branch: 'b', head: null, unmerged: [{ unit: 'web', files: ['x'] }] }],
      { status: 'failed', head: null, unmerged: [{ unit: 'web', files: ['x'] }] },
    ],
    [
      'is complete, and left no branch',
      [{ type: 'orch.completed', branch: null, head: null }],
      { status: 'complete', head: null, branch: null },
    ],
    [
      'is cancelled',
      [api.cancelled(), { type: 'orch.cancelled', actor: 'ann' }],
      { status: 'cancelled', seq: 3 },
    ],
    ...(['completed', 'failed', 'cancelled'] as const).map(
      (end): [string, EventBody[], Partial<RunState>] => [
        `goes on when one of its units gets another turn after it ${end}, and what its end said is gone`,
        [
          end === 'cancelled'
            ? { type: 'orch.cancelled', actor: 'ann' }
            : {
                type: `orch.${end}`,
                branch: 'b',
                head: commit('f'),
                unmerged: [{ unit: 'web', files: ['x'] }],
              },
          api.retried(),
        ],
        { status: 'running', head: null, branch: null, unmerged: [] },
      ],
    ),
    [
      'goes on when it is told to after it ended',
      [
        { type: 'orch.failed', branch: 'b', head: commit('f'), unmerged: [{ unit: 'web', files: ['x'] }] },
        resumed(),
      ],
      { status: 'running', head: null, branch: null, unmerged: [] },
    ],
    [
      'stays interrupted when a unit gets another turn: nobody works on it yet',
      [{ type: 'orch.interrupted', reason: 'x' }, api.retried()],
      { status: 'interrupted' },
    ],
    [
      'stays as it ended when a unit it does not know gets another turn',
      [{ type: 'orch.completed', branch: null, head: null }, factsOf('ghost').retried()],
      { status: 'complete' },
    ],
    ['passes by a unit it does not know', [factsOf('ghost').started()], { seq: 2, status: 'running' }],
  ])('%s', (_, events, expected) => {
    expect(stateAfter(...events)).toMatchObject(expected);
  });

  test('is the same told at once or bit by bit', () => {
    const events = numbered([
      started(PLAN),
      api.started(),
      api.task(1),
      api.invoke(1),
      api.usage(1, 5, 1),
      web.blocked('api'),
    ]);
    let state: RunState | undefined;
    for (const event of events) state = advance(state, event);
    expect(state).toEqual(foldEvents(events));
  });

  test('costs the same for each event, however many events and units there are', async () => {
    const time = async (unitCount: number, eventCount: number): Promise<number> => {
      const units = Array.from({ length: unitCount }, (_, at) => plannedUnit(`u${at}`, { tasks: 3 }));
      const facts = units.map(({ id }) => factsOf(id));
      const events = numbered([
        started(units),
        ...Array.from({ length: eventCount }, (_, at) => {
          const fact = facts[at % unitCount] ?? api;
          return at % 2 === 0 ? fact.usage(1, at, 0.1) : fact.gate(1);
        }),
      ]);
      const runs: number[] = [];
      while (runs.length < 5) runs.push(await cpuMs(() => foldEvents(events)));
      return Math.min(...runs);
    };
    // So many that what a busy machine adds, caches that others emptied, does not decide.
    const few = await time(20, 20_000);
    expect(await time(20, 100_000)).toBeLessThan(15 * few + 10);
    expect(await time(2000, 20_000)).toBeLessThan(15 * few + 10);
  });
});

describe('a stored event', () => {
  test('is read as it was written', () => {
    for (const event of numbered([
      started(PLAN),
      api.started(),
      api.red(1),
      api.done(1, 3, null),
      api.failed(),
      { ...started(PLAN), actor: 'ann', remote: 'https://localhost/team/project' },
      api.cancelled(),
      api.skipped(),
      api.retried({ fresh: true, from: 2 }),
      { type: 'orch.cancelled', actor: 'ann' },
      { type: 'orch.failed', branch: null, head: null, unmerged: [] },
      { type: 'orch.completed', branch: null, head: null },
    ]))
      expect(parseEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  test('that an older choo wrote is read, and asked for by nobody known', () => {
    const { actor: _, remote: __, ...older } = started(PLAN);
    expect(parseEvent({ ...older, seq: 1, at: 1 })).toEqual({ ...started(PLAN), seq: 1, at: 1 });
    expect(started(PLAN)).toMatchObject({ actor: null, remote: null });
  });

  test.each([
    null,
    'x',
    [],
    {},
    { seq: 1, at: 1 },
    { seq: 1, at: 1, type: 'unit.queued' },
    { seq: 0, at: 1, type: 'unit.queued', unit: 'a' },
    { at: 1, type: 'unit.queued', unit: 'a' },
    { seq: 1, at: 1, type: 'unit.exploded', unit: 'a' },
    { seq: 1, at: 1, type: 'unit.cancelled', unit: 'a' },
    { seq: 1, at: 1, type: 'unit.retried', unit: 'a', actor: 'b', fresh: false, from: 0 },
    { seq: 1, at: 1, type: 'branch.pushed', unit: 'a', branch: 'b', head: 'HEAD' },
  ])('is none when it is %j', (value) => {
    expect(parseEvent(value)).toBeUndefined();
  });
});
