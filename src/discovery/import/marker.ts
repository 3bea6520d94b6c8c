import { createHash } from 'node:crypto';

/** What a file says of where it was imported from, in a comment of its front matter. */
export interface Marker {
  /** The hash of what was imported, without progress; see {@link hashOf}. */
  readonly of: string;
  /** The git id of the task list as it was then. */
  readonly blob: string;
  /** The path of the task list from the project directory. */
  readonly from: string;
  /** The number of the task, or its title; empty: the file is the plan of a unit. */
  readonly task: string;
  /** Whether its box was ticked then. */
  readonly done: boolean;
}

/** A text without its marker, and the marker. */
export interface Marked {
  readonly text: string;
  readonly marker: Marker;
}

const PREFIX = '# choo import: ';
const FENCE = '---';
/** A line in which choo records progress, which is no part of what was imported. */
const PROGRESS = /^(?:status|orch_[a-z_]*):/;

/** Writes a marker into the first line of a front matter. */
export function mark({ text, marker }: Marked): string {
  const json = JSON.stringify(marker).replaceAll(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return text.replace(/^---\r?\n/, (open) => `${open}${PREFIX}${json}\n`);
}

/** Reads a marker; undefined where there is none that choo wrote. */
export function unmark(marked: string): Marked | undefined {
  const lines = marked.split('\n');
  const end = endOf(lines);
  const at = lines.findIndex((line, index) => index < end && line.startsWith(PREFIX));
  if (at === -1) return undefined;
  const marker = readMarker(lines[at] ?? '');
  return marker && { marker, text: lines.toSpliced(at, 1).join('\n') };
}

function readMarker(line: string): Marker | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line.slice(PREFIX.length));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { of, blob, from, task, done } = value as Partial<Record<keyof Marker, unknown>>;
  const isMarker =
    [of, blob].every((id) => typeof id === 'string' && /^[0-9a-f]{16,64}$/.test(id)) &&
    typeof from === 'string' &&
    typeof task === 'string' &&
    typeof done === 'boolean';
  return isMarker ? { of: String(of), blob: String(blob), from, task, done } : undefined;
}

/** The line that closes a front matter; -1: none does. */
function endOf(lines: readonly string[]): number {
  if (lines[0]?.trimEnd() !== FENCE) return -1;
  return lines.findIndex((line, index) => index > 0 && line.trimEnd() === FENCE);
}

/** What identifies an imported text, whatever its progress. */
export function hashOf(text: string): string {
  return createHash('sha256').update(withoutProgress(text)).digest('hex').slice(0, 16);
}

function withoutProgress(text: string): string {
  const lines = text.split('\n');
  const end = endOf(lines);
  return lines.filter((line, index) => index > end || !PROGRESS.test(line)).join('\n');
}

/** The lines of progress in a front matter. */
export function progressOf(text: string): readonly string[] {
  const lines = text.split('\n');
  return lines.slice(0, Math.max(0, endOf(lines))).filter((line) => PROGRESS.test(line));
}

/** A text with other lines of progress. */
export function withProgress(text: string, progress: readonly string[]): string {
  const lines = withoutProgress(text).split('\n');
  const at = Math.min(2, Math.max(1, endOf(lines)));
  return lines.toSpliced(at, 0, ...progress).join('\n');
}

/** The git id of a file, as `git hash-object` gives it in a repository of SHA-1. */
export function blobId(content: Uint8Array): string {
  return createHash('sha1').update(`blob ${content.byteLength}\0`).update(content).digest('hex');
}
