import type { Position, Report } from '../../problems/problem.ts';
import type { FoundGate } from './found-gate.ts';
import type { BoxPlace } from './boxes.ts';
import type { OutlineLine } from './outline.ts';

/** A task as its own tool writes it. */
export interface FoundTask {
  /** Its number in the file, such as `1.2` or `T014`; undefined where it has none. */
  readonly label: string | undefined;
  readonly title: string;
  readonly at: Position;
  /** The line of its box. */
  readonly box: BoxPlace;
  readonly done: boolean;
  /** The lines below it that belong to it. */
  readonly details: readonly OutlineLine[];
  readonly waitsFor: readonly Edge[];
}

/** Something that has to be done first, by a label of the same file or the id of a unit. */
export interface Edge {
  readonly to: string;
  readonly at: Position;
}

/** Tasks that become one unit. */
export interface FoundUnit {
  readonly id: string;
  /** By which tasks of the file may name all of it. */
  readonly label: string | undefined;
  readonly title: string;
  readonly at: Position;
  readonly dependsOn: readonly Edge[];
  readonly tasks: readonly FoundTask[];
  /** What proves the unit as a whole: the last task has to pass it, too. */
  readonly lastGate: FoundGate | undefined;
  /** Boxes that stand for all of it: its own, and that of what proves it. */
  readonly boxes: readonly BoxPlace[];
}

/** One task list to read. */
export interface TaskList {
  /** The name of its directory: the change, the feature or the spec. */
  readonly name: string;
  readonly lines: readonly OutlineLine[];
  readonly report: Report;
}

/** How one tool writes its tasks. Adding a format is one of these, and one line in `formats.ts`. */
export interface Format {
  /** What its users call it. */
  readonly title: string;
  /** Where it keeps its directories by default, each with a `tasks.md`. */
  readonly standardPath: string;
  /** Directories that are not open work. */
  readonly ignored: readonly string[];
  /** Files that hold for all of its work, which an agent is told of where they exist. */
  readonly common: readonly string[];
  /** Pure, linear, never throws. Units come in the order of the file; each has at least one task. */
  readonly read: (list: TaskList) => readonly FoundUnit[];
}

/** A unit while its lines are read. */
export interface UnitDraft extends FoundUnit {
  dependsOn: readonly Edge[];
  readonly tasks: FoundTask[];
  readonly boxes: BoxPlace[];
  lastGate: FoundGate | undefined;
}

/** Starts a unit at a line. */
export function draftUnit(unit: Pick<FoundUnit, 'id' | 'label' | 'title' | 'at'>): UnitDraft {
  return { ...unit, dependsOn: [], tasks: [], boxes: [], lastGate: undefined };
}

/** Where the text of a line begins. */
export function startOf(line: OutlineLine): Position {
  return { line: line.number, column: line.text.length - line.text.trimStart().length + 1 };
}

/** The box of a line. */
export function boxOf({ number, text }: OutlineLine): BoxPlace {
  return { line: number, text };
}

/** The lines after `from` that belong to the task there: up to the next heading, or box that is no deeper. */
export function detailsOf(
  lines: readonly OutlineLine[],
  from: number,
  isTask: (line: OutlineLine) => boolean,
): readonly OutlineLine[] {
  let end = from + 1;
  for (; end < lines.length; end += 1) {
    const line = lines[end];
    if (line === undefined || line.heading !== undefined || isTask(line)) break;
  }
  while (end > from + 1 && lines[end - 1]?.text.trim() === '') end -= 1;
  return lines.slice(from + 1, end);
}

/** A heading or title as part of an id: lower case, dashes, at most 40 characters. */
export function slug(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return words.join('-').slice(0, 40).replace(/-$/, '');
}

/** The number at the start of a text, such as `1.2`, and the text behind it. */
export function splitNumber(text: string): { readonly label: string | undefined; readonly rest: string } {
  const found = /^(\d{1,9}(?:\.\d{1,9}){0,9})[.):]?(?:[ \t]+|$)/.exec(text);
  return found === null
    ? { label: undefined, rest: text }
    : { label: found[1], rest: text.slice(found[0].length) };
}
