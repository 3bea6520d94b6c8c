import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';

/** A log that grows beyond this says so once and goes on in silence. Characters. */
const LIMIT = 32 * 1024 * 1024;

/** The story of one unit as text, for `choo logs`: what choo did, what agents said, what gates printed. */
export class UnitLog implements AsyncDisposable {
  readonly #stream: WriteStream;
  readonly #redact: (text: string) => string;
  #length = 0;
  #full = false;

  /** Appends to a file whose directory exists. `redact` takes secrets out of everything that is written. */
  constructor(path: string, redact: (text: string) => string) {
    this.#stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
    this.#stream.on('error', () => {}); // a full disk must not end a run that could go on
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.end();
    if (!this.#stream.closed && !this.#stream.destroyed) await once(this.#stream, 'close').catch(() => {});
  }

  #write(text: string): void {
    if (this.#full) return;
    this.#length += text.length;
    this.#full = this.#length > LIMIT;
    this.#stream.write(this.#full ? '… the rest of this log is not kept\n' : this.#redact(text));
  }
}
