import type { ProblemCode } from '../problems/codes.ts';
import { FILE_START, type Problem } from '../problems/problem.ts';
import { MAX_ENTRIES } from './tree.ts';

/** The size of a whole tree. A tree beyond a limit is refused as a whole, with one error. */
interface TreeSize {
  /** Files in the directories that may be units. */
  readonly files: number;
  /** Bytes of the files that are read. */
  readonly bytes: number;
  /** Bytes of front matter in them. */
  readonly frontMatter: number;
  /** Characters of front matter that needed the YAML parser. */
  readonly yaml: number;
  /** Fields and list items, which stay in memory and are checked. */
  readonly items: number;
}

const MEBIBYTE = 1024 * 1024;

/** The most that the YAML parser reads for one tree; see {@link TreeSize}. UTF-16 code units. */
export const MAX_YAML = MEBIBYTE;

/** The most Markdown of one tree that is looked through for hidden text. UTF-16 code units. */
export const MAX_MARKDOWN = 4 * MEBIBYTE;

const LIMITS: Readonly<Record<keyof TreeSize, readonly [limit: number, code: ProblemCode, what: string]>> = {
  files: [MAX_ENTRIES, 'tree-too-many-files', `more than ${MAX_ENTRIES} files`],
  bytes: [64 * MEBIBYTE, 'tree-too-large', 'more than 64 MiB of spec files'],
  frontMatter: [8 * MEBIBYTE, 'tree-too-much-front-matter', 'more than 8 MiB of front matter'],
  yaml: [MAX_YAML, 'tree-too-much-yaml', 'more than 1 MiB of front matter that is not made of plain lines'],
  items: [200_000, 'tree-too-many-items', 'more than 200000 fields and list items'],
};

/** Reports the first limit that a tree exceeds, as far as its size is known. */
export function findExcess(root: string, size: Partial<TreeSize>): Problem | undefined {
  for (const [name, [limit, code, what]] of Object.entries(LIMITS)) {
    const got = size[name as keyof TreeSize] ?? 0;
    if (got <= limit) continue;
    const hint = 'nothing of it was used; keep only spec files in the tree, or split it';
    const message = `the spec tree holds ${what}`;
    return { severity: 'error', code, message, file: root, ...FILE_START, got: String(got), hint };
  }
  return undefined;
}

/** The bytes of a file up to the line that closes the front matter; 0 if it is not closed. */
export function frontMatterBytes(content: Uint8Array | undefined): number {
  if (content === undefined) return 0;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return Math.max(0, bytes.indexOf('\n---', 3));
}
