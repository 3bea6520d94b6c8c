import { readPlainFields } from './front-matter-plain.ts';
import { readYamlFields } from './front-matter-yaml.ts';
import type { Fences, FrontMatter, FrontMatterFault } from './front-matter.ts';

/** Longer front matter is refused before it reaches a parser. UTF-16 code units. */
const MAX_LENGTH = 256 * 1024;
const MAX_FIELDS = 1_000;

/**
 * Reads the front matter of a Markdown text. Tolerates a byte order mark, CRLF, trailing blanks on the `---` lines and
 * a closing line that ends the file. The plain shapes nearly every file has are read directly, everything else by the
 * YAML parser; both give the same fields (a property test holds them together).
 */
export function readFrontMatter(
  text: string,
): FrontMatter | { readonly faults: readonly FrontMatterFault[] } {
  const fences = findFences(text);
  if ('code' in fences) return { faults: [fences] };
  const head = detach(text.slice(0, fences.bodyStart));
  const read = readPlainFields(head, fences) ?? readYamlFields(head, fences);
  if ('faults' in read) return read;
  if (read.fields.size > MAX_FIELDS) {
    const message = `the front matter has more than ${MAX_FIELDS} fields`;
    return { faults: [{ code: 'front-matter-too-large', message, line: 1, column: 1 }] };
  }
  return { ...fences, ...read };
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
      line: 1,
      column: 1,
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
      line: 1,
      column: 1,
    };
  }
  if (closing.index - start > MAX_LENGTH) {
    return {
      code: 'front-matter-too-large',
      message: `the front matter is longer than ${MAX_LENGTH / 1024} KiB`,
      hint: 'move text below the closing `---`',
      line: 1,
      column: 1,
    };
  }
  return { start, end: closing.index, bodyStart: CLOSING.lastIndex };
}

/** A copy of a piece of a file: an engine may keep the whole file in memory for as long as a slice of it lives. */
export function detach(piece: string): string {
  return Buffer.from(piece).toString();
}
