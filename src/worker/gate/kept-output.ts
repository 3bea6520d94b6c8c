/** How much is kept of each end of an output. UTF-16 code units. */
const LENGTH = 128 * 1024;

/**
 * Keeps the beginning and the end of an output that arrives in pieces: the first failure is often far from the end. At most
 * three times {@link LENGTH} in memory.
 */
export function keepEnds(): { readonly push: (text: string) => void; readonly text: () => string } {
  let head: string[] = [];
  let headLength = 0;
  let tail = '';
  let isCut = false;
  return {
    push: (text) => {
      const more = text.slice(0, LENGTH - headLength);
      if (more !== '') head.push(more);
      headLength += more.length;
      if (head.length > 1_000) head = [head.join('')];
      tail += text.slice(more.length);
      if (tail.length <= 2 * LENGTH) return;
      isCut = true;
      tail = tail.slice(-LENGTH);
    },
    // Whole lines, where something is left out between the two.
    text: () => `${head.join('')}${isCut ? `\n${tail.slice(tail.indexOf('\n') + 1)}` : tail}`,
  };
}
