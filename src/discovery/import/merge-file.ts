import { readFrontMatter } from '../front-matter-read.ts';
import type { FrontMatter } from '../front-matter.ts';

/** Three versions of a file: as it was imported, as a person left it, and as the source has it now. */
export interface Versions {
  readonly base: string;
  readonly mine: string;
  readonly theirs: string;
}

/** Merges bodies line by line; undefined where both changed the same lines. */
export type MergeText = (versions: Versions) => Promise<string | undefined>;

/** The result of a merge, or what both sides changed: names of fields, or `text`. */
export type MergedFile = { readonly text: string } | { readonly conflicts: readonly string[] };

/**
 * Merges field by field, so that neighbouring lines of the front matter do not conflict, and then the text below. Fields that record
 * progress stay as they are in `mine`. Order and comments of `mine` stay.
 */
export async function mergeFile({ base, mine, theirs }: Versions, mergeText: MergeText): Promise<MergedFile> {
  const [before, own, other] = [base, mine, theirs].map((text) => read(text));
  if (before === undefined || own === undefined || other === undefined)
    return { conflicts: ['front matter'] };
  const conflicts: string[] = [];
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  const added: string[] = [];
  for (const name of new Set([...before.values.keys(), ...other.values.keys()])) {
    if (name === 'status' || name.startsWith('orch_')) continue;
    const [was, is, wanted] = [before, own, other].map(({ values }) => values.get(name));
    if (wanted === was || wanted === is) continue;
    if (is !== was) conflicts.push(name);
    else if (wanted === undefined) edits.push({ ...own.lineOf(name), text: '' });
    else if (is === undefined) added.push(`${name}: ${wanted}\n`);
    else edits.push({ ...own.valueOf(name), text: wanted });
  }
  const body = await mergeBodies({ base: before.body, mine: own.body, theirs: other.body }, mergeText);
  if (body === undefined) conflicts.push('text');
  if (conflicts.length > 0 || body === undefined) return { conflicts };
  let head = own.head;
  if (added.length > 0) edits.push({ start: own.end, end: own.end, text: added.join('') });
  for (const { start, end, text } of edits.sort((a, b) => b.start - a.start))
    head = head.slice(0, start) + text + head.slice(end);
  return { text: head + body };
}

async function mergeBodies(versions: Versions, mergeText: MergeText): Promise<string | undefined> {
  const { base, mine, theirs } = versions;
  if (theirs === base || theirs === mine) return mine;
  return mine === base ? theirs : mergeText(versions);
}

interface Parts {
  readonly values: ReadonlyMap<string, string>;
  readonly head: string;
  readonly body: string;
  readonly end: number;
  readonly valueOf: (name: string) => { readonly start: number; readonly end: number };
  readonly lineOf: (name: string) => { readonly start: number; readonly end: number };
}

function read(text: string): Parts | undefined {
  const found = readFrontMatter(text);
  if ('faults' in found || found.braces) return undefined;
  const front: FrontMatter = found;
  const valueOf: Parts['valueOf'] = (name) => {
    const value = front.fields.get(name)?.value;
    return { start: value?.start ?? 0, end: value?.end ?? 0 };
  };
  return {
    values: new Map(
      [...front.fields.values()].map(({ name, value }) => [name, text.slice(value.start, value.end)]),
    ),
    head: text.slice(0, front.bodyStart),
    body: text.slice(front.bodyStart),
    end: front.end,
    valueOf,
    lineOf: (name) => {
      const end = text.indexOf('\n', valueOf(name).end);
      return { start: front.fields.get(name)?.start ?? 0, end: end === -1 ? text.length : end + 1 };
    },
  };
}
