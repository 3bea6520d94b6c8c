import { createHash } from 'node:crypto';

/** What choo hides at the end of what it writes, so that it finds it again. */
export type MarkerKind = 'plan' | 'run' | 'end' | 'answer' | 'unit' | 'configuration';

/**
 * A hidden mark. It counts only at the very end of a text that choo's own App wrote: text from elsewhere comes before it.
 * What could end it early, or look like another one, is spelled out.
 */
export function marker(kind: MarkerKind, key: string): string {
  const safe = encodeURIComponent(key.toWellFormed()).replaceAll('-', '%2D');
  return `<!-- choo:${kind} ${safe.length <= MAX_PLAIN_LENGTH ? safe : shortened(safe)} -->`;
}

/** The longest key that is shown whole. Characters. */
const MAX_PLAIN_LENGTH = 500;

/** Its beginning, and what tells it from every other one that begins so. */
function shortened(key: string): string {
  return `${key.slice(0, 200)}~${createHash('sha256').update(key).digest('hex')}`;
}
