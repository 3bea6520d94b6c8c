import { randomBytes } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { renderTerminalText } from '../ansi.ts';
import { SECURITY_HEADERS } from '../defence.ts';
import { EventStream } from '../live/event-stream.ts';
import { joinMessage, openMessageCache, runMessage, splitMessage, unitMessage } from '../live/messages.ts';
import { streamOutput, streamRun } from '../live/streams.ts';
import { axisOf } from '../pages/run-page.ts';
import type { Grant, Visitor } from '../visitor.ts';
import type { App, Room } from './env.ts';

/** Streams of one process, and of one visitor who signed in. */
const MAX_STREAMS = 500;
const MAX_OWN_STREAMS = 30;
/** The longest life of a stream; its browser opens the next one. Milliseconds. */
const STREAM_MS = 10 * 60_000;

/** The streams that keep pages up to date. */
export interface Streams extends Disposable {
  /** How many are open. */
  readonly count: () => number;
}

/**
 * Adds the streams to the routes. None lasts longer than what is known of its reader's access: the next one asks again. `onError`
 * gets what ends one too early.
 */
export function addStreams(app: App, { views }: Room, onError: (error: unknown) => void): Streams {
  const { source, pictures, now } = views;
  const messages = openMessageCache();
  // Readers of equal access share messages; each gets their own token instead of this.
  const anyToken = randomBytes(16).toString('base64url');
  const ending = new AbortController();
  const open = new Map<string, number>();
  const count = (): number => [...open.values()].reduce((sum, each) => sum + each, 0);

  /** Answers with a stream, which `act` fills until its signal aborts. */
  const openStream = async (
    { incoming, outgoing }: HttpBindings,
    { visitor, grant }: { readonly visitor: Visitor; readonly grant: Grant },
    act: (stream: EventStream, signal: AbortSignal) => Promise<void>,
  ): Promise<Response> => {
    const own = open.get(visitor.id) ?? 0;
    const isTooMuch = count() >= MAX_STREAMS || (visitor.login !== undefined && own >= MAX_OWN_STREAMS);
    if (isTooMuch)
      return new Response('too many pages are open\n', { status: 503, headers: { 'retry-after': '30' } });
    open.set(visitor.id, own + 1);
    try {
      incoming.socket.setNoDelay();
      using stream = new EventStream(outgoing, SECURITY_HEADERS);
      const life = AbortSignal.timeout(Math.max(0, Math.min(STREAM_MS, grant.until - now())));
      await act(stream, AbortSignal.any([stream.closed, ending.signal, life]));
    } catch (error) {
      onError(error);
      outgoing.destroy();
    } finally {
      const left = (open.get(visitor.id) ?? 1) - 1;
      if (left === 0) open.delete(visitor.id);
      else open.set(visitor.id, left);
    }
    return RESPONSE_ALREADY_SENT;
  };

  app.get('/runs/:run/stream', async (c) => {
    const { run } = c.req.param();
    const visitor = c.get('visitor');
    const { grant } = await views.run(visitor, run);
    const shared = { ...visitor, formToken: visitor.formToken && anyToken };
    const after = Number(
      /^\d{1,9}$/.exec(c.req.header('last-event-id') ?? c.req.query('after') ?? '')?.[0] ?? 0,
    );
    let axis = Number(c.req.query('axis')?.slice(0, 15) ?? 0);
    return openStream(c.env, { visitor, grant }, async (stream, signal) =>
      streamRun(
        stream,
        { run, after },
        {
          source,
          pictures,
          signal,
          messageOf: async (seen, cause) => {
            const isBeat = cause === 'beat';
            const view = await views.next(shared, { run, grant }, cause === 'news');
            const { seq } = view.picture.state;
            const { length, now: moment } = axisOf(view);
            const beat = isBeat ? Math.floor(moment / 1_000) : '';
            const key = [run, grant.access, seen, seq, axis, length, beat].join(' ');
            const made = messages.has(key) ? undefined : runMessage(view, { after: seen, axis, isBeat });
            const parts =
              messages.get(key) ?? (made === undefined ? undefined : splitMessage(made, anyToken));
            if (parts === undefined) return undefined;
            messages.set(key, parts);
            axis = length;
            return { seq, id: String(seq), body: joinMessage(parts, visitor.formToken) };
          },
        },
      ),
    );
  });

  app.get('/runs/:run/units/:unit/stream', async (c) => {
    const { run, unit } = c.req.param();
    const visitor = c.get('visitor');
    const { grant } = await views.unit(visitor, run, unit);
    const granted = { ...visitor, grantFor: async () => grant };
    const place = c.req.header('last-event-id') ?? c.req.query('after') ?? '';
    const [, after = '0', at = '0'] = /^(\d{1,9})-(\d{1,15})$/.exec(place) ?? [];
    const sent = new Map<string, string>();
    const ids = { seq: Number(after), cursor: Number(at) };
    const id = (): string => `${ids.seq}-${ids.cursor}`;
    return openStream(c.env, { visitor, grant }, async (stream, signal) => {
      const parts = streamRun(
        stream,
        { run, after: ids.seq },
        {
          source,
          pictures,
          signal,
          messageOf: async (seen, cause) => {
            const changed = pictures.seen(run)?.changed.get(unit) ?? Infinity;
            const isNothing = cause === 'beat' || (cause === 'news' && sent.size > 0 && changed <= seen);
            const json = isNothing ? undefined : unitMessage(await views.unit(granted, run, unit), sent);
            if (json === undefined) return undefined;
            ids.seq = Math.max(seen, pictures.seqOf(run));
            return { seq: ids.seq, id: id(), body: [json] };
          },
        },
      );
      if (grant.access !== 'push') return parts;
      const output = streamOutput(
        stream,
        { run, unit, after: ids.cursor },
        {
          source,
          signal,
          idOf: (cursor) => {
            ids.cursor = cursor;
            return id();
          },
          render: (text) => String(renderTerminalText(text)),
        },
      );
      await Promise.all([parts, output]);
    });
  });

  return { count, [Symbol.dispose]: () => ending.abort() };
}
