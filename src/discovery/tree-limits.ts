import type { ProblemCode } from '../problems/codes.ts';
import { FILE_START, type Problem } from '../problems/problem.ts';
import { MAX_ENTRIES } from './tree.ts';

/** What a tree costs to keep and to check, in all; beyond a limit it is refused whole, with one error. */
interface TreeSize {
  /** Files in the directories that may be units. */
  readonly files: number;
  /** Bytes of the files that are read. */
  readonly bytes: number;
  /** Bytes of front matter in them. */
  readonly frontMatter: number;
  /** Characters that the YAML parser was given for them. */
  readonly yaml: number;
  /** Fields and list items: what is kept of front matter, and what the checks walk. */
  readonly items: number;
}

const MEBIBYTE = 1024 * 1024;

/** How much the YAML parser is given for one tree; see {@link TreeSize}. */
export const MAX_YAML = MEBIBYTE;

const LIMITS: Readonly<Record<keyof TreeSize, readonly [limit: number, code: ProblemCode, what: string]>> = {
  files: [MAX_ENTRIES, 'tree-too-many-files', `more than ${MAX_ENTRIES} files`],
  bytes: [64 * MEBIBYTE, 'tree-too-large', 'more than 64 MiB of spec files'],
  frontMatter: [8 * MEBIBYTE, 'tree-too-much-front-matter', 'more than 8 MiB of front matter'],
  yaml: [MAX_YAML, 'tree-too-much-yaml', 'more than 1 MiB of front matter that is not made of plain lines'],
  items: [200_000, 'tree-too-many-items', 'more than 200000 fields and list items'],
};

/** The first limit that a tree exceeds, as far as its size is known, as the one problem of the tree. */
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

/** How much of a file a parser will see: up to the line that closes the front matter, or nothing if none does. */
export function frontMatterBytes(content: Uint8Array | undefined): number {
  if (content === undefined) return 0;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return Math.max(0, bytes.indexOf('\n---', 3));
}
