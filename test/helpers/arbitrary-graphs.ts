import fc from 'fast-check';
import type { Edges } from '../../src/discovery/cycles.ts';
import type { GraphNode } from '../../src/scheduler/graph.ts';

/** Units of weight 1, written as what each depends on: `{ a: [], b: ['a'] }`. */
export function unitsOf(dependencies: Readonly<Record<string, readonly string[]>>): GraphNode[] {
  return Object.entries(dependencies).map(([id, dependsOn]) => ({ id, dependsOn, weight: 1 }));
}

// The graphs are mapped from plain lists, not chained: a failure shrinks to a few units.

/** Any directed graph of a few nodes, sparse enough to hold several knots; an edge may be named twice. */
export const digraphs: fc.Arbitrary<Edges> = fc
  .record({
    lists: fc.array(fc.array(fc.nat({ max: 11 }), { maxLength: 3 }), { minLength: 1, maxLength: 12 }),
    loops: fc.boolean(),
  })
  .map(({ lists, loops }) =>
    lists.map((list, node) =>
      list
        .map((target) => target % lists.length)
        // Nodes that point to themselves hide longer cycles.
        .filter((target) => loops || target !== node),
    ),
  );

/** Units with or without cycles. */
export const anyUnits: fc.Arbitrary<GraphNode[]> = digraphs.map((edges) =>
  edges.map((targets, at) => ({ id: `u${at}`, dependsOn: targets.map((target) => `u${target}`), weight: 1 })),
);

/** Up to `maxUnits` units without cycles, each with at most three dependencies; neither ids nor places tell the order. */
export function acyclicUnits(maxUnits: number): fc.Arbitrary<GraphNode[]> {
  const names = Array.from({ length: maxUnits }, (_, at) => `u${at}`);
  const unit = fc.record({
    needs: fc.array(fc.nat({ max: maxUnits - 1 }), { maxLength: 3 }),
    weight: fc.nat({ max: 5 }),
    place: fc.nat({ max: 999 }),
  });
  return fc
    .record({
      units: fc.array(unit, { maxLength: maxUnits }),
      ids: fc.shuffledSubarray(names, { minLength: maxUnits }),
    })
    .map(({ units, ids }) =>
      units
        .map(({ needs, weight, place }, at) => {
          const earlier = new Set(needs.map((need) => need % at));
          return {
            place,
            node: { id: ids[at] ?? '', dependsOn: ids.filter((_, to) => earlier.has(to)), weight },
          };
        })
        .sort((a, b) => a.place - b.place)
        .map(({ node }) => node),
    );
}
