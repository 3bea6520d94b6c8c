import type { Database } from '../../store/database/database.ts';
import { appendOutput, type OutputOf } from '../../store/runs/output.ts';
import type { LogSink } from '../../worker/unit-log.ts';

/** How long text is gathered before it is written: four times a second (milliseconds), and the most that is held (characters). */
const FLUSH_MS = 250;
const MAX_PENDING_LENGTH = 1024 * 1024;

/** A unit's log in the database. Output that comes faster than it can be written is dropped, with a notice. */
export class OutputSink implements LogSink, AsyncDisposable {
  readonly #database: Database;
  readonly #of: OutputOf;
  #pending: string[] = [];
  #length = 0;
  #lost = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: Database, of: OutputOf) {
    this.#database = database;
    this.#of = of;
  }

  write(text: string): void {
    if (this.#length + text.length > MAX_PENDING_LENGTH) {
      this.#lost += text.length;
      return;
    }
    this.#pending.push(text);
    this.#length += text.length;
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  [Symbol.dispose](): void {
    this.#flush();
  }

  /** Resolves when everything is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    while (this.#writing !== undefined) {
      await this.#writing;
      this.#flush();
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#pending.length === 0) return;
    const missing = this.#lost > 0 ? `… ${this.#lost} characters came too fast to be kept\n` : '';
    const text = this.#pending.join('') + missing;
    [this.#pending, this.#length, this.#lost] = [[], 0, 0];
    this.#writing = appendOutput(this.#database, this.#of, text)
      .catch(() => {}) // a lost log must not end a run
      .finally(() => {
        this.#writing = undefined;
        if (this.#pending.length > 0) this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
      });
  }
}
