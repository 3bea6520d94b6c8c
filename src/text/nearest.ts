import { distance } from 'fastest-levenshtein';

/**
 * The known word closest to `word`, for a "did you mean" hint; undefined when none is close. Close means one edit for
 * two to four letters, two for five to seven and so on, ignoring case; nothing is close to a single letter. Costs one
 * edit distance per known word of similar length.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  const allowed = Math.floor((wanted.length + 1) / 3);
  let best: string | undefined;
  let bestDistance = allowed + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - wanted.length) >= bestDistance) continue;
    const edits = distance(wanted, candidate.toLowerCase());
    if (edits < bestDistance) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
}

/** `did you mean \`x\`?`, or the whole list when nothing is close and the list is short. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const close = nearest(word, known);
  if (close !== undefined) return `did you mean \`${close}\`?`;
  return known.length > 0 && known.length <= 12 ? `one of: ${known.join(', ')}` : undefined;
}
