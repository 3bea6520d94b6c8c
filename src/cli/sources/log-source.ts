import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import type { Database } from '../../store/database/database.ts';
import type { Listener } from '../../store/database/notifications.ts';
import { type OutputOf, readOutput } from '../../store/runs/output.ts';
import { followFile } from '../../system/follow-file.ts';

/** What a unit printed, to be read as it grows. */
export interface LogSource {
  /** What it grew by since it was read last; undefined: there is no log. */
  readonly next: () => Promise<string | undefined>;
  /** Calls whenever it may have grown, until the signal. */
  readonly follow: (onGrowth: () => Promise<void>, signal: AbortSignal) => Promise<void>;
}

/** How much of a file is read at once. Bytes. */
const PART = 64 * 1024;

/** The log of a unit in a file. */
export class FileLog implements LogSource {
  readonly #path: string;
  readonly #below: string;
  readonly #decoder = new StringDecoder('utf8');
  #offset = 0;

  /** `below`: a directory that is there, whatever else is not yet. */
  constructor(path: string, below: string) {
    this.#path = path;
    this.#below = below;
  }

  async next(): Promise<string | undefined> {
    const file = await open(this.#path, 'r').catch(() => undefined);
    if (file === undefined) return undefined;
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(PART), { position: this.#offset });
      this.#offset += bytesRead;
      return this.#decoder.write(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  }

  async follow(onGrowth: () => Promise<void>, signal: AbortSignal): Promise<void> {
    await followFile({ path: this.#path, below: this.#below, signal }, onGrowth);
  }
}

/** Without a notice, a log is looked at so often. Milliseconds. */
const POLL_MS = 5_000;

/** The log of a unit in the database. */
export class TableLog implements LogSource {
  readonly #database: Database;
  readonly #listener: Listener;
  readonly #of: OutputOf;
  #piece = 0;
  #found = false;

  constructor(database: Database, listener: Listener, of: OutputOf) {
    this.#database = database;
    this.#listener = listener;
    this.#of = of;
  }

  async next(): Promise<string | undefined> {
    const pieces = await readOutput(this.#database, this.#of, this.#piece);
    this.#piece = pieces.at(-1)?.piece ?? this.#piece;
    this.#found ||= pieces.length > 0;
    if (!this.#found) return undefined;
    return pieces
      .map(({ missing, text }) => (missing > 0 ? `… ${missing} characters are not kept\n${text}` : text))
      .join('');
  }

  async follow(onGrowth: () => Promise<void>, signal: AbortSignal): Promise<void> {
    let news = Promise.withResolvers<void>();
    const { run, unit } = this.#of;
    this.#listener.subscribe((notice) => {
      if (notice.about === 'connected') news.resolve();
      if (notice.about === 'output' && notice.run === run && notice.unit === unit) news.resolve();
    }, signal);
    signal.addEventListener('abort', () => news.resolve(), { once: true });
    while (!signal.aborted) {
      await onGrowth();
      const timer = setTimeout(() => news.resolve(), POLL_MS);
      await news.promise;
      clearTimeout(timer);
      news = Promise.withResolvers();
    }
  }
}
