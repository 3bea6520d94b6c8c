import { LRUCache } from 'lru-cache';
import { askGit } from '../git.ts';

interface Hunk {
  readonly header: string;
  readonly oldStart: number;
  readonly oldCount: number;
  readonly newStart: number;
  readonly newCount: number;
  readonly lines: readonly string[];
}

/** The part of a diff up to a line of a file's new side; undefined when the diff does not show that line. */
export async function hunkAt(
  bare: string,
  { from, to, path }: { readonly from: string; readonly to: string; readonly path: string },
  line: number,
): Promise<string | undefined> {
  for (const { header, newStart, lines } of await hunksOf(bare, { from, to, path }, 3)) {
    let at = newStart - 1;
    for (const [index, text] of lines.entries()) {
      if (!text.startsWith('-')) at += 1;
      if (at === line && !text.startsWith('-')) return [header, ...lines.slice(0, index + 1)].join('\n');
    }
  }
  return undefined;
}

/** Whether a diff shows a file. */
export async function isInDiff(
  bare: string,
  of: { readonly from: string; readonly to: string; readonly path: string },
): Promise<boolean> {
  return (await hunksOf(bare, of, 3)).length > 0;
}

/** Where a line of one commit is in another; undefined when it changed on the way. */
export async function followLine(
  bare: string,
  of: { readonly from: string; readonly to: string; readonly path: string },
  line: number,
): Promise<number | undefined> {
  let moved = 0;
  for (const { oldStart, oldCount, newCount } of await hunksOf(bare, of, 0)) {
    const first = oldCount === 0 ? oldStart + 1 : oldStart;
    if (line < first) break;
    if (line < first + oldCount) return undefined;
    moved += newCount - oldCount;
  }
  return line + moved;
}

/** Of two commits, which stay what they are: hundreds of threads may be on one file. */
const known = new LRUCache<string, Promise<readonly Hunk[]>>({ max: 1_000 });

async function hunksOf(
  bare: string,
  of: { readonly from: string; readonly to: string; readonly path: string },
  context: number,
): Promise<readonly Hunk[]> {
  const key = JSON.stringify([bare, of.from, of.to, of.path, context]);
  const found = known.get(key) ?? readHunks(bare, of, context);
  known.set(key, found);
  return found;
}

async function readHunks(
  bare: string,
  { from, to, path }: { readonly from: string; readonly to: string; readonly path: string },
  context: number,
): Promise<readonly Hunk[]> {
  const diff = (await askGit(bare, ['diff', `-U${context}`, '--no-color', from, to, '--', path])) ?? '';
  const hunks: (Omit<Hunk, 'lines'> & { lines: string[] })[] = [];
  for (const line of diff.split('\n')) {
    const match = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (match !== null) {
      const [oldStart = 0, oldCount = 1, newStart = 0, newCount = 1] = match
        .slice(1)
        .map((each: string | undefined) => (each === undefined ? undefined : Number(each)));
      hunks.push({ header: line, oldStart, oldCount, newStart, newCount, lines: [] });
    } else if (/^[-+ ]/.test(line)) hunks.at(-1)?.lines.push(line);
  }
  return hunks;
}
