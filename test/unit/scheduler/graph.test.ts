import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Graph, type GraphNode } from '../../../src/scheduler/graph.ts';
import { acyclicUnits, anyUnits, unitsOf } from '../../helpers/arbitrary-graphs.ts';

type Pairs = readonly (readonly [from: string, to: string])[];

const DIAMOND = { base: [], left: ['base'], right: ['base'], top: ['left', 'right'] };

function graphOf(dependencies: Readonly<Record<string, readonly string[]>>): Graph {
  return new Graph(unitsOf(dependencies));
}

/** Every dependency as `[dependency, dependent]`. */
function edgesOf(units: readonly GraphNode[]): Pairs {
  return units.flatMap(({ id, dependsOn }) => dependsOn.map((dependency) => [dependency, id] as const));
}

/** What each id leads to over one or more of the pairs, by Warshall's algorithm. */
function reachOf(ids: readonly string[], pairs: Pairs): ReadonlyMap<string, ReadonlySet<string>> {
  const reach = new Map(ids.map((id) => [id, new Set<string>()]));
  for (const [from, to] of pairs) reach.get(from)?.add(to);
  for (const [via, beyond] of reach) {
    for (const reached of reach.values()) {
      if (reached.has(via)) for (const id of beyond) reached.add(id);
    }
  }
  return reach;
}

/** Every way to a unit from one without dependencies. */
function waysTo(id: string, units: readonly GraphNode[]): string[][] {
  const dependsOn = units.find((unit) => unit.id === id)?.dependsOn ?? [];
  return dependsOn.length === 0
    ? [[id]]
    : dependsOn.flatMap((dependency) => waysTo(dependency, units).map((way) => [...way, id]));
}

function weigh(way: readonly string[], units: readonly GraphNode[]): number {
  return way.reduce((sum, id) => sum + (units.find((unit) => unit.id === id)?.weight ?? 0), 0);
}

/** Everything a graph without cycles can be asked. */
function answersOf(graph: Graph) {
  return {
    ids: graph.ids,
    waves: graph.waves(),
    order: graph.topologicalOrder(),
    criticalPath: graph.criticalPath(),
    reduction: graph.transitiveReduction(),
    units: graph.ids.map((id) => ({
      dependencies: graph.dependenciesOf(id),
      dependents: graph.dependentsOf(id),
      descendants: [...graph.descendantsOf(id)],
      remaining: graph.remainingWeight(id),
    })),
  };
}

describe('the units of a graph', () => {
  test('know what they wait for and what waits for them, directly and in the end', () => {
    const graph = graphOf({ ...DIAMOND, roof: ['top'], shed: [] });
    expect(graph.dependenciesOf('top')).toEqual(['left', 'right']);
    expect(graph.dependentsOf('base')).toEqual(['left', 'right']);
    expect([...graph.descendantsOf('left')]).toEqual(['roof', 'top']);
    expect([...graph.descendantsOf('shed')]).toEqual([]);
  });

  test('do not wait for ids that are no unit, nor twice for the same', () => {
    const graph = graphOf({ a: ['gone', 'toString'], b: ['a', 'a', 'gone'] });
    expect(graph.has('gone')).toBe(false);
    expect(graph.dependenciesOf('a')).toEqual([]);
    expect(graph.dependenciesOf('b')).toEqual(['a']);
    expect(graph.dependentsOf('gone')).toEqual([]);
    expect(graph.waves()).toEqual([['a'], ['b']]);
  });

  test('reach exactly what a chain of dependencies leads to', () => {
    fc.assert(
      fc.property(anyUnits, (units) => {
        const graph = new Graph(units);
        const below = reachOf(graph.ids, edgesOf(units));
        for (const id of graph.ids) expect(graph.descendantsOf(id)).toEqual(below.get(id));
      }),
      { numRuns: 200 },
    );
  });

  test('give the same answers in whatever order they and their dependencies come', () => {
    fc.assert(
      fc.property(acyclicUnits(10), (units) => {
        const turned = units
          .toReversed()
          .map((unit) => ({ ...unit, dependsOn: unit.dependsOn.toReversed() }));
        expect(answersOf(new Graph(turned))).toEqual(answersOf(new Graph(units)));
      }),
      { numRuns: 200 },
    );
  });
});

describe('waves', () => {
  test('hold units of equal depth by id, and the order follows them', () => {
    const graph = graphOf({
      top: ['right', 'left'],
      right: ['base'],
      left: ['base'],
      base: [],
      annex: ['left'],
    });
    expect(graph.waves()).toEqual([['base'], ['left', 'right'], ['annex', 'top']]);
    expect(graph.topologicalOrder()).toEqual(['base', 'left', 'right', 'annex', 'top']);
  });

  test('leave out what stands on a cycle or behind one, and nothing else', () => {
    const graph = graphOf({
      free: [],
      knot1: ['free', 'knot2'],
      knot2: ['knot1'],
      behind: ['knot2'],
      end: ['free'],
    });
    expect(graph.waves()).toEqual([['free'], ['end']]);
    expect(graph.topologicalOrder()).toEqual(['free', 'end']);
    expect(graph.cycles()).toEqual([{ path: ['knot1', 'knot2'], members: ['knot1', 'knot2'] }]);
  });

  test('put each unit one after the last of its dependencies, unless it waits for a cycle', () => {
    fc.assert(
      fc.property(fc.oneof(anyUnits, acyclicUnits(12)), (units) => {
        const graph = new Graph(units);
        const waves = graph.waves();
        const waveOf = new Map(waves.flatMap((wave, at) => wave.map((id) => [id, at] as const)));
        const below = reachOf(graph.ids, edgesOf(units));
        for (const { id, dependsOn } of units) {
          const stuck = units.some((unit) => {
            const reached = below.get(unit.id);
            return reached?.has(unit.id) === true && (unit.id === id || reached.has(id));
          });
          const last = Math.max(-1, ...dependsOn.map((each) => waveOf.get(each) ?? -1));
          expect(waveOf.get(id)).toBe(stuck ? undefined : last + 1);
        }
        expect(graph.topologicalOrder()).toEqual(waves.flatMap((wave) => wave.toSorted()));
      }),
      { numRuns: 300 },
    );
  });
});

describe('the transitive reduction', () => {
  test('draws no edge that a longer way implies', () => {
    const graph = graphOf({ ...DIAMOND, top: ['left', 'right', 'base'], roof: ['top', 'left'] });
    expect(graph.transitiveReduction()).toEqual([
      ['base', 'left'],
      ['base', 'right'],
      ['left', 'top'],
      ['right', 'top'],
      ['top', 'roof'],
    ]);
  });

  test('of a hundred units that each wait for all before is one chain', () => {
    const ids = Array.from({ length: 100 }, (_, at) => `u${String(at).padStart(2, '0')}`);
    const graph = new Graph(ids.map((id, at) => ({ id, dependsOn: ids.slice(0, at), weight: 1 })));
    expect(graph.transitiveReduction()).toEqual(ids.slice(1).map((id, at) => [ids[at], id]));
  });

  test('leads everywhere the graph leads, and not without each of its edges', () => {
    fc.assert(
      fc.property(acyclicUnits(20), (units) => {
        const ids = units.map(({ id }) => id);
        const reduction = new Graph(units).transitiveReduction();
        expect(reachOf(ids, reduction)).toEqual(reachOf(ids, edgesOf(units)));
        for (const [from, to] of reduction) {
          const others = reduction.filter(([a, b]) => a !== from || b !== to);
          expect(leads(others, from, to)).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  function leads(pairs: Pairs, from: string, to: string): boolean {
    const reached = new Set([from]);
    for (const id of reached) for (const [a, b] of pairs) if (a === id) reached.add(b);
    return reached.has(to);
  }
});

describe('the critical path', () => {
  test.each<[string, GraphNode[], { ids: string[]; weight: number }]>([
    ['of no units is empty', [], { ids: [], weight: 0 }],
    ['is the first by id among equals', unitsOf({ b: [], a: [], c: [] }), { ids: ['a'], weight: 1 }],
    [
      'follows the weight, not the number of units',
      [
        { id: 'base', dependsOn: [], weight: 1 },
        { id: 'heavy', dependsOn: ['base'], weight: 9 },
        { id: 'light', dependsOn: ['base'], weight: 2 },
        { id: 'last', dependsOn: ['light'], weight: 2 },
      ],
      { ids: ['base', 'heavy'], weight: 10 },
    ],
  ])('%s', (_, units, expected) => {
    expect(new Graph(units).criticalPath()).toEqual(expected);
  });

  test('is a chain of dependencies, and as heavy as the heaviest of all ways', () => {
    fc.assert(
      fc.property(acyclicUnits(9), (units) => {
        const { ids, weight } = new Graph(units).criticalPath();
        const heaviest = Math.max(
          0,
          ...units.flatMap(({ id }) => waysTo(id, units)).map((way) => weigh(way, units)),
        );
        expect(weight).toBe(heaviest);
        expect(weigh(ids, units)).toBe(weight);
        expect(edgesOf(units)).toEqual(expect.arrayContaining(ids.slice(1).map((id, at) => [ids[at], id])));
      }),
      { numRuns: 300 },
    );
  });

  test('from each unit on weighs what remains from its start', () => {
    fc.assert(
      fc.property(acyclicUnits(9), (units) => {
        const graph = new Graph(units);
        const ways = units.flatMap(({ id }) => waysTo(id, units));
        for (const { id } of units) {
          const rests = ways.filter((way) => way.includes(id)).map((way) => way.slice(way.indexOf(id)));
          expect(graph.remainingWeight(id)).toBe(Math.max(...rests.map((rest) => weigh(rest, units))));
        }
      }),
      { numRuns: 300 },
    );
  });
});
