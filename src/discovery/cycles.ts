/** A directed graph over `0 .. edges.length - 1`: for each node, the nodes it points to. */
export type Edges = readonly (readonly number[])[];

/** Nodes that can all reach each other, with a cycle through some of them. */
export interface Cycle {
  /** A shortest cycle among them, starting at its smallest node, which is not repeated at the end. */
  readonly path: readonly number[];
  /** All of them, ascending: none can come before the others. */
  readonly members: readonly number[];
}

/**
 * Finds one cycle per strongly connected component with cycles, ordered by first node. Deterministic. Costs O(V + E)
 * without cycles; each component with cycles adds at most O(V + E) per node that closes one, bounded by the best cycle so
 * far and by {@link MAX_VISITS}.
 */
export function findCycles(edges: Edges): Cycle[] {
  return findCyclicComponents(edges)
    .map((component) => ({
      path: smallestFirst(shortestCycle(edges, component)),
      members: [...component.members].sort((a, b) => a - b),
    }))
    .sort((a, b) => (a.path[0] ?? 0) - (b.path[0] ?? 0));
}

/** Describes a cycle: `a -> b -> a`. */
export function describeCycle(names: readonly string[]): string {
  return [...names, ...names.slice(0, 1)].join(' -> ');
}

/** A strongly connected component with a cycle. */
interface Component {
  readonly members: ReadonlySet<number>;
  /** Every cycle of the component passes through one of these. */
  readonly closers: readonly number[];
}

/** Tarjan's algorithm with an explicit stack, so that a chain of thousands of nodes cannot exhaust the engine's. */
function findCyclicComponents(edges: Edges): Component[] {
  const order = new Int32Array(edges.length).fill(-1);
  const low = new Int32Array(edges.length);
  const nextEdge = new Int32Array(edges.length);
  const onStack = new Uint8Array(edges.length);
  const closes = new Uint8Array(edges.length);
  const stack: number[] = [];
  const path: number[] = [];
  const components: Component[] = [];
  let visited = 0;
  for (let root = 0; root < edges.length; root += 1) {
    if (order[root] !== -1) continue;
    path.push(root);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      if (order[node] === -1) {
        order[node] = low[node] = visited;
        visited += 1;
        stack.push(node);
        onStack[node] = 1;
      }
      const targets = edges[node] ?? [];
      let descended = false;
      while (!descended && (nextEdge[node] ?? 0) < targets.length) {
        const target = targets[nextEdge[node] ?? 0] ?? node;
        nextEdge[node] = (nextEdge[node] ?? 0) + 1;
        if (order[target] === -1) {
          path.push(target);
          descended = true;
        } else if (onStack[target] === 1) {
          closes[target] = 1;
          low[node] = Math.min(low[node] ?? 0, order[target] ?? 0);
        }
      }
      if (descended) continue;
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent] = Math.min(low[parent] ?? 0, low[node] ?? 0);
      if (low[node] !== order[node]) continue;
      const members = stack.splice(stack.lastIndexOf(node));
      for (const member of members) onStack[member] = 0;
      const closers = members.filter((member) => closes[member] === 1).sort((a, b) => a - b);
      if (closers.length > 0) components.push({ members: new Set(members), closers });
    }
  }
  return components;
}

/**
 * Edges that the search for one component's shortest cycle may visit before it returns the best so far. Only a hostile
 * graph (thousands of nodes with dozens of edges each, in one component) needs more; below, the result is exact.
 */
const MAX_VISITS = 50_000_000;

function shortestCycle(edges: Edges, { members, closers }: Component): number[] {
  const search = new Search(edges, members);
  let best: number[] | undefined;
  for (const start of closers) {
    if (best !== undefined && search.visits > MAX_VISITS) break;
    best = search.shortestThrough(start, best?.length ?? Number.POSITIVE_INFINITY) ?? best;
  }
  return best ?? [...closers];
}

/** Repeated breadth-first searches over the same nodes. */
class Search {
  readonly #edges: Edges;
  /** For each node the search that last reached it; -1 for no member. Cheaper than a new set per search. */
  readonly #reached: Int32Array;
  readonly #from: Int32Array;
  #round = 0;
  /** Edges visited in all searches. */
  visits = 0;

  constructor(edges: Edges, members: ReadonlySet<number>) {
    this.#edges = edges;
    this.#reached = new Int32Array(edges.length).fill(-1);
    this.#from = new Int32Array(edges.length);
    for (const member of members) this.#reached[member] = 0;
  }

  /** A shortest cycle through `start`, if one has fewer than `limit` nodes. */
  shortestThrough(start: number, limit: number): number[] | undefined {
    this.#round += 1;
    this.#reached[start] = this.#round;
    let frontier = [start];
    for (let length = 1; length < limit && frontier.length > 0; length += 1) {
      const next: number[] = [];
      for (const node of frontier) {
        const targets = this.#edges[node] ?? [];
        this.visits += targets.length;
        for (const target of targets) {
          if (target === start) {
            this.#from[start] = node;
            return this.#pathTo(start);
          }
          const reached = this.#reached[target] ?? -1;
          if (reached === -1 || reached === this.#round) continue;
          this.#reached[target] = this.#round;
          this.#from[target] = node;
          next.push(target);
        }
      }
      frontier = next;
    }
    return undefined;
  }

  #pathTo(start: number): number[] {
    const path: number[] = [];
    let node = start;
    do {
      node = this.#from[node] ?? start;
      path.push(node);
    } while (node !== start);
    return path.toReversed();
  }
}

function smallestFirst(cycle: readonly number[]): number[] {
  const pivot = cycle.indexOf(cycle.reduce((least, node) => Math.min(least, node)));
  return [...cycle.slice(pivot), ...cycle.slice(0, pivot)];
}
