/**
 * Words that a text is looked through for: any of these. A pair: one soon after the other, `within` so many characters; as
 * one expression, it would look at each of them again for each first word.
 */
export type Words = readonly (
  | RegExp
  | { readonly first: RegExp; readonly next: RegExp; readonly within: number }
)[];

/** How many first words of a pair are looked at. */
const MOST_FIRST = 50;

/** Whether a text says any of these words. `first` of a pair must be global. */
export function says(text: string, words: Words): boolean {
  return words.some((each) => {
    if (each instanceof RegExp) return each.test(text);
    let left = MOST_FIRST;
    for (const { index, 0: found } of text.matchAll(each.first)) {
      const end = index + found.length;
      if (each.next.test(text.slice(end, end + each.within))) return true;
      if ((left -= 1) === 0) return false;
    }
    return false;
  });
}
