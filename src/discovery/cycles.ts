/** A directed graph over `0 .. edges.length - 1`: for each node, the nodes it points to. */
export type Edges = readonly (readonly number[])[];

/** Nodes that can all reach each other, and the proof. */
export interface Cycle {
  /** A shortest cycle among them, in order, the smallest node first, the first not repeated at the end. */
  readonly path: readonly number[];
  /** All of them, ascending: none of these can ever come before the others. */
  readonly members: readonly number[];
}

/**
 * One cycle for each strongly connected component that has any, ordered by its first node. Same graph, same answer.
 * Without cycles it costs O(V + E); each component with cycles adds at most O(V + E) for every node that closes one,
 * cut short by the best cycle so far.
 */
export function findCycles(edges: Edges): Cycle[] {
  return findKnots(edges)
    .map((knot) => ({
      path: smallestFirst(shortestCycle(edges, knot)),
      members: [...knot.members].sort((a, b) => a - b),
    }))
    .sort((a, b) => (a.path[0] ?? 0) - (b.path[0] ?? 0));
}

/** Joins a cycle's names and closes it: `a -> b -> a`. */
export function describeCycle(names: readonly string[]): string {
  return [...names, ...names.slice(0, 1)].join(' -> ');
}

/** A strongly connected component that holds a cycle. */
interface Knot {
  readonly members: ReadonlySet<number>;
  /** Every cycle of the component passes through one of these. */
  readonly closers: readonly number[];
}

/** Tarjan's algorithm with its own stack: a chain of thousands of nodes must not exhaust the engine's. */
function findKnots(edges: Edges): Knot[] {
  const order = new Int32Array(edges.length).fill(-1);
  const low = new Int32Array(edges.length);
  const nextEdge = new Int32Array(edges.length);
  const onStack = new Uint8Array(edges.length);
  const closes = new Uint8Array(edges.length);
  const stack: number[] = [];
  const path: number[] = [];
  const knots: Knot[] = [];
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
      if (closers.length > 0) knots.push({ members: new Set(members), closers });
    }
  }
  return knots;
}

function shortestCycle(edges: Edges, { members, closers }: Knot): number[] {
  let best: number[] | undefined;
  for (const start of closers) {
    const cycle = shortestThrough(edges, members, start, best?.length ?? Number.POSITIVE_INFINITY);
    if (cycle !== undefined) best = cycle;
  }
  return best ?? [...closers];
}

/** A shortest way from `start` back to itself inside `members`, if one has fewer than `limit` nodes. */
function shortestThrough(
  edges: Edges,
  members: ReadonlySet<number>,
  start: number,
  limit: number,
): number[] | undefined {
  const from = new Map<number, number>([[start, start]]);
  let frontier = [start];
  for (let length = 1; length < limit && frontier.length > 0; length += 1) {
    const next: number[] = [];
    for (const node of frontier) {
      for (const target of edges[node] ?? []) {
        if (target === start) return wayBack(from, node, start);
        if (!members.has(target) || from.has(target)) continue;
        from.set(target, node);
        next.push(target);
      }
    }
    frontier = next;
  }
  return undefined;
}

function wayBack(from: ReadonlyMap<number, number>, last: number, start: number): number[] {
  const way = [last];
  for (let node = last; node !== start;) {
    node = from.get(node) ?? start;
    way.push(node);
  }
  return way.toReversed();
}

function smallestFirst(cycle: readonly number[]): number[] {
  const pivot = cycle.indexOf(cycle.reduce((least, node) => Math.min(least, node)));
  return [...cycle.slice(pivot), ...cycle.slice(0, pivot)];
}
