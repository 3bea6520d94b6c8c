import type { Report } from '../../problems/problem.ts';
import { type Edge, type FoundUnit, startOf } from './format.ts';
import type { OutlineLine } from './outline.ts';

type Units = readonly FoundUnit[];
type Graph = ReadonlyMap<string, readonly Edge[]>;

interface GraphInput {
  readonly lines: readonly OutlineLine[];
  readonly units: Units;
  /** Labels of tasks that belong to no unit; a graph may name them. */
  readonly leftOut: ReadonlySet<string>;
  readonly report: Report;
}

/**
 * What each unit waits for by the section `Task Dependency Graph`; undefined where there is none, or where it is not
 * understood as a whole, which is reported: units then keep the order of their numbers.
 */
export function readGraph({ lines, units, leftOut, report }: GraphInput): Graph | undefined {
  const start = lines.findIndex((line) => /dependency graph/i.test(line.heading?.text ?? ''));
  const heading = lines[start];
  if (heading === undefined) return undefined;
  const end = lines.findIndex((line, index) => index > start && line.heading !== undefined);
  const block = lines
    .slice(start + 1, end === -1 ? undefined : end)
    .filter((line) => line.hidden && !/^\s*(?:```|~~~)/.test(line.text));
  const waves = readWaves(block.map(({ text }) => text).join('\n'));
  const kept = waves?.map((labels) => labels.filter((label) => !leftOut.has(label)));
  const graph = kept === undefined ? undefined : unitsOfWaves(kept, units, startOf(heading));
  if (graph === undefined)
    report(
      'warning',
      'format-graph',
      startOf(heading),
      'this dependency graph is not understood, so it is not used',
      {
        hint: 'units wait for each other in the order of their numbers; write waves that keep the tasks of a number together',
      },
    );
  return graph;
}

/** The labels of each wave: `{"waves": [{"tasks": ["1.1"]}]}`, a list of such waves, or `[["1"], ["2"]]`. */
function readWaves(text: string): readonly (readonly string[])[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const list = isRecord(value) ? value['waves'] : value;
  if (!Array.isArray(list)) return undefined;
  const waves: string[][] = [];
  for (const each of list as unknown[]) {
    // A wave that names dependencies of its own says more than its place.
    if (isRecord(each) && ('depends_on' in each || 'dependsOn' in each)) return undefined;
    const tasks: unknown = isRecord(each) ? each['tasks'] : each;
    if (!Array.isArray(tasks)) return undefined;
    const labels = (tasks as unknown[]).map((task) => (isRecord(task) ? task['id'] : task));
    if (!labels.every((label) => typeof label === 'string' || typeof label === 'number')) return undefined;
    waves.push(labels.map(String));
  }
  return waves;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Units in levels, each of which waits for the whole level before it; undefined where tasks of two units alternate. */
function unitsOfWaves(
  waves: readonly (readonly string[])[],
  units: Units,
  at: Edge['at'],
): Graph | undefined {
  const unitOf = new Map<string, string>();
  for (const unit of units)
    for (const label of [unit.label, ...unit.tasks.map((task) => task.label)])
      if (label !== undefined) unitOf.set(label, unit.id);
  const ranges = new Map<string, { id: string; first: number; last: number }>();
  for (const [wave, labels] of waves.entries()) {
    for (const label of labels) {
      const id = unitOf.get(label) ?? unitOf.get(label.split('.')[0] ?? '');
      if (id === undefined) return undefined;
      const range = ranges.get(id);
      if (range === undefined) ranges.set(id, { id, first: wave, last: wave });
      else range.last = wave;
    }
  }
  if (ranges.size !== units.length) return undefined;
  const graph = new Map<string, readonly Edge[]>();
  let level: { ids: string[]; first: number; last: number } | undefined;
  let before: readonly Edge[] = [];
  for (const { id, first, last } of [...ranges.values()].sort(
    (a, b) => a.first - b.first || a.last - b.last,
  )) {
    if (level !== undefined && first === level.first && last === first && last === level.last) {
      level.ids.push(id);
    } else {
      if (level !== undefined && first <= level.last) return undefined;
      before = level?.ids.map((to) => ({ to, at })) ?? [];
      level = { ids: [id], first, last };
    }
    graph.set(id, before);
  }
  return graph;
}
