import type { Position } from '../problems/problem.ts';
import { readPlainFields } from './front-matter-plain.ts';
import { readYamlFields } from './front-matter-yaml.ts';

/** One value as written; no type is guessed, so `1` and `"1"` differ only in `quoted`. Offsets count UTF-16 code units of the text. */
export interface Scalar {
  readonly kind: 'scalar';
  readonly text: string;
  readonly quoted: boolean;
  readonly at: Position;
  readonly start: number;
  /** Exclusive; quotes are inside the range. */
  readonly end: number;
}

/** What a field holds. `unsupported` is valid YAML that no field of a spec uses: mappings, nested lists, aliases, tags. */
export type FieldValue =
  | Scalar
  | { readonly kind: 'empty'; readonly at: Position; readonly start: number; readonly end: number }
  | {
      readonly kind: 'list';
      readonly items: readonly Scalar[];
      readonly at: Position;
      readonly start: number;
      readonly end: number;
    }
  | {
      readonly kind: 'unsupported';
      readonly what: string;
      readonly at: Position;
      readonly start: number;
      readonly end: number;
    };

export interface Field {
  readonly name: string;
  readonly at: Position;
  /** Offset of the name. */
  readonly start: number;
  readonly value: FieldValue;
}

/** The YAML between the two `---` lines at the start of a file. */
export interface FrontMatter {
  readonly fields: ReadonlyMap<string, Field>;
  /** Offset of the first character after the opening line. */
  readonly start: number;
  /** Offset of the closing line. */
  readonly end: number;
  /** Offset of the first character after the closing line. */
  readonly bodyStart: number;
  /** Written in braces, `{task: 1}`. */
  readonly braces: boolean;
}

/** Why a file has no front matter that can be used; every fault with its place. */
export interface FrontMatterFault extends Position {
  readonly code:
    | 'front-matter-missing'
    | 'front-matter-unclosed'
    | 'front-matter-too-large'
    | 'front-matter-shape'
    | 'yaml-syntax';
  readonly message: string;
  readonly hint?: string;
}

/** Longer front matter is refused before it reaches a parser. UTF-16 code units. */
const MAX_LENGTH = 256 * 1024;

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
  return 'faults' in read ? read : { ...fences, ...read };
}

/** A copy of a piece of a file: an engine may keep the whole file in memory for as long as a slice of it lives. */
export function detach(piece: string): string {
  return Buffer.from(piece).toString();
}

/** Where the YAML of a front matter stands. */
export type Fences = Pick<FrontMatter, 'start' | 'end' | 'bodyStart'>;

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
