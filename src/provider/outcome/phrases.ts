/**
 * Patterns, of which any may match a text. A pair matches when `next` follows `first` within so many characters; one
 * expression for both would scan those characters again for each first word.
 */
export type Phrases = readonly (
  | RegExp
  | { readonly first: RegExp; readonly next: RegExp; readonly within: number }
)[];

/** The maximum number of matches of `first` that are tried. */
const MAX_FIRST_MATCHES = 50;

/** Whether a text matches any of these patterns. `first` of a pair must be global. */
export function matchesPhrase(text: string, phrases: Phrases): boolean {
  return phrases.some((each) => {
    if (each instanceof RegExp) return each.test(text);
    let left = MAX_FIRST_MATCHES;
    for (const { index, 0: found } of text.matchAll(each.first)) {
      const end = index + found.length;
      if (each.next.test(text.slice(end, end + each.within))) return true;
      if ((left -= 1) === 0) return false;
    }
    return false;
  });
}
