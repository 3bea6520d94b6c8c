import type { RunState } from '../../../events/state.ts';
import { type Graph, graphOf } from '../../../scheduler/graph.ts';
import { count } from '../../../text/terminal-layout.ts';
import { html, type Markup } from '../markup.ts';
import type { PageContext } from './layout.ts';
import { SIGN, UNIT_STATE } from './words.ts';

/** Above this, a wave is one box. */
const MAX_UNITS = 200;
/** Above this, the graph is folded, so that it is never in the way. */
const MAX_OPEN = 40;
/** A box, and the room between two. Pixels. */
const BOX = { width: 150, height: 28, across: 60, down: 12 };
/** What fits into a box. Characters. */
const MAX_LABEL = 18;

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The graph of a run's units, laid out by waves from left to right. */
export function renderGraph(context: PageContext, state: RunState): Markup {
  const { units } = state.start;
  if (units.length < 2) return html``;
  const graph = graphOf(state.start);
  const waves = graph.waves();
  const isFolded = units.length > MAX_UNITS;
  return html`<section aria-labelledby="graph-title"><details${units.length > MAX_OPEN ? '' : html` open`}>
<summary><h2 id="graph-title">Graph</h2> <span class="note">${count(waves.length, 'wave')}</span></summary>
<div class="wide">${isFolded ? renderWaves(state, waves) : renderUnits(context, state, graph, waves)}</div>
</details></section>`;
}

function renderUnits(
  { base }: PageContext,
  { start, units }: RunState,
  graph: Graph,
  waves: readonly (readonly string[])[],
): Markup {
  const places = placeUnits(graph, waves);
  const edges = graph.transitiveReduction().flatMap(([from, to]) => {
    const [one, other] = [places.get(from), places.get(to)];
    return one === undefined || other === undefined ? [] : [edgePath(one, other)];
  });
  const boxes = [...places].map(([id, { x, y }]) => {
    const unit = units.get(id);
    const state = unit?.state ?? 'pending';
    const label = id.length > MAX_LABEL ? `${id.slice(0, MAX_LABEL - 1)}…` : id;
    return html`<a
      id="node-${id}"
      class="s-${state}"
      href="${base}/runs/${start.run}/units/${id}"
      aria-label="${id}"
      ><title>${id}</title><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="4" /><text
        x="${x + 8}"
        y="${y + 18}"
        >${label}</text
      ></a
    >`;
  });
  return drawing(waves.length, Math.max(...waves.map(({ length }) => length)), [
    html`<path class="edges" d="${edges.join('')}" />`,
    ...boxes,
  ]);
}

/** Waves as columns; within a column, each unit as near as possible to the middle of its dependencies. */
function placeUnits(graph: Graph, waves: readonly (readonly string[])[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const [column, wave] of waves.entries()) {
    const middleOf = (id: string): number => {
      const above = graph.dependenciesOf(id).map((dependency) => places.get(dependency)?.y ?? 0);
      return above.length === 0 ? 0 : above.reduce((sum, y) => sum + y, 0) / above.length;
    };
    const sorted = wave.map((id) => ({ id, middle: middleOf(id) })).sort((a, b) => a.middle - b.middle);
    for (const [row, { id }] of sorted.entries()) places.set(id, placeOf(column, row));
  }
  return places;
}

function placeOf(column: number, row: number): Place {
  return { x: 1 + column * (BOX.width + BOX.across), y: 1 + row * (BOX.height + BOX.down) };
}

function edgePath(from: Place, to: Place): string {
  const [x, y] = [from.x + BOX.width, from.y + BOX.height / 2];
  const middle = (x + to.x) / 2;
  return `M${x} ${y}C${middle} ${y} ${middle} ${to.y + BOX.height / 2} ${to.x} ${to.y + BOX.height / 2}`;
}

function renderWaves({ units }: RunState, waves: readonly (readonly string[])[]): Markup {
  const boxes = waves.map((wave, column) => {
    const { x, y } = placeOf(column, 0);
    const states = Map.groupBy(wave, (id) => units.get(id)?.state ?? 'pending');
    const words = [...states].map(([state, ids]) => `${ids.length} ${UNIT_STATE[state]}`).join(', ');
    const signs = [...states].map(([state, ids]) => `${SIGN[state]}${ids.length}`).join(' ');
    const state = states.has('failed') ? 'failed' : states.size === 1 ? [...states.keys()][0] : 'running';
    return html`<g class="s-${state}"
      ><title>wave ${column + 1}: ${words}</title
      ><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="4" /><text
        x="${x + 8}"
        y="${y + 18}"
        >${signs}</text
      ></g
    >`;
  });
  return drawing(waves.length, 1, boxes);
}

function drawing(columns: number, rows: number, content: readonly Markup[]): Markup {
  const [width, height] = [
    columns * (BOX.width + BOX.across) - BOX.across + 2,
    rows * (BOX.height + BOX.down),
  ];
  return html`<svg
    class="graph"
    width="${width}"
    height="${height}"
    viewBox="0 0 ${width} ${height}"
    role="group"
    aria-label="The units and their dependencies"
  >
    ${content}
  </svg>`;
}
