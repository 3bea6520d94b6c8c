import { open } from 'node:fs/promises';
import { ChooError } from '../../errors.ts';
import { parseEvent, type RunEvent } from '../../events/event.ts';
import { isMissing } from '../../system/files.ts';

const LINE_FEED = 0x0a;

/**
 * Encodes events as lines, in the order of their numbers. One append is atomic: each line but the last has `more`, and a
 * reader waits for the rest.
 */
export function encodeEvents(events: readonly RunEvent[]): string {
  return events
    .map(({ seq, at, ...body }, index) => {
      const more = index < events.length - 1 ? { more: true } : {};
      return `${JSON.stringify({ seq, at, ...more, ...body })}\n`;
    })
    .join('');
}

/** When a run began, from the first bytes of its file. Milliseconds since 1970; undefined: not an event file. */
export function startTime(head: string): number | undefined {
  const digits = /^\{"seq":1,"at":([0-9.]+)/.exec(head)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Reads a file of events incrementally. Does not keep it open. */
export class EventReader {
  readonly #path: string;
  /** Events up to this number are skipped without parsing. */
  readonly #after: number;
  #offset = 0;
  #seq = 0;

  constructor(path: string, after = 0) {
    this.#path = path;
    this.#after = after;
  }

  /** The end of the last complete append, in bytes; what follows is torn, or still being written. */
  get offset(): number {
    return this.#offset;
  }

  /** The number of the last event read. Event `n` is line `n`. */
  get seq(): number {
    return this.#seq;
  }

  /**
   * The events since the last call, without an append that is not complete yet. Throws a ChooError (`environment`) that names
   * file and line when a whole line is no event: the file was edited, or the disk lost a part of it.
   */
  async next(): Promise<readonly RunEvent[]> {
    const begin = this.#offset;
    const bytes = await readFrom(this.#path, begin);
    const events: RunEvent[] = [];
    let together: RunEvent[] = [];
    let [start, line] = [0, this.#seq];
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      line += 1;
      if (line > this.#after) {
        const { event, more } = decodeLine(bytes.toString('utf8', start, end));
        if (event?.seq !== line) throw this.#broken(line);
        together.push(event);
        start = end + 1;
        if (more) continue;
      } else {
        start = end + 1;
      }
      for (const event of together) events.push(event);
      together = [];
      this.#seq = line;
      this.#offset = begin + start;
    }
    return events;
  }

  #broken(line: number): ChooError {
    return new ChooError('environment', `${this.#path}:${line} is not event ${line} of a run`, {
      hint: 'the file was changed or damaged; restore it, or move its directory away to start over',
    });
  }
}

interface Line {
  readonly event?: RunEvent | undefined;
  /** The next line belongs to the same append. */
  readonly more: boolean;
}

function decodeLine(text: string): Line {
  try {
    const value: unknown = JSON.parse(text);
    const more = typeof value === 'object' && value !== null && 'more' in value && value.more === true;
    return { event: parseEvent(value), more };
  } catch {
    return { more: false };
  }
}

/** The bytes of a file from an offset to its end; none when the file does not exist. */
async function readFrom(path: string, offset: number): Promise<Buffer> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  }
  try {
    const { size } = await handle.stat();
    if (size <= offset) return Buffer.alloc(0);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - offset), { position: offset });
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
