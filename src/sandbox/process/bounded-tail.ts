/** The last characters of a text that comes in pieces. However long the text, it holds little more than `limit`. */
export interface BoundedTail {
  push(text: string): void;
  text(): string;
}

export function boundedTail(limit: number): BoundedTail {
  let pieces: string[] = [];
  let length = 0;
  /** One piece instead of many, and nothing of what is no longer in reach: a slice alone would keep its whole string. */
  const compact = (): string => {
    const kept = pieces.join('').slice(-limit);
    const first = kept.charCodeAt(0);
    return first >= 0xdc00 && first <= 0xdfff && length > limit ? kept.slice(1) : kept; // half a character
  };
  return {
    push(text) {
      if (text === '') return;
      pieces.push(text.length > limit ? text.slice(-limit) : text);
      length += text.length;
      if (length < 2 * limit && pieces.length < 1_000) return;
      const kept = compact();
      pieces = [Buffer.from(kept, 'utf16le').toString('utf16le')];
      length = kept.length;
    },
    text: compact,
  };
}
