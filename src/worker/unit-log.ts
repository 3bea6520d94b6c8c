import { closeSync, openSync, writeSync } from 'node:fs';

/** Maximum length of a log; it ends with a notice. Characters. */
const LIMIT = 32 * 1024 * 1024;
/** Length of text that is gathered within one tick before it is written. Characters. */
const BATCH = 64 * 1024;

/** Destination of a log. Neither function may throw: a failed write loses text and must not end the run. */
export interface LogSink extends Disposable {
  /** Accepts text synchronously: waiting output would fill the memory. */
  readonly write: (text: string) => void;
}

/** Opens a log file for appending. Its directory must exist. */
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

/** The log of one unit, for `choo logs`: what choo did, what agents said, what gates printed. */
export class UnitLog implements Disposable {
  readonly #sink: LogSink;
  readonly #redact: (text: string) => string;
  #length = 0;
  #full = false;
  #batch: string[] = [];
  #batchLength = 0;

  /** `redact` is applied to everything that is written. */
  constructor(sink: LogSink, redact: (text: string) => string) {
    this.#sink = sink;
    this.#redact = redact;
  }

  /** A line by choo itself. What an agent named may be in it, and may hold line feeds: what follows one is quoted. */
  say(text: string): void {
    const [line, ...rest] = text.trimEnd().split(/[\r\n]+/);
    this.#write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
    this.quote(rest.join('\n'));
  }

  /** Output of agents and commands, indented. */
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
