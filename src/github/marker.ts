/** What choo hides at the end of what it writes, so that it finds it again. */
export type MarkerKind = 'plan' | 'run' | 'end' | 'answer' | 'unit' | 'configuration';

/**
 * A hidden mark. It counts only at the very end of a text that choo's own App wrote: text from elsewhere comes before it.
 * What could end it early, or look like another one, is spelled out.
 */
export function marker(kind: MarkerKind, key: string): string {
  const safe = encodeURIComponent(key).replaceAll('-', '%2D').slice(0, 500);
  return `<!-- choo:${kind} ${safe} -->`;
}
