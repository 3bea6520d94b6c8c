import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type UnitState, unitStateAfter } from '../../../src/events/run-rules.ts';
import { Graph, type GraphNode } from '../../../src/scheduler/graph.ts';
import { type Action, decide, type SchedulerState } from '../../../src/scheduler/scheduler.ts';
import { acyclicUnits, unitsOf } from '../../helpers/arbitrary-graphs.ts';

type Units = Readonly<Record<string, UnitState>>;
/** What happens to a unit: `failed`, for example, is the event `unit.failed`. */
type Happening = 'started' | 'satisfied' | 'completed' | 'failed' | 'released' | 'blocked' | End | 'retried';
type End = 'cancelled' | 'skipped';
type Happenings = readonly (readonly [unit: string, what: Happening])[];

const STATES: readonly UnitState[] = [
  'pending',
  'running',
  'complete',
  'skipped',
  'failed',
  'blocked',
  'cancelled',
];

/** A run at one moment: what each unit depends on, and where those stand that are not pending. */
function runOf(dependencies: Readonly<Record<string, readonly string[]>>, units: Units = {}): SchedulerState {
  return { graph: new Graph(unitsOf(dependencies)), units: new Map(Object.entries(units)) };
}

const start = (...ids: string[]): Action[] => ids.map((unit) => ({ type: 'start', unit }));
const block = (unit: string, cause: string): Action => ({ type: 'block', unit, cause });
const finish = (outcome: 'complete' | 'incomplete'): Action => ({ type: 'finish', outcome });

describe('what a run starts', () => {
  const decideFor = (run: SchedulerState, parallelism = 9) => decide(run, { parallelism });

  test('is the longest remaining way first, then by id', () => {
    const run = runOf({ a: [], b: [], c: [], d: ['c'], e: ['d'], f: ['b'], g: [] });
    expect(decideFor(run)).toEqual(start('c', 'b', 'a', 'g'));
  });

  test('goes by the weight that remains, not by the number of units', () => {
    const units = [
      { id: 'a', dependsOn: [], weight: 1 },
      { id: 'a2', dependsOn: ['a'], weight: 1 },
      { id: 'b', dependsOn: [], weight: 3 },
    ];
    expect(decideFor({ graph: new Graph(units), units: new Map() })).toEqual(start('b', 'a'));
  });

  test('is no more than the limit leaves', () => {
    const run = runOf({ a: [], b: [], c: [], d: [] }, { b: 'running' });
    expect(decideFor(run, 3)).toEqual(start('a', 'c'));
    expect(decideFor(run, 1)).toEqual([]);
    expect(decideFor(runOf({ a: [], b: [], c: [], d: [] }, { a: 'running', b: 'running' }), 1)).toEqual([]);
  });

  test('is nothing with a parallelism of 0, which blocks all the same and does not end the run', () => {
    const run = runOf({ a: [], b: [], c: ['b'] }, { b: 'failed' });
    expect(decideFor(run, 0)).toEqual([block('c', 'b')]);
    expect(decideFor(runOf({ a: [] }), 0)).toEqual([]);
  });

  test('waits for every dependency, and not for ids that are no unit', () => {
    const dependencies = { a: [], b: [], c: ['a', 'b'], d: ['gone'] };
    expect(decideFor(runOf(dependencies, { a: 'complete', b: 'running' }))).toEqual(start('d'));
    expect(decideFor(runOf(dependencies, { a: 'complete', b: 'complete' }))).toEqual(start('c', 'd'));
  });

  test('includes what is behind a failed unit but was complete before', () => {
    const run = runOf({ a: [], b: ['a'], c: ['b'] }, { a: 'failed', b: 'complete' });
    expect(decideFor(run)).toEqual(start('c'));
  });
});

describe('what a run blocks', () => {
  const decideFor = (run: SchedulerState) => decide(run, { parallelism: 1 });

  test('names the unit that failed, not the one in between', () => {
    const run = runOf({ a: [], b: ['a'], c: ['b'], d: [] }, { a: 'failed', b: 'blocked' });
    expect(decideFor(run)).toEqual([block('c', 'a'), ...start('d')]);
  });

  test('comes by id and before what starts, all of it at once', () => {
    const run = runOf({ z: [], y: ['z'], x: ['y'], a: [] }, { z: 'failed' });
    expect(decideFor(run)).toEqual([block('x', 'z'), block('y', 'z'), ...start('a')]);
  });

  test('names the first by id of several that failed', () => {
    const run = runOf({ z: [], m: [], a: ['z'], b: ['m', 'a'], c: [] }, { m: 'failed', z: 'failed' });
    expect(decideFor(run)).toEqual([block('a', 'z'), block('b', 'm'), ...start('c')]);
  });

  test('is what waits for a cancelled unit, as for a failed one', () => {
    const run = runOf({ a: [], b: ['a'] }, { a: 'cancelled' });
    expect(decideFor(run)).toEqual([block('b', 'a'), finish('incomplete')]);
  });

  test('is nothing behind a unit that is left out, whatever became of what that one waited for', () => {
    const run = runOf({ a: [], b: ['a'], c: ['b'], d: ['a'] }, { a: 'failed', b: 'skipped' });
    expect(decideFor(run)).toEqual([block('d', 'a'), ...start('c')]);
  });

  test('is nothing any more once the failed unit is left out', () => {
    const run = runOf({ a: [], b: ['a'] }, { a: 'failed', b: 'blocked' });
    const skipped = applyAll(run, [
      ['a', 'skipped'],
      ['b', 'retried'],
    ]);
    expect(decideFor(skipped)).toEqual(start('b'));
  });

  test('is nothing any more once the failed unit is tried again', () => {
    const run = runOf({ a: [], b: ['a'] }, { a: 'failed', b: 'blocked' });
    const retried = applyAll(run, [
      ['b', 'retried'],
      ['a', 'retried'],
    ]);
    expect(decideFor(retried)).toEqual(start('a'));
  });

  test('is a cycle and what is behind it, so that the rest can end', () => {
    const dependencies = { a: [], b: ['c'], c: ['b'], d: ['c'], e: ['a'] };
    const blocked = [block('b', 'b'), block('c', 'b'), block('d', 'b')];
    expect(decideFor(runOf(dependencies))).toEqual([...blocked, ...start('a')]);
    expect(decideFor(runOf(dependencies, { a: 'complete', e: 'complete' }))).toEqual([
      ...blocked,
      finish('incomplete'),
    ]);
  });
});

describe('a run ends', () => {
  test.each<[string, Units, readonly Action[]]>([
    ['complete when every unit is', { a: 'complete', b: 'complete' }, [finish('complete')]],
    ['complete when every unit is, or was left out', { a: 'skipped', b: 'complete' }, [finish('complete')]],
    ['complete when every unit was left out', { a: 'skipped', b: 'skipped' }, [finish('complete')]],
    [
      'incomplete when one failed, whatever was left out',
      { a: 'skipped', b: 'failed' },
      [finish('incomplete')],
    ],
    ['not while what waits for a unit that was left out can start', { a: 'skipped' }, start('b')],
    ['incomplete when one failed', { a: 'complete', b: 'failed' }, [finish('incomplete')]],
    ['incomplete when one was cancelled', { a: 'cancelled', b: 'complete' }, [finish('incomplete')]],
    ['incomplete when one is blocked', { a: 'failed', b: 'blocked' }, [finish('incomplete')]],
    ['incomplete with what it blocks last', { a: 'failed' }, [block('b', 'a'), finish('incomplete')]],
    ['not while a unit is running', { a: 'complete', b: 'running' }, []],
    ['not while one that failed leaves another running', { a: 'running', b: 'failed' }, []],
    ['not while a unit can start', { a: 'complete' }, start('b')],
  ])('%s', (_, units, expected) => {
    expect(decide(runOf({ a: [], b: ['a'] }, units), { parallelism: 2 })).toEqual(expected);
  });

  test('complete at once without units', () => {
    expect(decide(runOf({}), { parallelism: 2 })).toEqual([finish('complete')]);
  });
});

/** What happens to one unit in a simulated run. */
interface Fate {
  /** Before the run starts anything. */
  readonly first: 'satisfied' | End | undefined;
  /** How often its worker gives it back before it ends. */
  readonly releases: number;
  readonly end: 'completed' | 'failed' | End;
  /** Its place among those that end at the same time. */
  readonly rank: number;
}

interface World {
  readonly units: readonly GraphNode[];
  readonly fates: ReadonlyMap<string, Fate>;
  readonly parallelism: number;
  /** One after the other, and again from the first: which of the running units end next, as bits. */
  readonly endings: readonly number[];
}

/** One decision of a simulated run. */
interface Moment {
  readonly asked: SchedulerState;
  readonly actions: readonly Action[];
  /** Once the actions are performed. */
  readonly performed: SchedulerState;
  /** What happens at the same time before the next decision. */
  readonly ends: Happenings;
}

const fates: fc.Arbitrary<Fate> = fc.record({
  first: fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 8 },
    fc.constantFrom('satisfied' as const, 'cancelled' as const, 'skipped' as const),
  ),
  releases: fc.nat({ max: 2 }),
  end: fc.oneof(
    { arbitrary: fc.constant('completed' as const), weight: 4 },
    fc.constantFrom('failed' as const, 'cancelled' as const, 'skipped' as const),
  ),
  rank: fc.nat({ max: 99 }),
});

const worlds: fc.Arbitrary<World> = fc
  .record({
    units: acyclicUnits(10),
    fates: fc.array(fates, { minLength: 10, maxLength: 10 }),
    parallelism: fc.integer({ min: 1, max: 4 }),
    endings: fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 12 }),
  })
  .map(({ units, fates, ...rest }) => ({
    units,
    fates: new Map(units.flatMap(({ id }, at) => fates.slice(at, at + 1).map((fate) => [id, fate] as const))),
    ...rest,
  }));

/** Runs a world to its end, or to the moment when nothing runs and nothing is decided. */
function simulate(world: World): readonly [Moment, ...Moment[]] {
  const { units, fates, parallelism, endings } = world;
  const left = new Map([...fates].map(([id, { releases, end }]) => [id, [...fill(releases), end]]));
  const firsts = [...fates].flatMap(([id, { first }]) => (first === undefined ? [] : [[id, first] as const]));
  const next = (asked: SchedulerState, turn: number): Moment => {
    const actions = decide(asked, { parallelism });
    const performed = applyAll(
      asked,
      actions.flatMap((action) => {
        if (action.type === 'finish') return [];
        return [[action.unit, action.type === 'start' ? 'started' : 'blocked'] as const];
      }),
    );
    const running = idsIn(performed, 'running');
    const bits = endings[turn % endings.length] ?? 0;
    const chosen = running.filter((_, at) => ((bits >> at) & 1) === 1);
    const ends = (chosen.length > 0 ? chosen : running)
      .sort((a, b) => (fates.get(a)?.rank ?? 0) - (fates.get(b)?.rank ?? 0))
      .map((id) => [id, left.get(id)?.shift() ?? 'completed'] as const);
    return { asked, actions, performed, ends };
  };
  let moment = next(applyAll({ graph: new Graph(units), units: new Map() }, firsts), 0);
  const moments: [Moment, ...Moment[]] = [moment];
  while (moment.ends.length > 0) {
    moment = next(applyAll(moment.performed, moment.ends), moments.length);
    moments.push(moment);
  }
  return moments;
}

function fill(releases: number): Happening[] {
  return Array.from({ length: releases }, () => 'released');
}

/** Throws where a unit that is not pending starts or is blocked: decide asks for nothing impossible. */
function applyAll(state: SchedulerState, happenings: Happenings): SchedulerState {
  const units = new Map(state.units);
  for (const [unit, what] of happenings) {
    const before = units.get(unit) ?? 'pending';
    if ((what === 'started' || what === 'blocked') && before !== 'pending')
      throw new Error(`\`${unit}\` is ${before}: it cannot be ${what}`);
    units.set(unit, unitStateAfter({ type: `unit.${what}` }) ?? before);
  }
  return { graph: state.graph, units };
}

function stateOf({ units }: SchedulerState, id: string): UnitState {
  return units.get(id) ?? 'pending';
}

function idsIn(state: SchedulerState, ...wanted: UnitState[]): string[] {
  return state.graph.ids.filter((id) => wanted.includes(stateOf(state, id)));
}

function startsOf({ actions }: Moment): string[] {
  return actions.flatMap((action) => (action.type === 'start' ? [action.unit] : []));
}

/** Checks something about every decision of many simulated runs. */
function everyMoment(check: (moment: Moment, world: World) => void): void {
  fc.assert(
    fc.property(worlds, (world) => {
      for (const moment of simulate(world)) check(moment, world);
    }),
    { numRuns: 300 },
  );
}

describe('in any run', () => {
  test('no more units are running than the limit allows', () => {
    everyMoment(({ performed }, { parallelism }) => {
      expect(idsIn(performed, 'running').length).toBeLessThanOrEqual(parallelism);
    });
  });

  test('no unit starts before all it depends on is complete or left out', () => {
    everyMoment((moment) => {
      const { asked } = moment;
      const needed = startsOf(moment).flatMap((id) => asked.graph.dependenciesOf(id));
      expect(needed.filter((id) => !idsIn(asked, 'complete', 'skipped').includes(id))).toEqual([]);
    });
  });

  test('no work is withheld: every free slot is taken while a unit is ready', () => {
    everyMoment((moment, { units, parallelism }) => {
      const { asked } = moment;
      const done = new Set(idsIn(asked, 'complete', 'skipped'));
      const ready = units.filter(
        ({ id, dependsOn }) => stateOf(asked, id) === 'pending' && dependsOn.every((each) => done.has(each)),
      );
      const free = parallelism - idsIn(asked, 'running').length;
      expect(startsOf(moment)).toHaveLength(Math.min(ready.length, free));
    });
  });

  test('a unit that failed or was cancelled blocks all that waits for it, at once, and nothing else', () => {
    everyMoment(({ asked, performed }, { units, fates }) => {
      // Complete or left out before the run: nobody waits for them, and nothing passes through them.
      const done = (id: string): boolean => ['satisfied', 'skipped'].includes(fates.get(id)?.first ?? '');
      const waiting = new Graph(units.filter(({ id }) => !done(id)));
      const roots = idsIn(asked, 'failed', 'cancelled');
      const behind = new Set(roots.flatMap((root) => [...waiting.descendantsOf(root)]));
      const blocked = [...behind].filter((id) => !roots.includes(id)).sort();
      expect(idsIn(performed, 'blocked').sort()).toEqual(blocked);
    });
  });

  test('a blocked unit is told of a unit that failed or was cancelled, and that it waits for', () => {
    everyMoment(({ asked, actions }) => {
      for (const action of actions) {
        if (action.type !== 'block') continue;
        expect(['failed', 'cancelled']).toContain(stateOf(asked, action.cause));
        expect([...asked.graph.descendantsOf(action.cause)]).toContain(action.unit);
      }
    });
  });

  test('every unit comes to an end, and the run finishes exactly once, last, with the right outcome', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const moments = simulate(world);
        const { performed } = moments.at(-1) ?? moments[0];
        expect(idsIn(performed, 'pending', 'running')).toEqual([]);
        const finishes = moments.map(({ actions }) => actions.filter(({ type }) => type === 'finish'));
        const done = idsIn(performed, 'complete', 'skipped');
        const outcome = done.length === world.units.length ? 'complete' : 'incomplete';
        expect(finishes.flat()).toEqual([finish(outcome)]);
        expect(finishes.at(-1)).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });

  test('units that end at the same time give the same decision in whatever order they are heard of', () => {
    everyMoment(({ performed, ends }, { parallelism }) => {
      const decideAfter = (happenings: Happenings) =>
        decide(applyAll(performed, happenings), { parallelism });
      const heard = decideAfter(ends);
      const byId = ends.toSorted(([a], [b]) => (a < b ? -1 : 1));
      expect(decideAfter(byId)).toEqual(heard);
      expect(decideAfter(byId.toReversed())).toEqual(heard);
    });
  });

  test('the decision is the same in whatever order the states of units are written down', () => {
    const states = fc.array(fc.constantFrom(...STATES), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(acyclicUnits(10), states, fc.nat({ max: 4 }), (units, states, parallelism) => {
        const graph = new Graph(units);
        const entries = units.map(({ id }, at) => [id, states[at] ?? 'pending'] as const);
        const forward = decide({ graph, units: new Map(entries) }, { parallelism });
        const backward = decide({ graph, units: new Map(entries.toReversed()) }, { parallelism });
        expect(backward).toEqual(forward);
      }),
      { numRuns: 300 },
    );
  });
});
