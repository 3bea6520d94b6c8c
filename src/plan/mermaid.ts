import { Graph } from '../scheduler/graph.ts';
import { NODE_STYLES } from '../text/mermaid-styles.ts';
import { count, printable } from '../text/terminal-layout.ts';
import type { Plan, PlanUnit } from './schema.ts';

/** Larger plans are drawn as waves instead of units, since renderers and readers give up not far above this. */
export const MAX_NODES = 150;

const CLASSES: Readonly<Record<PlanUnit['state'], string>> = {
  planned: NODE_STYLES.active,
  verify: NODE_STYLES.active,
  complete: NODE_STYLES.good,
  broken: NODE_STYLES.bad,
  stuck: NODE_STYLES.warning,
  'left-out': NODE_STYLES.faded,
};

/** The plan as a Mermaid flowchart, for GitHub and for any Mermaid renderer. Ends with a line feed. */
export function renderMermaid(plan: Plan): string {
  return plan.units.length > MAX_NODES ? renderWaves(plan) : renderUnits(plan);
}

function renderUnits(plan: Plan): string {
  return renderFlowchart(
    plan.units.map((unit) => ({
      id: unit.id,
      dependsOn: unit.dependsOn,
      lines: [unit.id, describe(unit)],
      style: unit.state,
    })),
    CLASSES,
  );
}

/** A box of a flowchart: the lines of its text, and the name of its style. */
export interface FlowNode<S extends string> {
  readonly id: string;
  readonly dependsOn: readonly string[];
  readonly lines: readonly string[];
  readonly style: S;
}

/** Renders boxes, with an arrow for each dependency that no other implies. Texts may be hostile. Ends with a line feed. */
export function renderFlowchart<S extends string>(
  nodes: readonly FlowNode<S>[],
  styles: Readonly<Record<S, string>>,
): string {
  const graph = new Graph(nodes.map(({ id, dependsOn }) => ({ id, dependsOn, weight: 1 })));
  const name = new Map(nodes.map(({ id }, index) => [id, `u${index}`]));
  const used = [...new Set(nodes.map(({ style }) => style))];
  const text = ({ lines }: FlowNode<S>): string => lines.map(escapeLabel).join('<br/>');
  return lines([
    'flowchart LR',
    ...nodes.map((node) => `  ${name.get(node.id) ?? ''}["${text(node)}"]:::${className(node.style)}`),
    ...edges(nodes, graph).map(([from, to]) => `  ${name.get(from) ?? ''} --> ${name.get(to) ?? ''}`),
    ...used.map((style) => `  classDef ${className(style)} ${styles[style]}`),
  ]);
}

/** The edges that are not implied, plus every edge of boxes on cycles. */
function edges(
  nodes: readonly { readonly id: string }[],
  graph: Graph,
): readonly (readonly [string, string])[] {
  const ordered = new Set(graph.topologicalOrder());
  const tangled = nodes.filter(({ id }) => !ordered.has(id));
  return [
    ...graph.transitiveReduction(),
    ...tangled.flatMap(({ id }) => graph.dependenciesOf(id).map((dependency) => [dependency, id] as const)),
  ];
}

function renderWaves(plan: Plan): string {
  const units = new Map(plan.units.map((unit) => [unit.id, unit]));
  const boxes = plan.waves.map((wave, index) => {
    const tasks = wave.reduce((sum, id) => sum + (units.get(id)?.tasks.length ?? 0), 0);
    return `  w${index + 1}["Wave ${index + 1}<br/>${count(wave.length, 'unit')}, ${count(tasks, 'task')}"]:::planned`;
  });
  const rest = plan.units.length - plan.waves.flat().length;
  return lines([
    'flowchart LR',
    ...boxes,
    ...(rest > 0 ? [`  rest["${count(rest, 'unit')} not in any wave"]:::left_out`] : []),
    ...plan.waves.slice(1).map((_, index) => `  w${index + 1} --> w${index + 2}`),
    `  classDef planned ${CLASSES.planned}`,
    ...(rest > 0 ? [`  classDef left_out ${CLASSES['left-out']}`] : []),
  ]);
}

function describe(unit: PlanUnit): string {
  const tasks = unit.state === 'broken' ? 'broken' : count(unit.tasks.length, 'task');
  return `${tasks}${unit.provider === null ? '' : `, ${unit.provider.name}`}`;
}

/** Escapes a label: Mermaid interprets quotes, angle brackets, entities and Markdown in it. */
function escapeLabel(text: string): string {
  return printable(text).replaceAll(
    /[^\p{L}\p{N} ,._/-]/gu,
    (character) => `#${character.codePointAt(0) ?? 32};`,
  );
}

function className(style: string): string {
  return style.replace('-', '_');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
