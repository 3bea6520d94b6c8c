import { PLAN_FILE } from '../parse.ts';
import type { WantedFile } from './imported-files.ts';
import { hashOf, mark, type Marked, progressOf, withProgress } from './marker.ts';
import { mergeFile, type MergeText } from './merge-file.ts';

/** A file below the directory of specs. */
export interface PresentFile {
  readonly unit: string;
  readonly name: string;
  readonly content: string;
  /** Undefined: no import wrote it. */
  readonly marked: Marked | undefined;
}

/** What an import does about one file. Paths are `unit/name`. */
export interface ImportAction {
  readonly kind: 'create' | 'update' | 'merge' | 'keep' | 'delete' | 'conflict';
  readonly path: string;
  /** The path that it had, where it moves. */
  readonly movesFrom?: string;
  /** The whole file as it is to be; undefined: it stays as it is, or goes. */
  readonly content?: string;
  /** The line of the task list; undefined: it is not there any more. */
  readonly line?: number;
  readonly from: string;
  /** Of a conflict: what both sides changed, or why nothing can be done. */
  readonly why?: string;
}

/** What an import decides with. */
export interface ImportRules {
  /** The text that was imported, by its marker; undefined where it cannot be made again. */
  readonly baseOf: (present: Marked) => Promise<string | undefined>;
  readonly mergeText: MergeText;
  /** In a conflict the person's text stays, and the source counts as seen. */
  readonly keepsMine: boolean;
}

/** Decides what an import does. Files that no import wrote are never touched. */
export async function decideImport(
  wanted: readonly WantedFile[],
  present: readonly PresentFile[],
  rules: ImportRules,
): Promise<readonly ImportAction[]> {
  const partners = matchFiles(wanted, present);
  const taken = new Set(partners.values());
  const others = new Set(present.filter((file) => !taken.has(file)).map(pathOf));
  const foreign = new Set(
    present.filter(({ name, marked }) => name === PLAN_FILE && marked === undefined).map(({ unit }) => unit),
  );
  const actions: ImportAction[] = [];
  for (const file of wanted) {
    const partner = partners.get(file);
    const path = pathOf(file);
    const shared = { path, line: file.line, from: file.marker.from };
    const gone = present.find((each) => pathOf(each) === path && !taken.has(each));
    if (foreign.has(file.unit)) {
      if (file.name === PLAN_FILE)
        actions.push({
          ...shared,
          kind: 'conflict',
          why: 'there is a unit of this name that was not imported',
        });
    } else if (others.has(path) && gone !== undefined && !isUntouched(gone))
      actions.push({
        ...shared,
        kind: 'conflict',
        why: 'there is a file of this name that was not imported',
      });
    else if (partner?.marked === undefined)
      actions.push({ ...shared, kind: 'create', content: mark({ text: file.text, marker: file.marker }) });
    else {
      const moves = { ...(pathOf(partner) !== path && { movesFrom: pathOf(partner) }) };
      const decided = await decideFile(file, partner.marked, rules);
      const isMoved = decided.kind === 'keep' && moves.movesFrom !== undefined;
      const change = isMoved ? ({ kind: 'update', content: partner.content } as const) : decided;
      actions.push({ ...shared, ...moves, ...change });
    }
  }
  const made = new Set(wanted.map(pathOf));
  for (const file of present) {
    if (file.marked === undefined || taken.has(file) || made.has(pathOf(file))) continue;
    const shared = { path: pathOf(file), from: file.marked.marker.from };
    if (isUntouched(file)) actions.push({ ...shared, kind: 'delete' });
    else if (rules.keepsMine) actions.push({ ...shared, kind: 'merge', content: file.marked.text });
    else
      actions.push({
        ...shared,
        kind: 'conflict',
        why: 'its task is not there any more, and you changed the file',
      });
  }
  return actions;
}

function pathOf({ unit, name }: Pick<PresentFile, 'unit' | 'name'>): string {
  return `${unit}/${name}`;
}

/** Whether a file is as some import left it. */
function isUntouched({ marked }: PresentFile): boolean {
  return marked !== undefined && hashOf(marked.text) === marked.marker.of;
}

/** The file that each wanted one continues: of the same task by its words, or else by its number. */
function matchFiles(
  wanted: readonly WantedFile[],
  present: readonly PresentFile[],
): ReadonlyMap<WantedFile, PresentFile> {
  const free = new Set(present.filter(({ marked }) => marked !== undefined));
  const partners = new Map<WantedFile, PresentFile>();
  const rounds: readonly ((file: WantedFile) => string)[] = [
    ({ unit, name, marker }) => key(marker.from, unit, wordsOf(name), marker.task),
    ({ unit, name, marker }) => key(marker.from, unit, wordsOf(name)),
    ({ unit, marker }) => key(marker.from, unit, marker.task === '' ? PLAN_FILE : `#${marker.task}`),
    ({ name, marker }) => (marker.task === '' ? '' : key(marker.from, '', wordsOf(name))),
  ];
  for (const round of rounds) {
    const byKey = new Map<string, PresentFile[]>();
    for (const file of free) {
      if (file.marked === undefined) continue;
      const name = round({ ...file, ...file.marked, line: 1 });
      byKey.set(name, [...(byKey.get(name) ?? []), file]);
    }
    for (const file of wanted) {
      const name = round(file);
      const found = partners.has(file) || name === '' ? undefined : byKey.get(name)?.shift();
      if (found === undefined) continue;
      partners.set(file, found);
      free.delete(found);
    }
  }
  return partners;
}

function key(...parts: readonly string[]): string {
  return parts.join('\0');
}

/** The name of a task's file without its number. */
function wordsOf(name: string): string {
  return name.replace(/^\d+-/, '');
}

async function decideFile(
  file: WantedFile,
  marked: Marked,
  { baseOf, mergeText, keepsMine }: ImportRules,
): Promise<Pick<ImportAction, 'kind' | 'content' | 'why'>> {
  const { marker } = marked;
  const status = statusOf(file, marked);
  // The same source: only a box may differ.
  if (file.marker.of === marker.of) {
    if (file.marker.done === marker.done) return { kind: 'keep' };
    const text = withProgress(marked.text, status);
    return { kind: 'update', content: mark({ text, marker: { ...marker, done: file.marker.done } }) };
  }
  const imported = (text: string): string => mark({ text: withProgress(text, status), marker: file.marker });
  if (hashOf(marked.text) === marker.of) return { kind: 'update', content: imported(file.text) };
  const base = await baseOf(marked);
  const merged =
    base === undefined
      ? { conflicts: ['what was imported is not in git any more, so that nobody knows what'] }
      : await mergeFile({ base, mine: marked.text, theirs: file.text }, mergeText);
  if ('text' in merged) return { kind: 'merge', content: imported(merged.text) };
  if (keepsMine) return { kind: 'merge', content: imported(marked.text) };
  return { kind: 'conflict', why: `${merged.conflicts.join(', ')} changed here and in the source` };
}

/** Progress as it is in the file, unless the box was ticked or emptied since the import. */
function statusOf({ marker, text }: WantedFile, { marker: before, text: own }: Marked): readonly string[] {
  const recorded = progressOf(own);
  if (marker.task === '' || marker.done === before.done) return recorded;
  return [...progressOf(text), ...recorded.filter((line) => !line.startsWith('status:'))];
}
