import { isUtf8 } from 'node:buffer';

/** The modes of a tree, a link and another repository's commit in a tree object. */
export const TREE = '40000';
export const LINK = '120000';
export const GITLINK = '160000';

/** The most links that Linux follows on one path. */
export const MAX_LINKS = 40;
/** Linux cannot follow longer link targets. Bytes. */
export const MAX_TARGET_BYTES = 4_096;

/** One entry of a tree object, as git stores it. */
export interface TreeItem {
  /** `100644`, `100755`, `120000` (a link), `160000` (another repository's commit) or `40000` (a tree). */
  readonly mode: string;
  /** See {@link decodeName}. */
  readonly name: string;
  readonly id: string;
}

/**
 * Decodes a name. Bytes that are not UTF-8 become lone surrogates, which no text contains: so two names never become
 * equal, and {@link encodeName} returns the same bytes.
 */
function decodeName(content: Buffer, start: number, end: number): string {
  const text = content.toString('utf8', start, end);
  if (!text.includes('\ufffd') || isUtf8(content.subarray(start, end))) return text;
  return content
    .toString('latin1', start, end)
    .replaceAll(/[\x80-\xff]/g, (character) => String.fromCharCode(0xdc00 + character.charCodeAt(0)));
}

/** The same for a name whose bytes are one character each. */
export function decodeBytes(name: string): string {
  if (!/[\x80-\xff]/.test(name)) return name;
  const bytes = Buffer.from(name, 'latin1');
  return decodeName(bytes, 0, bytes.length);
}

/** The bytes of a name or path, as git stores them. */
export function encodeName(name: string): Buffer {
  if (name.isWellFormed()) return Buffer.from(name);
  const parts = name.split(/([\udc80-\udcff])/u); // every other part is a lone surrogate
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : Buffer.of(part.charCodeAt(0) & 0xff))),
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The bytes of a path as git prints it: in quotes, with escapes, when it has unusual characters. */
export function unquote(path: string): Buffer {
  if (!path.startsWith('"')) return Buffer.from(path);
  const bytes = path
    .slice(1, -1)
    .replaceAll(/\\(?:([0-7]{3})|(.))/g, (_, octal: string | undefined, letter: string) =>
      octal === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(octal, 8)),
    );
  return Buffer.from(bytes, 'latin1');
}

/** Parses a tree object: for each item the mode, a blank, the name, a NUL and the id's bytes. Undefined when invalid. */
export function parseTreeObject(
  content: Buffer,
  idBytes: number,
  limit = Number.POSITIVE_INFINITY,
): TreeItem[] | undefined {
  const items: TreeItem[] = [];
  for (let offset = 0; offset < content.length && items.length <= limit;) {
    const blank = content.indexOf(0x20, offset);
    const nul = content.indexOf(0, blank);
    if (blank < 0 || nul < 0 || nul + idBytes >= content.length) return undefined;
    const mode = content.toString('latin1', offset, blank);
    const name = decodeName(content, blank + 1, nul);
    offset = nul + 1 + idBytes;
    items.push({ mode, name, id: content.toString('hex', nul + 1, offset) });
  }
  return items;
}
