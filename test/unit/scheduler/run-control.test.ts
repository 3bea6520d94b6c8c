import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../src/events/event.ts';
import type { UnitState } from '../../../src/events/run-rules.ts';
import { Graph } from '../../../src/scheduler/graph.ts';
import {
  cancelEvents,
  changeOf,
  type ControlView,
  retryEvents,
  skipEvents,
} from '../../../src/scheduler/run-control.ts';
import { decide } from '../../../src/scheduler/scheduler.ts';
import { acyclicUnits, unitsOf } from '../../helpers/arbitrary-graphs.ts';

const RUN = 'run0000001';
const actor = 'ann@laptop';
const RETRY = { units: [] as readonly string[], actor, fresh: false, from: null };

type View = ControlView & { readonly units: ReadonlyMap<string, UnitState> };

/** A run at one moment: what each unit depends on, and where those stand that are not pending. */
function viewOf(
  dependencies: Readonly<Record<string, readonly string[]>>,
  units: Readonly<Record<string, UnitState>> = {},
  status: ControlView['status'] = 'running',
): View {
  return { run: RUN, status, graph: new Graph(unitsOf(dependencies)), units: new Map(Object.entries(units)) };
}

const STATE_AFTER: Readonly<Partial<Record<EventBody['type'], UnitState>>> = {
  'unit.queued': 'pending',
  'unit.retried': 'pending',
  'unit.cancelled': 'cancelled',
  'unit.skipped': 'skipped',
};

/** Where the units stand after a change, and once the scheduler has said what is blocked. */
function after(view: View, events: readonly EventBody[]): View {
  const units = new Map(view.units);
  for (const event of events) {
    const state = STATE_AFTER[event.type];
    if ('unit' in event && state !== undefined) units.set(event.unit, state);
  }
  for (const action of decide({ graph: view.graph, units }, { parallelism: 0 }))
    if (action.type === 'block') units.set(action.unit, 'blocked');
  return { ...view, units };
}

/** Runs in which every unit stands somewhere, blocked ones where the scheduler blocks them. */
const anyView: fc.Arbitrary<View> = fc
  .record({
    nodes: acyclicUnits(10),
    states: fc.array(fc.constantFrom<UnitState>('pending', 'complete', 'skipped', 'failed', 'cancelled'), {
      minLength: 10,
      maxLength: 10,
    }),
    status: fc.constantFrom<ControlView['status']>('running', 'interrupted'),
  })
  .map(({ nodes, states, status }) => {
    const units = new Map(nodes.map(({ id }, at) => [id, states[at] ?? 'pending']));
    return after({ run: RUN, status, graph: new Graph(nodes), units }, []);
  });

const states = ({ units }: View): Readonly<Record<string, UnitState>> => Object.fromEntries(units);

describe('cancelling', () => {
  test('a run cancels what can still complete, then the run', () => {
    const view = viewOf({ a: [], b: ['a'], c: [], d: [] }, { a: 'running', b: 'blocked', c: 'complete' });
    expect(cancelEvents(view, { units: [], actor })).toEqual({
      kind: 'change',
      units: ['a', 'b', 'd'],
      events: [
        ...['a', 'b', 'd'].map((unit) => ({ type: 'unit.cancelled', unit, actor })),
        { type: 'orch.cancelled', actor },
      ],
      stops: ['a', 'b', 'd'],
      reopens: false,
    });
  });

  test('units leaves the run under way', () => {
    const { events, stops } = changeOf(
      cancelEvents(viewOf({ a: [], b: [], c: [] }), { units: ['c', 'a'], actor }),
    );
    expect(events.map(({ type }) => type)).toEqual(['unit.cancelled', 'unit.cancelled']);
    expect(stops).toEqual(['a', 'c']);
  });

  test.each<[string, View, readonly string[], object]>([
    [
      'a run that has ended',
      viewOf({ a: [] }, { a: 'failed' }, 'failed'),
      [],
      { code: 'conflict', message: `run ${RUN} has ended already: failed` },
    ],
    [
      'a unit that has ended, with one that has not',
      viewOf({ a: [], b: [] }, { a: 'complete' }),
      ['b', 'a'],
      { code: 'conflict', message: `unit \`a\` of run ${RUN} is complete` },
    ],
    [
      'a unit with a slip in its name',
      viewOf({ payments: [] }),
      ['paymnts'],
      { code: 'usage', message: `run ${RUN} has no unit \`paymnts\``, hint: 'did you mean `payments`?' },
    ],
    ['a unit of no such name', viewOf({ a: [], b: [] }), ['x'], { code: 'usage', hint: 'it has a, b' }],
  ])('refuses %s', (_, view, units, refusal) => {
    expect(cancelEvents(view, { units, actor })).toMatchObject({ kind: 'refused', ...refusal });
  });
});

describe('retrying', () => {
  test('a run tries what failed once more, and what that blocked waits again', () => {
    const view = viewOf({ a: [], b: ['a'], c: [] }, { a: 'failed', b: 'blocked', c: 'complete' }, 'failed');
    expect(retryEvents(view, RETRY)).toEqual({
      kind: 'change',
      units: ['a', 'b'],
      events: [
        { type: 'unit.retried', unit: 'a', actor, fresh: false, from: null },
        { type: 'unit.queued', unit: 'b' },
      ],
      stops: [],
      reopens: true,
    });
  });

  test('a complete unit from a task on has what was built on it looked at again', () => {
    const view = viewOf({ a: [], b: ['a'] }, { a: 'complete', b: 'complete' }, 'complete');
    const { events } = changeOf(retryEvents(view, { ...RETRY, units: ['a'], from: 2 }));
    expect(events).toEqual([
      { type: 'unit.retried', unit: 'a', actor, fresh: false, from: 2 },
      { type: 'unit.queued', unit: 'b' },
    ]);
  });

  test.each<[string, View, readonly string[], object]>([
    [
      'a run in which everything is complete',
      viewOf({ a: [] }, { a: 'complete' }, 'complete'),
      [],
      { code: 'conflict', message: `run ${RUN} has nothing to retry` },
    ],
    [
      'a unit that is complete, unless it is to start over',
      viewOf({ a: [] }, { a: 'complete' }),
      ['a'],
      { code: 'conflict', hint: expect.stringContaining('--fresh') },
    ],
    ['a unit that is under way', viewOf({ a: [] }, { a: 'running' }), ['a'], { code: 'conflict' }],
    ['a unit of no such name', viewOf({ api: [] }), ['apo'], { code: 'usage', hint: 'did you mean `api`?' }],
  ])('refuses %s', (_, view, units, refusal) => {
    expect(retryEvents(view, { ...RETRY, units })).toMatchObject({ kind: 'refused', ...refusal });
  });

  test('a cancelled run has every unit that was cancelled wait again, and no other', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const cancelled = after(view, changeOf(cancelEvents(view, { units: [], actor })).events);
        const open = Object.entries(states(view)).filter(
          ([, state]) => state === 'pending' || state === 'blocked',
        );
        for (const [id] of open) expect(cancelled.units.get(id)).toBe('cancelled');
        const stuck = Object.values(states(cancelled)).some((s) => s === 'failed' || s === 'cancelled');
        const decision = retryEvents({ ...cancelled, status: 'cancelled' }, RETRY);
        expect(decision.kind).toBe(stuck ? 'change' : 'refused');
        if (decision.kind === 'refused') return;
        const again = after(cancelled, decision.events);
        for (const [id, state] of Object.entries(states(again)))
          expect(state).toBe(
            ['complete', 'skipped'].includes(view.units.get(id) ?? '') ? view.units.get(id) : 'pending',
          );
      }),
    );
  });
});

describe('skipping', () => {
  test('stops the unit, and what it blocked waits again', () => {
    const view = viewOf({ a: [], b: ['a'], c: ['b'] }, { a: 'failed', b: 'blocked', c: 'blocked' }, 'failed');
    expect(skipEvents(view, { units: ['a'], actor })).toEqual({
      kind: 'change',
      units: ['a'],
      events: [
        { type: 'unit.skipped', unit: 'a', actor },
        { type: 'unit.queued', unit: 'b' },
        { type: 'unit.queued', unit: 'c' },
      ],
      stops: ['a'],
      reopens: true,
    });
  });

  test.each<[string, View, readonly string[], object]>([
    [
      'a complete unit',
      viewOf({ a: [] }, { a: 'complete' }),
      ['a'],
      { code: 'conflict', hint: 'only units that are not complete can be skipped' },
    ],
    ['a skipped unit', viewOf({ a: [] }, { a: 'skipped' }), ['a'], { code: 'conflict' }],
    ['no unit at all', viewOf({ a: [] }), [], { code: 'usage' }],
    ['a unit of no such name', viewOf({ a: [] }), ['b'], { code: 'usage', hint: 'it has a' }],
  ])('refuses %s', (_, view, units, refusal) => {
    expect(skipEvents(view, { units, actor })).toMatchObject({ kind: 'refused', ...refusal });
  });

  test('all that is in the way frees everything that depends on it', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        const roots = Object.entries(states(view)).filter(
          ([, state]) => state === 'failed' || state === 'cancelled',
        );
        if (roots.length === 0) return;
        const decision = skipEvents(view, { units: roots.map(([id]) => id), actor });
        const left = after(view, changeOf(decision).events);
        expect(Object.values(states(left)).filter((state) => state === 'blocked')).toEqual([]);
        const actions = decide(left, { parallelism: Number.POSITIVE_INFINITY });
        expect(actions.filter(({ type }) => type === 'block')).toEqual([]);
      }),
    );
  });
});
