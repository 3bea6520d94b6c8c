import type { Place } from './runner.ts';

/** `file:line`, `file:line:column`, behind a blank, a bracket or a quotation mark. */
const POSITION =
  /(?:^|[\s('"[@])((?:file:\/\/)?(?:[A-Za-z]:[\\/])?[^\s:()'"[\]@,]+):(\d{1,7})(?::(\d{1,7}))?(?!\d)/g;
/** What looks like one and is an address, a time or a part of Node. */
const NO_FILE = /^(?:\d|https?$|node$|localhost$|<|-)/;
/** Files of others. */
const FOREIGN = /(?:^|\/)(?:node_modules|site-packages|dist-packages|\.cargo|vendor\/bundle|rustc)\//;
const MAX_POSITIONS = 20;

/** Reads a position; undefined where the file is none of the project's: absolute, above it, or of a package. */
export function toPlace(path: string | undefined, line?: string, column?: string): Place | undefined {
  const file = toFile(path ?? '');
  if (file === undefined) return undefined;
  const [row, at] = [toPosition(line), toPosition(column)];
  return { file, line: row, column: row === undefined ? undefined : at };
}

/** The first position in a line that is in a file of the project. */
export function placeIn(line: string): Place | undefined {
  for (const [, path, row, column] of line.matchAll(POSITION).take(MAX_POSITIONS)) {
    const place = NO_FILE.test(path ?? '') ? undefined : toPlace(path, row, column);
    if (place !== undefined) return place;
  }
  return undefined;
}

/** The first of these lines with such a position, that position. */
export function firstPlace(lines: readonly string[], mark = /(?:)/): Place | undefined {
  for (const line of lines) {
    const place = mark.test(line) ? placeIn(line) : undefined;
    if (place !== undefined) return place;
  }
  return undefined;
}

/** A frame of a stack as JavaScript's runners print it. */
export const FRAME = /^\s*(?:# +)?(?:at\s|❯)/;

function toFile(path: string): string | undefined {
  const [address = ''] = path.split('?');
  const file = address
    .replace(/^file:\/\//, '')
    .replaceAll('\\', '/')
    .replace(/^(?:\.\/)+/, '');
  const isForeign =
    file === '' ||
    file.length > 500 ||
    /^(?:\/|[A-Za-z]:|~|node:)|[<>]/.test(file) ||
    file.split('/').includes('..') ||
    FOREIGN.test(file) ||
    !/[\p{L}\p{N}]/u.test(file);
  return isForeign ? undefined : file;
}

function toPosition(text: string | undefined): number | undefined {
  const value = Number(text ?? '');
  return Number.isSafeInteger(value) && value > 0 && value < 10_000_000 ? value : undefined;
}
