import type { Database } from '../../store/database/database.ts';
import { appendOutput, type OutputOf } from '../../store/runs/output.ts';
import type { LogSink } from '../../worker/unit-log.ts';

/** How long text is gathered before it is written, and how much of it is held at most. */
const FLUSH_MS = 200;
const MAX_PENDING_LENGTH = 1024 * 1024;

/** The log of a unit in the database. What comes faster than it can be written is left out, and that is said. */
export class OutputSink implements LogSink, AsyncDisposable {
  readonly #database: Database;
  readonly #of: OutputOf;
  #held: string[] = [];
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
    this.#held.push(text);
    this.#length += text.length;
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  [Symbol.dispose](): void {
    this.#flush();
  }

  /** Until everything is written. */
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
    if (this.#writing !== undefined || this.#held.length === 0) return;
    const missing = this.#lost > 0 ? `… ${this.#lost} characters came too fast to be kept\n` : '';
    const text = this.#held.join('') + missing;
    [this.#held, this.#length, this.#lost] = [[], 0, 0];
    this.#writing = appendOutput(this.#database, this.#of, text)
      .catch(() => {}) // no run ends for its log
      .finally(() => {
        this.#writing = undefined;
        if (this.#held.length > 0) this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
      });
  }
}
