import { hasErrors, type Position, type Problem, reportInto, type Report } from '../../problems/problem.ts';
import { suggestion } from '../../text/nearest.ts';
import type { ReadingBudget } from '../front-matter-read.ts';
import { type Parsed, type ParsedPlan, type ParsedTask, parsePlan, parseTask, PLAN_FILE } from '../parse.ts';
import type { UnitReading } from '../unit-reading.ts';
import { checkUnit } from '../unit-rules.ts';
import { inferStatus, isUnitId, type SpecFile, type Task } from '../unit.ts';
import { type BoxPlace } from './boxes.ts';
import { boxOf, type FoundTask, type FoundUnit } from './format.ts';
import type { FormatName } from './formats.ts';
import { gatesOf, type GateSources, type Kept, keepTasks, type ListedGate, nameTask } from './keep-tasks.ts';
import { placed, type Placing } from './placing.ts';
import { renderPlan, renderTask, taskFileName } from './render-files.ts';

/** Where found units come from, and what they become units with. */
interface Origin {
  readonly from: FormatName;
  readonly directory: string;
  /** The task list. */
  readonly file: string;
  readonly context: readonly string[];
  readonly gates: GateSources;
  /** Each task is added to it with its gate. */
  readonly listed: ListedGate[];
  /** Ids that are taken, in lower case; those of the units are added. */
  readonly ids: Set<string>;
  readonly budget: ReadingBudget;
  readonly problems: Problem[];
}

/** What a label of the file names: a task, a whole unit, or something that nothing has to wait for. */
type Named = { readonly unit: string; readonly number?: number } | 'nothing';

/** Units of one task list as units of choo: each task is written as choo would write it, and read like any other. */
export function readFoundUnits(found: readonly FoundUnit[], origin: Origin): readonly UnitReading[] {
  const report = reportInto(origin.problems, origin.file);
  const named = new Map<string, Named>();
  const name = (label: string | undefined, what: Named, at: Position): void => {
    if (label === undefined) return;
    if (!named.has(label)) named.set(label, what);
    else
      report('warning', 'format-duplicate', at, `there is another task \`${label}\` in this file`, {
        got: label,
        hint: 'give each its own number; a dependency on it means the first',
      });
  };
  const units: { readonly unit: FoundUnit; readonly kept: readonly Kept[]; readonly lacking: boolean }[] = [];
  for (const unit of found) {
    if (isTaken(unit, origin.ids, report)) {
      if (!named.has(unit.id)) named.set(unit.id, 'nothing');
      continue;
    }
    const gates = gatesOf(unit, origin.gates);
    for (const [index, task] of unit.tasks.entries())
      origin.listed.push(listGate(unit, task, { origin, found: gates[index] }));
    const { kept, lacking } = keepTasks(unit, gates, report);
    const isGone = kept.length === 0 && !lacking;
    const whole: Named = isGone ? 'nothing' : { unit: unit.id };
    named.set(unit.id, whole);
    if (unit.label !== undefined) named.set(unit.label, whole);
    const numbers = new Map(kept.map(({ task, number }) => [task, number]));
    for (const task of unit.tasks) {
      const number = numbers.get(task);
      const what =
        number === undefined ? (lacking && !task.done ? whole : 'nothing') : { unit: unit.id, number };
      if (task.label !== unit.label) name(task.label, what, task.at);
    }
    if (!isGone) units.push({ unit, kept, lacking });
  }
  const labels = [...named.keys()];
  let hints = 0;
  const resolve = (to: string, at: Position): Named => {
    const target = named.get(to);
    if (target !== undefined) return target;
    hints += 1;
    report('error', 'format-dependency-unknown', at, `nothing in this file is called \`${to}\``, {
      got: to,
      hint: (hints <= 50 ? suggestion(to, labels) : undefined) ?? 'name a task or a unit of the same file',
    });
    return 'nothing';
  };
  return units.map(({ unit, kept, lacking }) => readOne(unit, kept, { origin, resolve, lacking }));
}

/** A task as `choo gates` lists it. */
function listGate(
  { id }: FoundUnit,
  task: FoundTask,
  { origin, found }: { readonly origin: Origin; readonly found: ReturnType<typeof gatesOf>[number] },
): ListedGate {
  const { directory, file } = origin;
  const isWritten = found?.from === 'task' || found?.from === 'unit';
  const place = { directory, file, line: task.at.line };
  const gate =
    found === undefined
      ? null
      : { command: found.gate.command, from: found.from, line: isWritten ? found.gate.at.line : null };
  return { unit: id, name: nameTask(task), title: task.title, ...place, done: task.done, gate };
}

/** Whether a unit cannot be one because of its name, which is reported. */
function isTaken({ id, at }: FoundUnit, ids: Set<string>, report: Report): boolean {
  if (!isUnitId(id)) {
    report('error', 'unit-name', at, 'this cannot be a unit, because its name cannot be part of a branch', {
      got: id,
      hint: 'name the directory with letters, digits, `.`, `_` and `-`, at most 60 characters',
    });
    return true;
  }
  if (!ids.has(id.toLowerCase())) {
    ids.add(id.toLowerCase());
    return false;
  }
  report('error', 'format-duplicate', at, `there is another unit \`${id}\``, {
    got: id,
    hint: 'give this one another number or name',
  });
  return true;
}

interface Reading {
  readonly origin: Origin;
  readonly resolve: (to: string, at: Position) => Named;
  readonly lacking: boolean;
}

function readOne(
  found: FoundUnit,
  kept: readonly Kept[],
  { origin, resolve, lacking }: Reading,
): UnitReading {
  const { from, directory, file, budget } = origin;
  const { id, at } = found;
  const problems: Problem[] = [];
  const edges = new Map<string, Position>();
  for (const edge of found.dependsOn) {
    const target = resolve(edge.to, edge.at);
    if (target !== 'nothing' && !edges.has(target.unit)) edges.set(target.unit, edge.at);
  }
  const parsed: (ParsedTask & Pick<Task, 'boxes' | 'label'>)[] = [];
  for (const { task, number, gate } of kept) {
    const within = new Map<string, Position>();
    for (const { to, at: place } of task.waitsFor) {
      const target = resolve(to, place);
      if (target === 'nothing') continue;
      if (target.unit !== id) edges.set(target.unit, edges.get(target.unit) ?? place);
      else if (target.number !== undefined) within.set(String(target.number), place);
    }
    const rendered = { ...task, number, gate: gate.command, dependsOn: [...within.keys()] };
    const { text, detailsFrom: first } = renderTask(rendered);
    const place: Placing = {
      file,
      lineAt: (line) =>
        line >= first && line < first + task.details.length ? task.at.line + 1 + line - first : task.at.line,
      fieldAt: (name, item) => (name === 'backpressure' ? gate.at : (within.get(item ?? '') ?? task.at)),
    };
    const parts = placed(parseTask(file, Buffer.from(text), budget), place);
    const read = named(parts, taskFileName(rendered));
    problems.push(...read.problems);
    if (read.value !== undefined) parsed.push({ ...read.value, boxes: boxesOf(task), label: nameTask(task) });
  }
  const plan = readPlan(found, [...edges.keys()], origin, {
    file,
    lineAt: () => at.line,
    fieldAt: (_, item) => edges.get(item ?? '') ?? at,
  });
  problems.push(...plan.problems);
  const value = plan.value;
  if (value !== undefined) problems.push(...checkUnit(id, value, parsed, parsed.length));
  const tasks = parsed.flatMap(({ number, gate, ...rest }): Task[] =>
    number === undefined || gate === undefined ? [] : [{ number, gate, ...rest }],
  );
  const isFit = value !== undefined && !lacking && tasks.length === kept.length && !hasErrors(problems);
  return {
    id,
    directory,
    unit: isFit
      ? {
          id,
          directory,
          title: value.title ?? id,
          dependsOn: value.dependsOn,
          provider: undefined,
          context: value.context,
          status: inferStatus(tasks),
          recorded: {},
          tasks,
          plan: value.file,
          source: { from, boxes: found.boxes },
        }
      : undefined,
    plan: value,
    problems,
    items: edges.size + kept.length,
  };
}

function readPlan(
  { id, title }: FoundUnit,
  dependsOn: readonly string[],
  { file, context, budget }: Origin,
  place: Placing,
): Parsed<ParsedPlan> {
  const text = renderPlan({ id, title, dependsOn, context });
  return named(placed(parsePlan(file, Buffer.from(text), budget), place), PLAN_FILE);
}

/** What was read from a file that would have this name in the directory of its unit. */
function named<T extends { readonly file: SpecFile }>(
  { value, problems }: Parsed<T>,
  name: string,
): Parsed<T> {
  return { value: value && { ...value, file: { ...value.file, name } }, problems };
}

/** The box of a task, and those below it, which are part of it. */
function boxesOf({ box, details }: FoundTask): readonly BoxPlace[] {
  return [box, ...details.filter((line) => line.box !== undefined).map(boxOf)];
}
