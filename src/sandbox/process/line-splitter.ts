/** Splits a text that arrives in pieces into lines. */
export interface LineSplitter {
  push(text: string): void;
  /** Ends the text: passes on an unfinished last line, if any. */
  end(): void;
}

/**
 * Calls `onLine` with each line, without its line end (`\n` or `\r\n`). Cuts lines at `maxLength` characters, so that a
 * text without line ends cannot fill the memory.
 */
export function lineSplitter(onLine: (line: string) => void, maxLength: number): LineSplitter {
  let pieces: string[] = [];
  let length = 0;
  const add = (piece: string): void => {
    if (piece === '') return;
    const kept = piece.slice(0, Math.max(0, maxLength + 1 - length)); // one more: it may be the \r of the line end
    if (kept !== '') pieces.push(kept);
    length += piece.length;
  };
  const finish = (): void => {
    const line = pieces.join('');
    const cut = length <= maxLength + 1 && line.endsWith('\r') ? line.slice(0, -1) : line.slice(0, maxLength);
    pieces = [];
    length = 0;
    onLine(cut);
  };
  return {
    push(text) {
      let start = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        add(text.slice(start, end));
        start = end + 1;
        finish();
      }
      add(text.slice(start));
    },
    end() {
      if (length > 0) finish();
    },
  };
}
