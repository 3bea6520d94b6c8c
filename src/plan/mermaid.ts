import { Graph } from '../scheduler/graph.ts';
import { count, printable } from './layout.ts';
import type { Plan, PlanUnit } from './schema.ts';

/** A drawing with more nodes than this shows waves instead of units; renderers and readers give up not far above it. */
const MAX_NODES = 150;

const CLASSES: Readonly<Record<PlanUnit['state'], string>> = {
  planned: 'fill:#ddf4ff,stroke:#0969da,color:#1f2328',
  verify: 'fill:#ddf4ff,stroke:#0969da,color:#1f2328',
  complete: 'fill:#dafbe1,stroke:#1a7f37,color:#1f2328',
  broken: 'fill:#ffebe9,stroke:#cf222e,color:#1f2328',
  stuck: 'fill:#fff8c5,stroke:#9a6700,color:#1f2328',
  'left-out': 'fill:#f6f8fa,stroke:#818b98,color:#59636e',
};

/** The plan as a Mermaid flowchart, for GitHub and for any Mermaid renderer. Ends with a line feed. */
export function renderMermaid(plan: Plan): string {
  return plan.units.length > MAX_NODES ? renderWaves(plan) : renderUnits(plan);
}

function renderUnits(plan: Plan): string {
  const graph = new Graph(plan.units.map((unit) => ({ id: unit.id, dependsOn: unit.dependsOn, weight: 1 })));
  const name = new Map(plan.units.map((unit, index) => [unit.id, `u${index}`]));
  const states = [...new Set(plan.units.map((unit) => unit.state))];
  return lines([
    'flowchart LR',
    ...plan.units.map((unit) => `  ${name.get(unit.id) ?? ''}["${label(unit)}"]:::${className(unit.state)}`),
    ...edges(plan, graph).map(([from, to]) => `  ${name.get(from) ?? ''} --> ${name.get(to) ?? ''}`),
    ...states.map((state) => `  classDef ${className(state)} ${CLASSES[state]}`),
  ]);
}

/** Without cycles only what is not implied; units on cycles are drawn with every edge they name. */
function edges(plan: Plan, graph: Graph): readonly (readonly [string, string])[] {
  const ordered = new Set(graph.topologicalOrder());
  const tangled = plan.units.filter((unit) => !ordered.has(unit.id));
  return [
    ...graph.transitiveReduction(),
    ...tangled.flatMap((unit) =>
      graph.dependenciesOf(unit.id).map((dependency) => [dependency, unit.id] as const),
    ),
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

function label(unit: PlanUnit): string {
  const tasks = unit.state === 'broken' ? 'broken' : count(unit.tasks.length, 'task');
  const provider = unit.provider === null ? '' : `, ${unit.provider.name}`;
  return `${escapeLabel(unit.id)}<br/>${tasks}${provider}`;
}

/** Mermaid reads quotes, angle brackets, entities and Markdown in a label: spell out everything but letters and the like. */
function escapeLabel(text: string): string {
  return printable(text).replaceAll(
    /[^\p{L}\p{N} ._/-]/gu,
    (character) => `#${character.codePointAt(0) ?? 32};`,
  );
}

function className(state: PlanUnit['state']): string {
  return state.replace('-', '_');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
