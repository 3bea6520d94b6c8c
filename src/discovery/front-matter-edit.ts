import { ChooError } from '../errors.ts';
import { readFrontMatter } from './front-matter-read.ts';
import type { FrontMatter } from './front-matter.ts';

/**
 * Sets one field of a spec file's front matter to a one-line text and returns the new text. Every other character stays:
 * comments, quotes, field order, line ends, a byte order mark, the end of the file. A new field is added after the last
 * one.
 *
 * Throws a ChooError (`conflict`) when the file has no front matter, when the field holds anything but one value, or when
 * the result would not read back as intended.
 */
export function setField(text: string, name: string, value: string): string {
  const before = readFrontMatter(text);
  if ('faults' in before) throw refuse(name, before.faults[0]?.message ?? 'the front matter cannot be read');
  const edited = edit(text, before, name, value);
  const after = readFrontMatter(edited);
  if ('faults' in after || !saysOnlyThat(before, after, name, value)) {
    throw refuse(name, 'the front matter is written in a way that cannot be edited in place');
  }
  return edited;
}

function edit(
  text: string,
  { fields, start, end, braces }: FrontMatter,
  name: string,
  value: string,
): string {
  const field = fields.get(name);
  if (field?.value.kind === 'empty') {
    const replaced = field.value.end > field.value.start;
    return splice(text, field.value, replaced ? quoteIfNeeded(value) : ` ${quoteIfNeeded(value)}`);
  }
  if (field?.value.kind === 'scalar') {
    return splice(text, field.value, quoteLike(text.charAt(field.value.start), value));
  }
  if (field !== undefined)
    throw refuse(name, `it holds ${field.value.kind === 'list' ? 'a list' : 'more than one value'}`);
  const pair = `${name}: ${quoteIfNeeded(value)}`;
  if (braces) {
    const close = text.lastIndexOf('}', end);
    return splice(text, { start: close, end: close }, fields.size === 0 ? pair : `, ${pair}`);
  }
  const lineEnd = text.slice(0, start).endsWith('\r\n') ? '\r\n' : '\n';
  return splice(text, { start: end, end }, `${pair}${lineEnd}`);
}

function splice(
  text: string,
  { start, end }: { readonly start: number; readonly end: number },
  insert: string,
): string {
  return text.slice(0, start) + insert + text.slice(end);
}

/** Keeps the author's quotes, if they can hold the new value. */
function quoteLike(opening: string, value: string): string {
  if (opening === "'" && /^[\x20-\x26\x28-\x7e]*$/.test(value)) return `'${value}'`;
  return opening === '"' ? JSON.stringify(value) : quoteIfNeeded(value);
}

/** Words that YAML does not read as text. */
const NOT_TEXT = /^(?:null|true|false|yes|no|on|off|y|n)$/i;

function quoteIfNeeded(value: string): string {
  return /^[A-Za-z][\w./+:-]*$/.test(value) && !value.endsWith(':') && !NOT_TEXT.test(value)
    ? value
    : JSON.stringify(value);
}

/** Whether only this field changed, and to the new value. */
function saysOnlyThat(before: FrontMatter, after: FrontMatter, name: string, value: string): boolean {
  const set = after.fields.get(name)?.value;
  if (set?.kind !== 'scalar' || set.text !== value) return false;
  if (after.fields.size !== before.fields.size + (before.fields.has(name) ? 0 : 1)) return false;
  return [...before.fields.values()].every(
    (field) => field.name === name || meaning(field.value) === meaning(after.fields.get(field.name)?.value),
  );
}

function meaning(value: unknown): string {
  return JSON.stringify(value, (key, each: unknown) =>
    ['at', 'start', 'end'].includes(key) ? undefined : each,
  );
}

function refuse(name: string, reason: string): ChooError {
  return new ChooError('conflict', `cannot set \`${name}\` in the front matter: ${reason}`, {
    hint: `set \`${name}\` by hand`,
  });
}
