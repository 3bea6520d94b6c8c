import { join } from 'node:path';

/** What git stores of a file of Git LFS: which content it has. */
export interface Pointer {
  /** The SHA-256 of the content. */
  readonly oid: string;
  /** Bytes. */
  readonly size: number;
}

/** Larger ones are no pointers, to Git LFS either. Bytes. */
export const MAX_POINTER_BYTES = 1_024;

const FORM =
  /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:([0-9a-f]{64})\nsize (0|[1-9]\d{0,14})\n$/;

/** The pointer in a file, in the one form that Git LFS writes without extensions. Undefined: it is none. */
export function readPointer(content: Buffer): Pointer | undefined {
  if (content.length > MAX_POINTER_BYTES) return undefined;
  const [, oid, size] = FORM.exec(content.toString('latin1')) ?? [];
  return oid === undefined ? undefined : { oid, size: Number(size) };
}

export function pointerText({ oid, size }: Pointer): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${size}\n`;
}

/** Where a content is in a directory that Git LFS, or choo, keeps contents in. */
export function contentPath(directory: string, { oid }: Pick<Pointer, 'oid'>): string {
  return join(directory, oid.slice(0, 2), oid.slice(2, 4), oid);
}
