/** Keeps the last `limit` characters of a text that arrives in pieces. Holds at most about twice that in memory. */
export interface BoundedTail {
  push(text: string): void;
  text(): string;
}

export function boundedTail(limit: number): BoundedTail {
  let pieces: string[] = [];
  let length = 0;
  /** Joins the pieces and cuts them to `limit`, without splitting a surrogate pair. */
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
      pieces = [Buffer.from(kept, 'utf16le').toString('utf16le')]; // a copy: a slice would retain its whole string
      length = kept.length;
    },
    text: compact,
  };
}
