import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ChooError, messageOf } from '../../errors.ts';
import type { EventBody, RunEvent } from '../../events/event.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import { encodeEvents, EventReader } from './event-reader.ts';

/** Called after events were written and before `append` resolves. */
export type OnStored = (start: OrchStarted | undefined, events: readonly RunEvent[]) => Promise<void>;

interface Waiting {
  readonly expected: number;
  readonly events: readonly EventBody[];
  readonly done: PromiseWithResolvers<readonly RunEvent[]>;
}

/**
 * Appends to the events of one run. Each append is one write and one flush to disk; appends that come while the disk is busy
 * share the next write.
 */
export class RunWriter implements AsyncDisposable {
  readonly #path: string;
  readonly #reader: EventReader;
  readonly #handle: FileHandle;
  readonly #now: () => number;
  readonly #onStored: OnStored;
  #start: OrchStarted | undefined;
  /** The length of the file in bytes, and its last event, as far as this writer knows. */
  #size = 0;
  #last: Pick<RunEvent, 'seq' | 'at'> = { seq: 0, at: 0 };
  #waiting: Waiting[] = [];
  #busy: Promise<void> | undefined;
  /** When set, nothing is written any more: the content of the file is unknown. */
  #broken: unknown;

  private constructor(path: string, handle: FileHandle, now: () => number, onStored: OnStored) {
    this.#path = path;
    this.#reader = new EventReader(path);
    this.#handle = handle;
    this.#now = now;
    this.#onStored = onStored;
  }

  /** Opens or creates the event file of a run, and truncates an append that a crash left incomplete. */
  static async open(path: string, now: () => number, onStored: OnStored): Promise<RunWriter> {
    await makeDirectory(dirname(path));
    const handle = await open(path, 'a', 0o600);
    const writer = new RunWriter(path, handle, now, onStored);
    try {
      await syncDirectory(dirname(path));
      await writer.#catchUp();
      if ((await handle.stat()).size > writer.#size) await handle.truncate(writer.#size);
      return writer;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** See {@link EventLog}. */
  async append(expected: number, events: readonly EventBody[]): Promise<readonly RunEvent[]> {
    const done = Promise.withResolvers<readonly RunEvent[]>();
    this.#waiting.push({ expected, events, done });
    this.#busy ??= this.#work();
    return done.promise;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(group);
      } catch (error) {
        for (const { done } of group) done.reject(error);
      }
    }
    this.#busy = undefined;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    await this.#refuseOtherWriter();
    const accepted: { readonly waiting: Waiting; readonly events: readonly RunEvent[] }[] = [];
    let last = this.#last;
    for (const waiting of group) {
      if (waiting.expected !== last.seq) {
        waiting.done.reject(this.#conflict(`event ${last.seq}, not ${waiting.expected}`));
        continue;
      }
      const at = Math.max(last.at, this.#now()); // a clock that is set back must not make a duration negative
      const { seq } = last;
      const events = waiting.events.map((event, index) => ({ ...event, seq: seq + index + 1, at }));
      last = events.at(-1) ?? last;
      accepted.push({ waiting, events });
    }
    const added = accepted.flatMap(({ events }) => events);
    await this.#persist(Buffer.from(accepted.map(({ events }) => encodeEvents(events)).join('')));
    this.#last = last;
    this.#findStart(added);
    await this.#onStored(this.#start, added);
    for (const { waiting, events } of accepted) waiting.done.resolve(events);
  }

  async #persist(bytes: Buffer): Promise<void> {
    if (bytes.byteLength === 0) return;
    try {
      await this.#handle.appendFile(bytes);
      await this.#handle.datasync();
      this.#size += bytes.byteLength;
    } catch (error) {
      // Restore all-or-none; if that fails too, the writer refuses everything else.
      await this.#handle.truncate(this.#size).catch((reason: unknown) => void (this.#broken = reason));
      throw new ChooError('environment', `cannot write ${this.#path}`, {
        cause: error,
        hint: messageOf(error),
      });
    }
  }

  /** The lock excludes other writers; should there be one anyway, its events are not overwritten. */
  async #refuseOtherWriter(): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size === this.#size) return;
    await this.#catchUp();
    if (size > this.#size) throw this.#conflict('an incomplete event');
  }

  /** Reads what was appended to the file since. */
  async #catchUp(): Promise<void> {
    const events = await this.#reader.next();
    this.#findStart(events);
    this.#last = events.at(-1) ?? this.#last;
    this.#size = this.#reader.offset;
  }

  #findStart(events: readonly RunEvent[]): void {
    this.#start ??= events.find((event) => event.type === 'orch.started');
  }

  #conflict(found: string): ChooError {
    return new ChooError('conflict', `another process writes to this run: ${this.#path} ends with ${found}`, {
      hint: '`choo status` shows who is running',
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#busy;
    await this.#handle.close();
  }
}

/** Makes a directory and its missing parents, for this user only, durable against a power cut. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Flushes the names in a directory to disk. */
async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
