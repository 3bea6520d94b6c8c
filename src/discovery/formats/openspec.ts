import {
  boxOf,
  detailsOf,
  draftUnit,
  type Format,
  slug,
  splitNumber,
  startOf,
  type UnitDraft,
} from './format.ts';
import type { OutlineLine } from './outline.ts';

/** OpenSpec: a change is a set of units, one a group (`## 1. Group`), in order unless a heading says otherwise. */
export const OPENSPEC: Format = {
  title: 'OpenSpec',
  standardPath: 'openspec/changes',
  ignored: ['archive'],
  common: ['openspec/project.md', 'openspec/config.yaml'],
  read: ({ name, lines }) => {
    const units: UnitDraft[] = [];
    let unit: UnitDraft | undefined;
    let own: readonly string[] | undefined;
    let group: OutlineLine | undefined;
    let outer = 0;
    const isTask = (line: OutlineLine): boolean => line.box !== undefined && line.indent <= outer + 1;
    for (const [index, line] of lines.entries()) {
      if (line.heading !== undefined && line.heading.level <= 2) {
        group = line.heading.level === 2 ? line : undefined;
        unit = undefined;
      }
      if (line.box === undefined) continue;
      if (unit === undefined) {
        outer = line.indent;
        const { label, rest } = splitNumber(group?.heading?.text ?? '');
        const part = label?.replaceAll('.', '-') ?? slug(rest);
        own = group === undefined ? undefined : groupsBefore(rest);
        const at = startOf(group ?? line);
        const before = units.at(-1);
        unit = draftUnit({ id: part === '' ? name : `${name}-${part}`, label, title: rest || name, at });
        unit.dependsOn =
          own?.map((to) => ({ to, at })) ?? (before === undefined ? [] : [{ to: before.id, at }]);
        units.push(unit);
      } else if (!isTask(line)) continue;
      const { label, rest } = splitNumber(line.box.text);
      unit.tasks.push({
        label,
        title: rest,
        at: startOf(line),
        box: boxOf(line),
        done: line.box.done,
        details: detailsOf(lines, index, isTask),
        waitsFor: [],
      });
    }
    return units;
  },
};

/** The groups that a heading says it waits for: `(depends on 1, 3)` or `(independent)`; undefined where it says nothing. */
function groupsBefore(heading: string): readonly string[] | undefined {
  const words = /\((?:depends on ([^()]*)|independent|no dependencies)\)/i.exec(heading);
  return words === null ? undefined : (words[1]?.match(/\d{1,9}/g) ?? []);
}
