import fc from 'fast-check';
import type { Edges } from '../../src/discovery/cycles.ts';
import type { GraphNode } from '../../src/scheduler/graph.ts';

/** Units of weight 1, written as what each depends on: `{ a: [], b: ['a'] }`. */
export function unitsOf(dependencies: Readonly<Record<string, readonly string[]>>): GraphNode[] {
  return Object.entries(dependencies).map(([id, dependsOn]) => ({ id, dependsOn, weight: 1 }));
}

/** Any directed graph of a few nodes, sparse enough to hold several knots; an edge may be named twice. */
export const digraphs: fc.Arbitrary<Edges> = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc.tuple(
      fc.array(fc.array(fc.nat({ max: size - 1 }), { maxLength: 3 }), { minLength: size, maxLength: size }),
      fc.boolean(),
    ),
  )
  // Nodes that point to themselves would hide longer cycles.
  .map(([edges, loops]) =>
    loops ? edges : edges.map((targets, node) => targets.filter((target) => target !== node)),
  );

/** Up to `maxUnits` units without cycles, each with at most three dependencies; neither ids nor places tell the order. */
export function acyclicUnits(maxUnits: number): fc.Arbitrary<GraphNode[]> {
  const names = Array.from({ length: maxUnits }, (_, at) => `u${at}`);
  return fc
    .noBias(fc.shuffledSubarray(names))
    .chain((ids) =>
      fc.tuple(
        ...ids.map((id, at) =>
          fc.record({
            id: fc.constant(id),
            dependsOn: fc.shuffledSubarray(ids.slice(0, at), { maxLength: Math.min(at, 3) }),
            weight: fc.nat({ max: 5 }),
          }),
        ),
      ),
    )
    .chain((units) => fc.shuffledSubarray(units, { minLength: units.length }));
}

/** Units with or without cycles. */
export const anyUnits: fc.Arbitrary<GraphNode[]> = digraphs.map((edges) =>
  edges.map((targets, at) => ({ id: `u${at}`, dependsOn: targets.map((target) => `u${target}`), weight: 1 })),
);
