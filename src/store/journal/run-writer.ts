import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ChooError, messageOf } from '../../errors.ts';
import type { EventBody, RunEvent } from '../../events/event.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import { encodeEvents, EventReader } from './event-reader.ts';

/** What a writer tells before it says that events are stored. */
export type OnStored = (start: OrchStarted | undefined, events: readonly RunEvent[]) => Promise<void>;

interface Waiting {
  readonly expected: number;
  readonly events: readonly EventBody[];
  readonly done: PromiseWithResolvers<readonly RunEvent[]>;
}

/**
 * Adds to the events of one run. Each append is one write and one flush to the disk; those that come while the disk is
 * busy share the next one.
 */
export class RunWriter implements AsyncDisposable {
  readonly #path: string;
  readonly #reader: EventReader;
  readonly #handle: FileHandle;
  readonly #now: () => number;
  readonly #onStored: OnStored;
  #start: OrchStarted | undefined;
  /** Where the file ends, and with which event, as far as this writer knows. */
  #size = 0;
  #last: Pick<RunEvent, 'seq' | 'at'> = { seq: 0, at: 0 };
  #waiting: Waiting[] = [];
  #busy: Promise<void> | undefined;
  /** After this nothing is written any more: what is on the disk is not known. */
  #broken: unknown;

  private constructor(path: string, handle: FileHandle, now: () => number, onStored: OnStored) {
    this.#path = path;
    this.#reader = new EventReader(path);
    this.#handle = handle;
    this.#now = now;
    this.#onStored = onStored;
  }

  /** Opens the events of a run, making them where there are none, and cuts off what a crash left half written. */
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

  /** See the port. */
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
    await this.#lookForOthers();
    const accepted: { readonly waiting: Waiting; readonly events: readonly RunEvent[] }[] = [];
    let last = this.#last;
    for (const waiting of group) {
      if (waiting.expected !== last.seq) {
        waiting.done.reject(this.#conflict(`event ${last.seq}, not ${waiting.expected}`));
        continue;
      }
      const at = Math.max(last.at, this.#now()); // a clock that is set back makes nothing last less than no time
      const { seq } = last;
      const events = waiting.events.map((event, index) => ({ ...event, seq: seq + index + 1, at }));
      last = events.at(-1) ?? last;
      accepted.push({ waiting, events });
    }
    const added = accepted.flatMap(({ events }) => events);
    await this.#persist(Buffer.from(accepted.map(({ events }) => encodeEvents(events)).join('')));
    this.#last = last;
    this.#noteStart(added);
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
      // All or none: where not even that can be had, nothing more is built on it.
      await this.#handle.truncate(this.#size).catch((reason: unknown) => void (this.#broken = reason));
      throw new ChooError('environment', `cannot write ${this.#path}`, {
        cause: error,
        hint: messageOf(error),
      });
    }
  }

  /** Another process that adds to the run is a fault of whoever let it; at least its events are not written over. */
  async #lookForOthers(): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size === this.#size) return;
    await this.#catchUp();
    if (size > this.#size) throw this.#conflict('an event that is only half there');
  }

  /** Takes over what is in the file by now. */
  async #catchUp(): Promise<void> {
    const events = await this.#reader.next();
    this.#noteStart(events);
    this.#last = events.at(-1) ?? this.#last;
    this.#size = this.#reader.offset;
  }

  #noteStart(events: readonly RunEvent[]): void {
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

/** Makes a directory and what is above it, for this user alone, so that it is still there after a power cut. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Makes sure that the names in a directory are on the disk. */
async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
