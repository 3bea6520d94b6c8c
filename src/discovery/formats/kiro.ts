import {
  boxOf,
  detailsOf,
  draftUnit,
  type Edge,
  type Format,
  type FoundUnit,
  slug,
  splitNumber,
  startOf,
  type UnitDraft,
} from './format.ts';
import { findGate, joinGates } from './found-gate.ts';
import { readGraph } from './kiro-graph.ts';
import type { OutlineLine } from './outline.ts';

/** Kiro: a top-level number is a unit and its sub-numbers are its tasks, in order unless a graph says otherwise. */
export const KIRO: Format = {
  title: 'Kiro',
  standardPath: '.kiro/specs',
  ignored: [],
  common: ['.kiro/steering/product.md', '.kiro/steering/tech.md', '.kiro/steering/structure.md'],
  read: ({ name, lines, report }) => {
    const groups: { readonly unit: UnitDraft; readonly top: FoundUnit['tasks'][number] }[] = [];
    const leftOut = new Set<string>();
    let parallel = false;
    for (const [index, line] of lines.entries()) {
      if (line.box === undefined) continue;
      const { label, rest } = splitNumber(line.box.text);
      const at = startOf(line);
      const current = groups.at(-1);
      const isTop = label === undefined ? line.indent === 0 : !label.includes('.');
      const details = detailsOf(lines, index, isTask);
      if (/^(?:final )?checkpoint\b/i.test(rest)) {
        const gate = findGate([line, ...details.map(asProof)]);
        if (label !== undefined) leftOut.add(label);
        if (gate !== undefined && current !== undefined) {
          current.unit.lastGate = joinGates(current.unit.lastGate, gate);
          current.unit.boxes.push(boxOf(line));
        } else
          report('notice', 'format-checkpoint', at, 'this checkpoint checks nothing', {
            hint:
              gate === undefined
                ? 'write the command that it stands for in backticks, for example `npm test`'
                : 'it stands before every task; move it behind those that it checks',
          });
        continue;
      }
      if (line.box.optional) {
        if (label !== undefined) leftOut.add(label);
        if (!line.box.done)
          report('notice', 'format-optional', at, 'this task is optional, so it is left out', {
            hint: 'remove the `*` to have it done',
          });
        continue;
      }
      if (/\(P\)/.test(rest) && !parallel) {
        parallel = true;
        report('notice', 'format-parallel', at, '`(P)` means nothing inside of a unit', {
          hint: 'an agent works on the tasks of a unit one after the other; units run in parallel',
        });
      }
      const waitsFor = [line, ...details].flatMap(readDepends);
      const box = boxOf(line);
      const task = { label, title: rest, at, box, done: line.box.done, details, waitsFor };
      if (isTop || current === undefined) {
        const part = label?.split('.')[0] ?? slug(rest);
        const unit = draftUnit({ id: `${name}-${part}`, label: isTop ? label : undefined, title: rest, at });
        if (isTop) unit.boxes.push(box);
        else unit.tasks.push(task);
        groups.push({ unit, top: task });
      } else if (isTask(line)) current.unit.tasks.push(task);
    }
    for (const { unit, top } of groups)
      if (unit.tasks.length === 0) unit.tasks.push({ ...top, label: undefined });
    const units = groups.map(({ unit }) => unit);
    for (const { tasks } of units)
      for (const [index, task] of tasks.entries())
        tasks[index] = { ...task, waitsFor: task.waitsFor.filter(({ to }) => !leftOut.has(to)) };
    orderUnits(units, readGraph({ lines, units, leftOut, report }));
    return units;
  },
};

function isTask(line: OutlineLine): boolean {
  return line.box !== undefined && (line.indent === 0 || splitNumber(line.box.text).label !== undefined);
}

/** A line below a checkpoint counts as its proof. */
function asProof(line: OutlineLine): OutlineLine {
  return { ...line, text: `${line.text} (checkpoint)` };
}

/** Units wait as a graph says; without one, each for the one before it. */
function orderUnits(
  units: readonly UnitDraft[],
  graph: ReadonlyMap<string, readonly Edge[]> | undefined,
): void {
  for (const [index, unit] of units.entries()) {
    const before = units[index - 1];
    unit.dependsOn =
      graph?.get(unit.id) ??
      (graph !== undefined || before === undefined ? [] : [{ to: before.id, at: unit.at }]);
  }
}

/** `_Depends: 1.1, 2_`. */
function readDepends(line: OutlineLine): readonly Edge[] {
  const found = line.hidden ? null : /_Depends:([^_]*)_/i.exec(line.text);
  if (found === null) return [];
  const at = { line: line.number, column: found.index + 1 };
  return (found[1]?.match(/\d{1,9}(?:\.\d{1,9})?/g) ?? []).map((to) => ({ to, at }));
}
