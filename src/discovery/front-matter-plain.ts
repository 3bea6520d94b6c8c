import type { Position } from '../problems/problem.ts';
import {
  type Fences,
  type Field,
  type FieldValue,
  type FrontMatter,
  listValue,
  type Scalar,
} from './front-matter.ts';

/** `name:` at the start of a line, then blanks or the line's end. */
const NAME = /^([A-Za-z_][A-Za-z0-9_]*):(?: +|$)/;
/** Characters that the plain reader leaves to the YAML parser. */
const BEYOND_PLAIN = /[^\x20-\x7e\r\n]|\r(?!\n)/;
const PLAIN_START = /^[A-Za-z0-9_./]/;
const PLAIN_REFUSED = /: |:$/;
/** A quoted text or a bracketed list, with at most a comment after it. */
const CLOSED = /^("[^"\\]*"|'[^']*'|\[[^\]]*\])(?: +#.*)?$/;
const LIST_ITEM = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|"[A-Za-z0-9_.-]*"|'[A-Za-z0-9_.-]*')$/;
const DASH = /^ *- +/;
const NULLS: ReadonlySet<string> = new Set(['null', 'Null', 'NULL']);

/**
 * Reads front matter of one-line `name: value` pairs, lists of simple words, and comments, as in nearly all specs, at a
 * tenth of the cost of a YAML parser. Undefined as soon as YAML could read a line differently.
 */
export function readPlainFields(
  text: string,
  fences: Fences,
): Pick<FrontMatter, 'fields' | 'braces'> | undefined {
  const yaml = text.slice(fences.start, fences.end);
  if (BEYOND_PLAIN.test(yaml)) return undefined;
  const fields = new Map<string, Field>();
  const lines = yaml.split('\n');
  lines.pop(); // empty: the closing fence starts a new line
  let offset = fences.start;
  for (let index = 0; index < lines.length; index += 1) {
    const raw = lines[index] ?? '';
    const line = raw.trimEnd();
    const position: LineStart = { line: index + 2, start: offset };
    offset += raw.length + 1;
    if (line === '' || line.startsWith('#')) continue;
    const head = NAME.exec(line);
    const name = head?.[1];
    if (head === null || name === undefined || fields.has(name)) return undefined;
    let value: FieldValue | undefined;
    const source = line.slice(head[0].length);
    if (source !== '' && !source.startsWith('#')) {
      value = inlineValue(source, head[0].length, position);
    } else {
      const items: Scalar[] = [];
      const dash = DASH.exec(lines[index + 1] ?? '')?.[0] ?? '';
      for (
        let item = lines[index + 1];
        item !== undefined && DASH.exec(item)?.[0] === dash;
        item = lines[index + 1]
      ) {
        index += 1;
        const word = withoutComment(item.trimEnd().slice(dash.length));
        if (!isListWord(word)) return undefined;
        items.push(scalar(word, dash.length, { line: index + 2, start: offset }));
        offset += item.length + 1;
      }
      value = listOrEmpty(items, name.length + 1, position);
    }
    if (value === undefined) return undefined;
    fields.set(name, { name, at: at(position, 0), start: position.start, value });
  }
  return fields.size === 0 ? undefined : { fields, braces: false };
}

/** A line of the text: its number, and the offset of its first character. */
interface LineStart {
  readonly line: number;
  readonly start: number;
}

function at(position: LineStart, column: number): Position {
  return { line: position.line, column: column + 1 };
}

function scalar(source: string, column: number, position: LineStart): Scalar {
  const quoted = source.startsWith('"') || source.startsWith("'");
  const start = position.start + column;
  const text = quoted ? source.slice(1, -1) : source;
  return { kind: 'scalar', text, quoted, at: at(position, column), start, end: start + source.length };
}

function inlineValue(source: string, column: number, position: LineStart): FieldValue | undefined {
  const closed = CLOSED.exec(source)?.[1];
  if (closed?.startsWith('[')) return flowList(closed, column, position);
  if (closed !== undefined) return scalar(closed, column, position);
  const plain = withoutComment(source);
  if (!PLAIN_START.test(plain) || PLAIN_REFUSED.test(plain)) return undefined;
  const value = scalar(plain, column, position);
  return NULLS.has(plain) ? { kind: 'empty', at: value.at, start: value.start, end: value.end } : value;
}

/** Cuts a value at the first blank followed by `#`. Linear, however many blanks there are. */
function withoutComment(source: string): string {
  const end = source.indexOf(' #');
  return end === -1 ? source : source.slice(0, end).trimEnd();
}

function flowList(source: string, column: number, position: LineStart): FieldValue | undefined {
  const start = position.start + column;
  const list = { at: at(position, column), start, end: start + source.length };
  const inner = source.slice(1, -1);
  if (inner.trim() === '') return listValue([], list);
  const items: Scalar[] = [];
  let partStart = column + 1;
  for (const part of inner.split(',')) {
    const word = part.trim();
    if (!isListWord(word)) return undefined;
    items.push(scalar(word, partStart + part.indexOf(word), position));
    partStart += part.length + 1;
  }
  return listValue(items, list);
}

function isListWord(word: string): boolean {
  return LIST_ITEM.test(word) && !NULLS.has(word);
}

/** The value of a name with nothing after its colon: the items below it, or empty right after the colon. */
function listOrEmpty(items: readonly Scalar[], column: number, position: LineStart): FieldValue {
  const first = items[0];
  const last = items.at(-1);
  if (first === undefined || last === undefined) {
    const offset = position.start + column;
    return { kind: 'empty', at: at(position, column), start: offset, end: offset };
  }
  return listValue(items, { at: first.at, start: first.start, end: last.end });
}
