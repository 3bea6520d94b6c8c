import { isUtf8 } from 'node:buffer';
import { FILE_START, type Problem, reportInto } from '../../problems/problem.ts';
import { lineIndex } from '../../problems/text-lines.ts';
import type { BrokenUnit } from '../discovery.ts';
import type { ReadingBudget } from '../front-matter-read.ts';
import { MAX_MARKDOWN, MAX_YAML } from '../tree-limits.ts';
import { checkTree } from '../tree-rules.ts';
import { baseName, findEntry, type SpecTree, type TreeEntry } from '../tree.ts';
import type { UnitReading } from '../unit-reading.ts';
import type { Unit } from '../unit.ts';
import { readFoundUnits } from './assemble.ts';
import { TASK_LIST } from './find-formats.ts';
import {
  choicesFor,
  type ChosenGates,
  GATES_FILE,
  MAX_GATES_BYTES,
  readChosenGates,
} from './chosen-gates.ts';
import type { FoundUnit } from './format.ts';
import { FORMATS, type FormatName } from './formats.ts';
import { type ListedGate, nameTask } from './keep-tasks.ts';
import { readOutline } from './outline.ts';

/** An entry of `specs` in `.choo.yml` that names another tool. */
export interface FormatSource {
  readonly from: FormatName;
  /** The directory of changes, features or specs; by default where the tool keeps them. */
  readonly path?: string | undefined;
}

/** What a source is read with. */
export interface FormatRules {
  /** The gate of tasks that name none; `{unit}` stands for the id of the unit. */
  readonly defaultGate: string | undefined;
  /** Ids of units that were read before, in lower case. */
  readonly taken: ReadonlySet<string>;
}

/** The units and problems of a source, each problem at its line in the file of the other tool. */
export interface FormatDiscovery {
  readonly units: readonly Unit[];
  readonly broken: readonly BrokenUnit[];
  readonly problems: readonly Problem[];
  /** Every task with its gate, also of units that cannot run. */
  readonly gates: readonly ListedGate[];
}

/** The most bytes of all task lists of one source together. */
const MAX_BYTES = 2 * 1024 * 1024;

/** The most tasks of one source. */
const MAX_TASKS = 5_000;

/**
 * Reads the task lists of another tool as units. Like {@link discover} it never throws for the tree's content, reports all
 * problems at once, and takes time linear in the bytes.
 */
export async function discoverFormat(
  tree: SpecTree,
  { from, path }: FormatSource,
  { defaultGate, taken }: FormatRules,
): Promise<FormatDiscovery> {
  const format = FORMATS[from];
  const root = path ?? format.standardPath;
  const refuse = (code: Problem['code'], message: string, hint: string): FormatDiscovery => ({
    units: [],
    broken: [],
    gates: [],
    problems: [{ severity: 'error', code, message, file: root, ...FILE_START, hint }],
  });

  // 1. The directories with a task list.
  const [top = 'missing'] = await tree.list([root]);
  if (typeof top === 'string')
    return refuse(
      'format-missing',
      `there is no directory of ${format.title} here`,
      'name it in `path` of `specs`',
    );
  const ignored: readonly string[] = format.ignored;
  const directories = top.filter(
    ({ kind, name }) => kind === 'directory' && !name.startsWith('.') && !ignored.includes(name),
  );
  const listings = await tree.list(directories.map((entry) => entry.path));
  const common = await findFiles(tree, format.common);
  const lists = directories.flatMap((directory, index) => {
    const listing = listings[index] ?? 'missing';
    const entries = typeof listing === 'string' ? [] : listing;
    const file = entries.find(({ kind, name }) => kind === 'file' && name === TASK_LIST);
    return file === undefined ? [] : [{ directory, file, context: contextOf(entries, common) }];
  });

  // 2. Their contents, unless they are too large.
  const excess = refuse(
    'format-too-large',
    `the task lists of ${format.title} hold more than 2 MiB, or more than ${MAX_TASKS} tasks`,
    'nothing of them was used; archive what is done',
  );
  if (lists.reduce((sum, { file }) => sum + file.size, 0) > MAX_BYTES) return excess;
  const contents = await tree.read(lists.map(({ file }) => file));

  // 3. What each says.
  const problems: Problem[] = [];
  const found: { readonly list: (typeof lists)[number]; readonly units: readonly FoundUnit[] }[] = [];
  for (const [index, list] of lists.entries()) {
    const units = readList(format, list, contents[index], problems);
    if (units !== undefined) found.push({ list, units });
  }
  const count = found.reduce(
    (sum, { units }) => sum + units.reduce((all, { tasks }) => all + tasks.length, 0),
    0,
  );
  if (count > MAX_TASKS) return excess;

  // 4. What people chose as gates.
  const chosen = await readChoices(tree, top, problems);
  for (const [name, tasks] of chosen) checkChoices(name, tasks, { root, found, problems });

  // 5. The same units, tasks and rules as in choo's own format.
  const budget: ReadingBudget = { yaml: MAX_YAML, markdown: MAX_MARKDOWN };
  const ids = new Set(taken);
  const gates: ListedGate[] = [];
  const readings: UnitReading[] = found.flatMap(({ list, units }) =>
    readFoundUnits(units, {
      from,
      directory: list.directory.path,
      file: list.file.path,
      context: list.context,
      gates: { defaultGate, chosen: choicesFor(chosen, list.directory.path) },
      listed: gates,
      ids,
      budget,
      problems,
    }),
  );
  const between = checkTree(readings, new Set());
  const fit = (reading: UnitReading): boolean =>
    reading.unit !== undefined && !between.broken.has(reading.id);
  return {
    gates,
    units: readings.flatMap((reading) => (reading.unit !== undefined && fit(reading) ? [reading.unit] : [])),
    broken: readings
      .filter((reading) => !fit(reading))
      .map(({ id, directory, plan }) => ({ id, directory, dependsOn: plan?.dependsOn ?? [] })),
    problems: [...problems, ...readings.flatMap((reading) => reading.problems), ...between.problems],
  };
}

/** Reads the choices beside the directories of a source. */
async function readChoices(
  tree: SpecTree,
  top: readonly TreeEntry[],
  problems: Problem[],
): Promise<ChosenGates> {
  const file = top.find(({ name }) => name === GATES_FILE);
  if (file === undefined) return new Map();
  const report = reportInto(problems, file.path);
  const isFit = file.kind === 'file' && file.size <= MAX_GATES_BYTES;
  const [content] = isFit ? await tree.read([file]) : [];
  if (content === undefined || !isUtf8(content)) {
    report('error', 'format-gates', FILE_START, 'the file cannot be read', {
      hint: `it must be a regular file of text of at most ${MAX_GATES_BYTES / 1024} KiB`,
    });
    return new Map();
  }
  return readChosenGates(Buffer.from(content).toString('utf8'), report);
}

/** Warns of choices for tasks that are not there: somebody may have given them other numbers. */
function checkChoices(
  name: string,
  tasks: ReadonlyMap<string, string>,
  {
    root,
    found,
    problems,
  }: {
    readonly root: string;
    readonly found: readonly {
      readonly list: { readonly directory: TreeEntry };
      readonly units: readonly FoundUnit[];
    }[];
    readonly problems: Problem[];
  },
): void {
  const own = found.filter(({ list }) => list.directory.name === baseName(name));
  const known = new Set(own.flatMap(({ units }) => units.flatMap((unit) => unit.tasks.map(nameTask))));
  const report = reportInto(problems, `${root}/${GATES_FILE}`);
  for (const task of tasks.keys())
    if (!known.has(task))
      report('warning', 'format-gates', FILE_START, `there is no task \`${task}\` in \`${name}\``, {
        got: task,
        hint: 'remove the line, or correct its number: `choo gates` lists the tasks',
      });
}

/** More files than this are not named to an agent. */
const MAX_CONTEXT = 20;

/** The other pages and directories beside a task list, and what holds for all lists: an agent is told their names. */
function contextOf(entries: readonly TreeEntry[], common: readonly string[]): readonly string[] {
  const own = entries.flatMap(({ kind, name, path }) => {
    if (name.startsWith('.') || name === TASK_LIST) return [];
    return kind === 'directory' ? [`${path}/`] : kind === 'file' && name.endsWith('.md') ? [path] : [];
  });
  return [...own, ...common].slice(0, MAX_CONTEXT);
}

/** Those of these files that exist. */
async function findFiles(tree: SpecTree, paths: readonly string[]): Promise<readonly string[]> {
  const entries = await Promise.all(paths.map(async (path) => findEntry(tree, path)));
  return entries.flatMap((entry) => (entry?.kind === 'file' ? [entry.path] : []));
}

function readList(
  format: (typeof FORMATS)[FormatName],
  { directory, file }: { readonly directory: TreeEntry; readonly file: TreeEntry },
  content: Uint8Array | undefined,
  problems: Problem[],
): readonly FoundUnit[] | undefined {
  const report = reportInto(problems, file.path);
  if (content === undefined) {
    report('error', 'unreadable', FILE_START, 'the file could not be read', {
      hint: 'check its permissions',
    });
    return undefined;
  }
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
  const nul = text.indexOf('\0');
  if (!isUtf8(content) || nul >= 0) {
    const code = isUtf8(content) ? 'nul-byte' : 'not-utf8';
    const at = lineIndex(text)(code === 'nul-byte' ? nul : text.indexOf('\uFFFD'));
    report(
      'error',
      code,
      at,
      code === 'nul-byte' ? 'the file holds a NUL byte' : 'the file is not valid UTF-8',
      {
        hint: 'save it as text in UTF-8',
      },
    );
    return undefined;
  }
  const lines = readOutline(text);
  for (const line of lines.filter(({ almostBox }) => almostBox))
    report('warning', 'format-box', { line: line.number, column: 1 }, 'this is not read as a task', {
      got: line.text.trim(),
      hint: 'write the box as `- [ ] ` or `- [x] `',
    });
  const units = format.read({ name: directory.name, lines, report });
  if (units.length === 0)
    report('warning', 'format-no-tasks', FILE_START, 'no task is found in this file', {
      hint: 'write each as `- [ ] 1.1 What to do`',
    });
  return units;
}
