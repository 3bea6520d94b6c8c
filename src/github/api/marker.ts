import { createHash } from 'node:crypto';

/** Kinds of the hidden markers by which choo finds its posts again. */
export type MarkerKind = 'review' | 'plan' | 'run' | 'end' | 'answer' | 'unit' | 'configuration';

/**
 * A hidden marker. It counts only at the very end of a text by choo's own App; foreign text comes before it. Characters that
 * could end it early or imitate another one are escaped.
 */
export function marker(kind: MarkerKind, key: string): string {
  const safe = encodeURIComponent(key.toWellFormed()).replaceAll('-', '%2D');
  return `<!-- choo:${kind} ${safe.length <= MAX_PLAIN_LENGTH ? safe : shortened(safe)} -->`;
}

/** Maximum length of a key that is shown whole. Characters. */
const MAX_PLAIN_LENGTH = 500;

/** The key's beginning, and a hash that makes it unique. */
function shortened(key: string): string {
  return `${key.slice(0, 200)}~${createHash('sha256').update(key).digest('hex')}`;
}
