import type { DashboardSource } from '../source.ts';
import type { EventStream, MessageBody } from './event-stream.ts';
import { News } from './news.ts';
import type { RunPictures } from './run-pictures.ts';

/** A stream without news sends a sign of life so often. Bars of running units grow then. Milliseconds. */
const BEAT_MS = 5_000;
/** The shortest time between two parts of output. Milliseconds. */
const OUTPUT_MS = 250;
/** One part of output. A reader that is further behind than the second skips to the end. Characters or bytes. */
const OUTPUT_PART = 16 * 1024;
const OUTPUT_BEHIND = 128 * 1024;

/** Why a message is made: something happened, only time went by, or the stream ends. */
export type Cause = 'news' | 'beat' | 'end';

/** How a stream ends by itself, and what it reads. */
export interface StreamServices {
  readonly source: DashboardSource;
  readonly pictures: RunPictures;
  /** Aborted when the stream has to end: its reader has gone, its time is up, or the server stops. */
  readonly signal: AbortSignal;
}

/**
 * Streams what changed in a run after an event, until the signal. `messageOf` makes the message for a reader who has
 * seen the events up to a number, `cause`: what it is asked for.
 */
export async function streamRun(
  stream: EventStream,
  { run, after }: { readonly run: string; readonly after: number },
  {
    pictures,
    signal,
    messageOf,
  }: StreamServices & {
    readonly messageOf: (
      after: number,
      cause: Cause,
    ) => Promise<{ readonly seq: number; readonly id: string; readonly body: MessageBody } | undefined>;
  },
): Promise<void> {
  const news = new News();
  let seen = after;
  news.tell(); // what came since the page was made
  pictures.watch(run, news.tell, signal);
  for (let isLast = false; !isLast;) {
    isLast = signal.aborted; // one more look, so that nothing is left out that came before the end
    const isBeat = !(await news.wait(BEAT_MS, signal));
    if (stream.closed.aborted) return;
    const message = await messageOf(seen, signal.aborted ? 'end' : isBeat ? 'beat' : 'news');
    if (message === undefined) await stream.keepAlive();
    else {
      seen = message.seq;
      await stream.send({ event: 'parts', id: message.id, body: message.body });
    }
  }
}

/**
 * Streams the output of a unit after a cursor, until the signal: parts of whole lines as they are stored, at most four a second.
 * `render` makes HTML of one.
 */
export async function streamOutput(
  stream: EventStream,
  { run, unit, after }: { readonly run: string; readonly unit: string; readonly after: number },
  {
    source,
    signal,
    idOf,
    render,
  }: Pick<StreamServices, 'source' | 'signal'> & {
    /** The id of a message after which the stream goes on at a cursor. */
    readonly idOf: (cursor: number) => string;
    readonly render: (text: string) => string;
  },
): Promise<void> {
  const news = new News();
  const of = { run, unit };
  let cursor = after;
  news.tell();
  const following = source.followOutput(of, news.tell, signal);
  const reading = async (): Promise<void> => {
    while (!signal.aborted) {
      if (!(await news.wait(BEAT_MS, signal)) || signal.aborted) continue;
      const part = await nextPart(source, of, cursor);
      if (part === undefined || part.cursor === cursor) continue;
      cursor = part.cursor;
      news.tell(); // there may be more
      await stream.send({
        event: 'output',
        id: idOf(cursor),
        body: [JSON.stringify({ html: render(part.text) })],
      });
      await new News().wait(OUTPUT_MS, signal);
    }
  };
  await Promise.all([following, reading()]);
}

async function nextPart(
  source: DashboardSource,
  of: { readonly run: string; readonly unit: string },
  cursor: number,
): Promise<{ readonly text: string; readonly cursor: number } | undefined> {
  const part = await source.readOutput(of, cursor, OUTPUT_BEHIND);
  if (part === undefined || part.text.length < OUTPUT_BEHIND / 2) return part;
  const end = await source.tailOutput(of, OUTPUT_PART);
  // One piece of the store can be longer than what is sent at once.
  if (end === undefined || (end.cursor <= part.cursor && part.text.length <= OUTPUT_BEHIND)) return part;
  return { cursor: end.cursor, text: `… some output is left out here\n${end.text}` };
}
