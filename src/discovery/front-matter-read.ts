import { FILE_START } from '../problems/problem.ts';
import { readPlainFields } from './front-matter-plain.ts';
import { readYamlFields } from './front-matter-yaml.ts';
import type { Fences, FrontMatter, FrontMatterFault } from './front-matter.ts';

/** Longer front matter is refused; the second limit applies if it needs the YAML parser. UTF-16 code units. */
const MAX_LENGTH = 64 * 1024;
const MAX_YAML_LENGTH = 16 * 1024;
const MAX_FIELDS = 1_000;

/**
 * What may still be read with care, shared by all files of a tree: a hostile byte can cost a parser hundreds of bytes and
 * microseconds. UTF-16 code units.
 */
export interface ReadingBudget {
  /** Front matter for the YAML parser; below 0 when exceeded. */
  yaml: number;
  /** Markdown to look through for hidden text. */
  markdown: number;
}

/**
 * Reads the front matter of a Markdown text. Accepts a byte order mark, CRLF, trailing blanks on the `---` lines and a
 * closing line at the end of the file. Reads plain front matter, which nearly every file has, directly and the rest by
 * the YAML parser; both give the same fields (checked by a property test).
 */
export function readFrontMatter(
  text: string,
  budget: Pick<ReadingBudget, 'yaml'> = { yaml: MAX_YAML_LENGTH },
): FrontMatter | { readonly faults: readonly FrontMatterFault[] } {
  const fences = findFences(text);
  if ('code' in fences) return { faults: [fences] };
  const head = detach(text.slice(0, fences.bodyStart));
  const read = readPlainFields(head, fences) ?? readWithin(budget, head, fences);
  if ('faults' in read) return read;
  if (read.fields.size > MAX_FIELDS) return tooLarge(`the front matter has more than ${MAX_FIELDS} fields`);
  return { ...fences, ...read };
}

function readWithin(
  budget: Pick<ReadingBudget, 'yaml'>,
  head: string,
  fences: Fences,
): ReturnType<typeof readYamlFields> {
  const length = fences.end - fences.start;
  if (length > MAX_YAML_LENGTH) {
    return tooLarge(
      `the front matter is longer than ${MAX_YAML_LENGTH / 1024} KiB and not made of plain lines`,
    );
  }
  budget.yaml -= length;
  return budget.yaml < 0
    ? tooLarge('the tree holds too much front matter that is not made of plain lines')
    : readYamlFields(head, fences);
}

function tooLarge(message: string): { readonly faults: readonly FrontMatterFault[] } {
  const hint = 'write `name: value` lines, and move text below the closing `---`';
  return { faults: [{ code: 'front-matter-too-large', message, hint, ...FILE_START }] };
}

const OPENING = /\uFEFF?---[ \t]*(?:\r?\n|$)/y;
const CLOSING = /^---[ \t]*(?:\r?\n|\r?$(?![\s\S]))/gm;

function findFences(text: string): Fences | FrontMatterFault {
  OPENING.lastIndex = 0;
  if (!OPENING.test(text)) {
    return {
      code: 'front-matter-missing',
      message: 'the file has no front matter',
      hint: 'begin the file with a line `---`, the fields, and another line `---`',
      ...FILE_START,
    };
  }
  const start = OPENING.lastIndex;
  CLOSING.lastIndex = start;
  const closing = CLOSING.exec(text);
  if (closing === null) {
    return {
      code: 'front-matter-unclosed',
      message: 'the front matter is never closed',
      hint: 'end it with a line `---`',
      ...FILE_START,
    };
  }
  if (closing.index - start > MAX_LENGTH) {
    return {
      code: 'front-matter-too-large',
      message: `the front matter is longer than ${MAX_LENGTH / 1024} KiB`,
      hint: 'move text below the closing `---`',
      ...FILE_START,
    };
  }
  return { start, end: closing.index, bodyStart: CLOSING.lastIndex };
}

/** Copies a piece of a file: the engine may keep the whole file in memory as long as a slice of it lives. */
export function detach(piece: string): string {
  return Buffer.from(piece).toString();
}
