import { type Edges, findCycles } from '../discovery/cycles.ts';
import { compareText } from '../problems/problem.ts';

/** A unit in the graph. Dependencies on unknown ids are ignored. */
export interface GraphNode {
  readonly id: string;
  readonly dependsOn: readonly string[];
  /** Its amount of work, 0 or more: milliseconds if known, otherwise tasks. */
  readonly weight: number;
}

/** A path through the graph and the sum of its weights. */
export interface CriticalPath {
  readonly ids: readonly string[];
  readonly weight: number;
}

/**
 * The dependency graph of units: immutable and ordered by id, so that the same units in any order give the same graph.
 * Units on a cycle, or that depend on one, are in no wave and no order. Built in O(V log V + E).
 */
export class Graph {
  readonly #nodes: readonly GraphNode[];
  readonly #index: ReadonlyMap<string, number>;
  /** For each node the nodes it depends on, and the nodes that depend on it; both ascending. */
  readonly #dependencies: Edges;
  readonly #dependents: Edges;
  readonly #order: readonly number[];
  /** The wave of each node, from 0; -1 if it is on a cycle or depends on one. */
  readonly #wave: Int32Array;
  /** The weight of the heaviest path from each node to an end of the graph, the node included. */
  readonly #tail: Float64Array;

  constructor(nodes: Iterable<GraphNode>) {
    this.#nodes = [...nodes].sort((a, b) => compareText(a.id, b.id));
    this.#index = new Map(this.#nodes.map((node, at) => [node.id, at]));
    this.#dependencies = this.#nodes.map((node) => {
      const known = new Set(node.dependsOn.map((id) => this.#index.get(id)).filter((at) => at !== undefined));
      return [...known].sort((a, b) => a - b);
    });
    const dependents: number[][] = this.#nodes.map(() => []);
    for (const [at, dependencies] of this.#dependencies.entries()) {
      for (const dependency of dependencies) dependents[dependency]?.push(at);
    }
    this.#dependents = dependents;
    [this.#order, this.#wave] = sortByWaves(this.#dependencies, dependents);
    this.#tail = new Float64Array(this.#nodes.length);
    for (const at of this.#order.toReversed()) {
      let longest = 0;
      for (const dependent of dependents[at] ?? []) longest = Math.max(longest, this.#tail[dependent] ?? 0);
      this.#tail[at] = longest + (this.#nodes[at]?.weight ?? 0);
    }
  }

  get ids(): readonly string[] {
    return this.#nodes.map((node) => node.id);
  }

  has(id: string): boolean {
    return this.#index.has(id);
  }

  /** Direct dependencies. */
  dependenciesOf(id: string): readonly string[] {
    return this.#names(this.#dependencies[this.#at(id)] ?? []);
  }

  /** Direct dependents. */
  dependentsOf(id: string): readonly string[] {
    return this.#names(this.#dependents[this.#at(id)] ?? []);
  }

  /** Direct and indirect dependents. */
  descendantsOf(id: string): ReadonlySet<string> {
    const seen = new Set<number>();
    const open = [...(this.#dependents[this.#at(id)] ?? [])];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      open.push(...(this.#dependents[at] ?? []));
    }
    return new Set(this.#names([...seen].sort((a, b) => a - b)));
  }

  /** Units of equal depth, by id; each wave can start once the waves before it are complete. */
  waves(): readonly (readonly string[])[] {
    const waves: string[][] = [];
    for (const [at, node] of this.#nodes.entries()) {
      const wave = this.#wave[at] ?? -1;
      if (wave >= 0) (waves[wave] ??= []).push(node.id);
    }
    return waves;
  }

  /** Every unit after its dependencies; by wave, then by id. */
  topologicalOrder(): readonly string[] {
    return this.#names(this.#order);
  }

  /** The heaviest chain of dependencies: no run can be faster. Among equals the first by wave, then id. */
  criticalPath(): CriticalPath {
    const ids: string[] = [];
    let candidates: readonly number[] = this.#order;
    let weight = 0;
    while (candidates.length > 0) {
      const next = candidates.reduce((best, at) =>
        (this.#tail[at] ?? 0) > (this.#tail[best] ?? 0) ? at : best,
      );
      if (ids.length === 0) weight = this.#tail[next] ?? 0;
      ids.push(this.#nodes[next]?.id ?? '');
      candidates = (this.#dependents[next] ?? []).filter((at) => (this.#wave[at] ?? -1) >= 0);
    }
    return { ids, weight };
  }

  /** The weight of the heaviest path from the start of this unit to the end of the run; the largest starts first. */
  remainingWeight(id: string): number {
    return this.#tail[this.#at(id)] ?? 0;
  }

  /** A shortest cycle and all members of each group of units that wait for each other. */
  cycles(): readonly { readonly path: readonly string[]; readonly members: readonly string[] }[] {
    return findCycles(this.#dependencies).map(({ path, members }) => ({
      path: this.#names(path),
      members: this.#names(members),
    }));
  }

  /**
   * The transitive reduction, as `[dependency, dependent]`: the edges that no longer path implies. Costs O(V * E / 32)
   * time and V * V bits.
   */
  transitiveReduction(): readonly (readonly [string, string])[] {
    const words = Math.ceil(this.#nodes.length / 32);
    const above = this.#nodes.map(() => new Uint32Array(words));
    const edges: [string, string][] = [];
    const rank = new Map(this.#order.map((at, position) => [at, position]));
    for (const at of this.#order) {
      const reached = above[at] ?? new Uint32Array(words);
      const latestFirst = [...(this.#dependencies[at] ?? [])].sort(
        (a, b) => (rank.get(b) ?? 0) - (rank.get(a) ?? 0),
      );
      for (const dependency of latestFirst) {
        const [word, bit] = [dependency >>> 5, 1 << (dependency & 31)];
        if (((reached[word] ?? 0) & bit) !== 0) continue;
        edges.push([this.#nodes[dependency]?.id ?? '', this.#nodes[at]?.id ?? '']);
        for (const [index, bits] of (above[dependency] ?? []).entries())
          reached[index] = (reached[index] ?? 0) | bits;
        reached[word] = (reached[word] ?? 0) | bit;
      }
    }
    return edges.sort((a, b) => compareText(a[0], b[0]) || compareText(a[1], b[1]));
  }

  #at(id: string): number {
    return this.#index.get(id) ?? -1;
  }

  #names(indexes: readonly number[]): string[] {
    return indexes.map((at) => this.#nodes[at]?.id ?? '');
  }
}

/** Kahn's algorithm, one wave at a time. */
function sortByWaves(dependencies: Edges, dependents: Edges): [order: number[], wave: Int32Array] {
  const waiting = Int32Array.from(dependencies, (each) => each.length);
  const wave = new Int32Array(dependencies.length).fill(-1);
  const order: number[] = [];
  let current = [...dependencies.keys()].filter((at) => waiting[at] === 0);
  for (let depth = 0; current.length > 0; depth += 1) {
    const next: number[] = [];
    for (const at of current) {
      wave[at] = depth;
      order.push(at);
      for (const dependent of dependents[at] ?? []) {
        waiting[dependent] = (waiting[dependent] ?? 0) - 1;
        if (waiting[dependent] === 0) next.push(dependent);
      }
    }
    current = next.sort((a, b) => a - b);
  }
  return [order, wave];
}

/** The graph of a run's units; a unit weighs its tasks. */
export function graphOf({
  units,
}: {
  readonly units: readonly (Omit<GraphNode, 'weight'> & { readonly tasks: readonly unknown[] })[];
}): Graph {
  return new Graph(
    units.map(({ id, dependsOn, tasks }) => ({ id, dependsOn, weight: Math.max(1, tasks.length) })),
  );
}
