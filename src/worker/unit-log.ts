import { closeSync, openSync, writeSync } from 'node:fs';

/** A log that grows beyond this says so once and goes on in silence. Characters. */
const LIMIT = 32 * 1024 * 1024;
/** How much is held before it is written, where more comes in the same breath. Characters. */
const BATCH = 64 * 1024;

/** Where a log goes. What cannot be written is lost: no run ends for that. Neither may throw. */
export interface LogSink extends Disposable {
  /** Takes it over at once: whoever prints faster than it is taken would fill the memory. */
  readonly write: (text: string) => void;
}

/** A log in a file, added to what is there. Its directory must exist. */
export function openLogFile(path: string): LogSink {
  let file: number | undefined;
  const attempt = (action: () => void): void => {
    try {
      action();
    } catch {
      file = undefined;
    }
  };
  attempt(() => (file = openSync(path, 'a', 0o600)));
  return {
    write: (text) => {
      const open = file;
      if (open !== undefined) attempt(() => writeSync(open, text));
    },
    [Symbol.dispose]: () => {
      const open = file;
      file = undefined;
      if (open !== undefined) attempt(() => closeSync(open));
    },
  };
}

/** The story of one unit as text, for `choo logs`: what choo did, what agents said, what gates printed. */
export class UnitLog implements Disposable {
  readonly #sink: LogSink;
  readonly #redact: (text: string) => string;
  #length = 0;
  #full = false;
  #batch: string[] = [];
  #batchLength = 0;

  /** `redact` takes secrets out of everything that is written. */
  constructor(sink: LogSink, redact: (text: string) => string) {
    this.#sink = sink;
    this.#redact = redact;
  }

  /** A line by choo itself. */
  say(text: string): void {
    this.#write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
  }

  /** What somebody else printed, indented. */
  quote(text: string): void {
    if (text !== '') this.#write(`${text.trimEnd().replaceAll(/^/gm, '    | ')}\n`);
  }

  [Symbol.dispose](): void {
    this.#flush();
    this.#sink[Symbol.dispose]();
  }

  #write(text: string): void {
    if (this.#full) return;
    this.#length += text.length;
    this.#full = this.#length > LIMIT;
    this.#batch.push(this.#full ? '… the rest of this log is not kept\n' : this.#redact(text));
    if (this.#batch.length === 1) setImmediate(() => this.#flush());
    this.#batchLength += text.length;
    if (this.#batchLength > BATCH) this.#flush();
  }

  #flush(): void {
    const text = this.#batch.join('');
    [this.#batch, this.#batchLength] = [[], 0];
    if (text !== '') this.#sink.write(text);
  }
}
