import { closeSync, openSync, writeSync } from 'node:fs';

/** A log that grows beyond this says so once and goes on in silence. Characters. */
const LIMIT = 32 * 1024 * 1024;
/** How much is held before it is written, where more comes in the same breath. Characters. */
const BATCH = 64 * 1024;

/** The story of one unit as text, for `choo logs`: what choo did, what agents said, what gates printed. */
export class UnitLog implements Disposable {
  readonly #redact: (text: string) => string;
  /** Undefined: it cannot be written, which must not end a run that could go on. */
  #file: number | undefined;
  #length = 0;
  #full = false;
  #batch: string[] = [];
  #batchLength = 0;

  /** Appends to a file whose directory exists. `redact` takes secrets out of everything that is written. */
  constructor(path: string, redact: (text: string) => string) {
    this.#redact = redact;
    this.#attempt(() => (this.#file = openSync(path, 'a', 0o600)));
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
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) this.#attempt(() => closeSync(file));
  }

  #write(text: string): void {
    if (this.#full || this.#file === undefined) return;
    this.#length += text.length;
    this.#full = this.#length > LIMIT;
    this.#batch.push(this.#full ? '… the rest of this log is not kept\n' : this.#redact(text));
    if (this.#batch.length === 1) setImmediate(() => this.#flush());
    this.#batchLength += text.length;
    if (this.#batchLength > BATCH) this.#flush();
  }

  /** At once: an agent that prints faster than the disk takes it would fill the memory. */
  #flush(): void {
    const text = this.#batch.join('');
    [this.#batch, this.#batchLength] = [[], 0];
    const file = this.#file;
    if (text !== '' && file !== undefined) this.#attempt(() => writeSync(file, text));
  }

  #attempt(action: () => unknown): void {
    try {
      action();
    } catch {
      this.#file = undefined;
    }
  }
}
