import { FILE_START } from '../../problems/problem.ts';
import {
  boxOf,
  detailsOf,
  draftUnit,
  type Edge,
  type Format,
  slug,
  splitNumber,
  startOf,
  type TaskList,
  type UnitDraft,
} from './format.ts';
import { findGate } from './found-gate.ts';
import type { OutlineLine } from './outline.ts';

/** spec-kit: a story is a unit; every other phase is one that waits for all before it, and that all behind it wait for. */
export const SPEC_KIT: Format = {
  title: 'spec-kit',
  standardPath: 'specs',
  ignored: [],
  common: ['.specify/memory/constitution.md'],
  read: ({ name, lines, report }) => {
    const units: UnitDraft[] = [];
    let unit: UnitDraft | undefined;
    let phase: OutlineLine | undefined;
    let barrier: string | undefined;
    let ends: string[] = [];
    let proofs: OutlineLine[] = [];
    let outer = 0;
    let parallel = false;
    const isTask = (line: OutlineLine): boolean => line.box !== undefined && line.indent <= outer + 1;
    const closePhase = (): void => {
      if (unit !== undefined) unit.lastGate = findGate(proofs);
      proofs = [];
      unit = undefined;
    };
    for (const [index, line] of lines.entries()) {
      if (line.heading !== undefined && line.heading.level <= 2) {
        closePhase();
        phase = line.heading.level === 2 ? line : undefined;
      }
      if (/^\*\*(?:independent test|checkpoint)\b/i.test(line.text)) proofs.push(line);
      if (line.box === undefined) continue;
      if (unit === undefined) {
        outer = line.indent;
        const at = startOf(phase ?? line);
        const { part, story } = readPhase(phase?.heading?.text ?? '');
        const before = story === undefined ? ends : barrier === undefined ? [] : [barrier];
        unit = draftUnit({
          id: part === '' ? name : `${name}-${part}`,
          label: story,
          title: phase?.heading?.text ?? name,
          at,
        });
        unit.dependsOn = before.map((to) => ({ to, at }));
        if (story === undefined) {
          barrier = unit.id;
          ends = [unit.id];
        } else ends = [...ends.filter((id) => id !== barrier), unit.id];
        units.push(unit);
      } else if (!isTask(line)) continue;
      const { label, title, tags } = readTask(line.box.text);
      if (tags.includes('[P]') && !parallel) {
        parallel = true;
        report('notice', 'format-parallel', startOf(line), '`[P]` means nothing inside of a unit', {
          hint: 'an agent works on the tasks of a unit one after the other; units run in parallel',
        });
      }
      unit.tasks.push({
        label,
        title,
        at: startOf(line),
        box: boxOf(line),
        done: line.box.done,
        details: detailsOf(lines, index, (each) => isTask(each) || /^\*\*|^---/.test(each.text)),
        waitsFor: readDependencies(line, report),
      });
    }
    closePhase();
    return units;
  },
};

/** The part of a phase in the id of its unit, and the label of a story. */
function readPhase(heading: string): { readonly part: string; readonly story: string | undefined } {
  const story = /\buser story (\d{1,4})\b/i.exec(heading)?.[1];
  if (story !== undefined) return { part: `us${Number(story)}`, story: `US${Number(story)}` };
  for (const [word, part] of NAMED_PHASES) if (word.test(heading)) return { part, story: undefined };
  return { part: slug(splitNumber(heading.replace(/^phase\s+/i, '')).rest || heading), story: undefined };
}

const NAMED_PHASES: readonly (readonly [RegExp, string])[] = [
  [/^phase [\d.]+: setup/i, 'setup'],
  [/^phase [\d.]+: foundation/i, 'foundational'],
  [/^phase [\d.n]+: polish/i, 'polish'],
];

function readTask(text: string): { label: string | undefined; title: string; tags: readonly string[] } {
  const found = /^(T\d{1,9})?[ \t]*((?:\[(?:P|US\d{1,4})\][ \t]*){0,4})/.exec(text);
  const [all = '', label, tags = ''] = found ?? [];
  return { label, title: text.slice(all.length), tags: tags.match(/\[(?:P|US\d{1,4})\]/g) ?? [] };
}

/** More tasks than this are not named by one range. */
const MAX_RANGE = 100;

/** What a task says it depends on: `(depends on T012, T014-T016, US1)`. */
function readDependencies(line: OutlineLine, report: TaskList['report']): readonly Edge[] {
  const start = line.text.search(/\(depends on\b/i);
  if (start === -1) return [];
  const end = line.text.indexOf(')', start);
  const words = line.text.slice(start, end === -1 ? undefined : end);
  const at = { line: line.number, column: start + 1 || FILE_START.column };
  const names = Array.from(
    words.matchAll(/\b(?:T(\d{1,9})(?:[ ]?[-–][ ]?T?(\d{1,9}))?|US(\d{1,4}))\b/g),
    (match) => {
      const [, first, last, story] = match;
      if (first === undefined) return [`US${Number(story)}`];
      const length = Math.min(Math.max(Number(last ?? first) - Number(first), 0), MAX_RANGE);
      return Array.from(
        { length: length + 1 },
        (_, offset) => `T${String(Number(first) + offset).padStart(first.length, '0')}`,
      );
    },
  ).flat();
  if (names.length === 0)
    report('warning', 'format-dependency-unread', at, 'what this task depends on is not understood', {
      got: words,
      hint: 'name tasks or stories: `(depends on T012, US1)`',
    });
  return names.map((to) => ({ to, at }));
}
