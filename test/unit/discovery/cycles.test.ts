import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeCycle, type Edges, findCycles } from '../../../src/discovery/cycles.ts';
import { acyclicUnits, digraphs } from '../../helpers/arbitrary-graphs.ts';

/** The number of edges on the shortest way from `start` to each node that one or more edges lead to. */
function distancesFrom(edges: Edges, start: number): ReadonlyMap<number, number> {
  const distances = new Map<number, number>();
  let nodes = [start];
  for (let length = 1; nodes.length > 0; length += 1) {
    const fresh = new Set(nodes.flatMap((node) => edges[node] ?? []).filter((node) => !distances.has(node)));
    for (const node of fresh) distances.set(node, length);
    nodes = [...fresh];
  }
  return distances;
}

/** The components that hold a cycle, found by asking for every pair of nodes whether each reaches the other. */
function knotsOf(edges: Edges): { members: number[]; shortest: number }[] {
  const from = edges.map((_, node) => distancesFrom(edges, node));
  const reaches = (a: number, b: number) => from[a]?.has(b) === true;
  const nodes = [...edges.keys()];
  return nodes
    .map((node) => nodes.filter((other) => reaches(node, other) && reaches(other, node)))
    .filter((members, node) => members[0] === node)
    .map((members) => ({
      members,
      shortest: Math.min(...members.map((node) => from[node]?.get(node) ?? Number.POSITIVE_INFINITY)),
    }));
}

describe('the cycles of a graph', () => {
  test.each<[string, Edges, ReturnType<typeof findCycles>]>([
    ['an empty graph has none', [], []],
    ['a diamond has none', [[1, 2], [3], [3], []], []],
    ['a node that points to itself is one', [[1], [1]], [{ path: [1], members: [1] }]],
    [
      'two knots give one each, by their first nodes',
      [[3], [4, 0], [], [0], [1]],
      [
        { path: [0, 3], members: [0, 3] },
        { path: [1, 4], members: [1, 4] },
      ],
    ],
    [
      'the shortest of several is shown, and everything that shares its knot is a member',
      [[1], [2], [3, 4], [0], [2]],
      [{ path: [2, 4], members: [0, 1, 2, 3, 4] }],
    ],
    [
      'the path follows the edges from its smallest node',
      [[], [3], [1], [2]],
      [{ path: [1, 3, 2], members: [1, 2, 3] }],
    ],
    [
      'what only leads to a knot, or only follows it, is no member',
      [[1], [2], [1, 3], []],
      [{ path: [1, 2], members: [1, 2] }],
    ],
  ])('%s', (_, edges, expected) => {
    expect(findCycles(edges)).toEqual(expected);
  });

  test('include a ring of 20,000 nodes, without exhausting the stack', () => {
    const size = 20_000;
    const ring = Array.from({ length: size }, (_, node) => [(node + 1) % size]);
    const all = [...ring.keys()];
    expect(findCycles(ring)).toEqual([{ path: all, members: all }]);
  });

  test('are one for each component that has any, with exactly its members', () => {
    fc.assert(
      fc.property(digraphs, (edges) => {
        const found = findCycles(edges).map(({ members }) => members);
        expect(found.toSorted(byFirst)).toEqual(knotsOf(edges).map(({ members }) => members));
      }),
      { numRuns: 500 },
    );
  });

  test('are real: each node points to the next, the last to the first, and none comes twice', () => {
    fc.assert(
      fc.property(digraphs, (edges) => {
        for (const { path, members } of findCycles(edges)) {
          const next = (at: number) => path[(at + 1) % path.length];
          expect(path.filter((node, at) => edges[node]?.some((target) => target === next(at)))).toEqual(path);
          expect(new Set(path).size).toBe(path.length);
          expect(members).toEqual(expect.arrayContaining([...path]));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('are the shortest of their components', () => {
    fc.assert(
      fc.property(digraphs, (edges) => {
        const found = findCycles(edges).toSorted((a, b) => byFirst(a.members, b.members));
        expect(found.map(({ path }) => path.length)).toEqual(knotsOf(edges).map(({ shortest }) => shortest));
      }),
      { numRuns: 500 },
    );
  });

  test('start with their smallest node, come by it, and are the same when asked twice', () => {
    fc.assert(
      fc.property(digraphs, (edges) => {
        const found = findCycles(edges);
        expect(found.map(({ path }) => path[0])).toEqual(
          found.map(({ path }) => Math.min(...path)).sort((a, b) => a - b),
        );
        expect(findCycles(edges)).toEqual(found);
      }),
      { numRuns: 300 },
    );
  });

  test('are none where every unit only depends on earlier ones', () => {
    fc.assert(
      fc.property(acyclicUnits(12), (units) => {
        const ids = units.map(({ id }) => id);
        expect(findCycles(units.map(({ dependsOn }) => dependsOn.map((id) => ids.indexOf(id))))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  [['a', 'b', 'c'], 'a -> b -> c -> a'],
  [['a'], 'a -> a'],
  [[], ''],
])('a cycle through %j is written closed', (names, text) => {
  expect(describeCycle(names)).toBe(text);
});

function byFirst(a: readonly number[], b: readonly number[]): number {
  return (a[0] ?? 0) - (b[0] ?? 0);
}
