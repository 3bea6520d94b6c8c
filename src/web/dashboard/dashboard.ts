import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { compress } from 'hono/compress';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ChooError, coerceError } from '../../errors.ts';
import { renderTerminalText } from './ansi.ts';
import { ASSETS, readAsset } from './assets.ts';
import { isAllowedHost, isSameOrigin, SECURITY_HEADERS } from './defence.ts';
import { EventStream } from './live/event-stream.ts';
import { openMessageCache, runMessage, unitMessage } from './live/messages.ts';
import { RunPictures } from './live/run-pictures.ts';
import { streamOutput, streamRun } from './live/streams.ts';
import { html } from './markup.ts';
import { renderInbox } from './pages/inbox-page.ts';
import { type PageContext, type PageParts, renderPage } from './pages/layout.ts';
import { axisOf, renderRun, type RunView } from './pages/run-page.ts';
import { renderPatch, renderUnit, type UnitView } from './pages/unit-page.ts';
import type { ChangeRequest, DashboardSource } from './source.ts';

/** Runs that the first page looks at. */
const MAX_RUNS = 30;
/** Streams of one process. */
const MAX_STREAMS = 500;
/** The longest life of a stream; its browser opens the next one. Milliseconds. */
const STREAM_MS = 10 * 60_000;
/** The end of a unit's output that its page shows, and a part of the whole. Characters or bytes. */
const TAIL = 48 * 1024;
const PART = 256 * 1024;
/** The longest patch. Characters. */
const MAX_PATCH = 200_000;
/** The largest body of a request for a change. Bytes. */
const MAX_BODY = 8 * 1024;

export interface DashboardOptions {
  readonly source: DashboardSource;
  /** The path of all its addresses, without a slash at its end. */
  readonly base: string;
  /** The hosts that a browser may name: a page of another name that resolves to this machine gets nothing. */
  readonly hosts: () => ReadonlySet<string>;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
}

/** The pages for people. Disposing ends its streams. */
export interface Dashboard extends Disposable {
  /** Whether a request is for it. */
  readonly owns: (request: IncomingMessage) => boolean;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** How many streams are open. */
  readonly streams: () => number;
}

type Env = { Bindings: HttpBindings };

/** Opens the dashboard: pages from the server, and streams that keep them up to date. */
export function openDashboard({ source, base, hosts, onError, now = Date.now }: DashboardOptions): Dashboard {
  const pictures = new RunPictures(source.store, onError);
  const messages = openMessageCache();
  const ending = new AbortController();
  let streams = 0;
  const app = new Hono<Env>({ strict: false }).basePath(base);
  const contextOf = (): PageContext => ({ base, name: source.name, now: now() });
  const page = (parts: PageParts): string => String(renderPage(contextOf(), parts));

  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    const { method } = c.req;
    if (!isAllowedHost(c.req.header('host'), hosts()))
      return c.text('this address is not served here\n', 421);
    if (method !== 'GET' && method !== 'HEAD' && !isSameOrigin(c.req.raw.headers, hosts()))
      return c.text('a page of another site may change nothing here\n', 403);
    return next();
  });
  app.use(compress());

  const viewOf = async (run: string): Promise<RunView> => {
    const picture = /^[0-9a-z]{10}$/.test(run) ? await pictures.read(run) : undefined;
    if (picture === undefined) throw new ChooError('usage', `there is no run \`${run}\` here`);
    return { context: contextOf(), picture, isAlive: await source.isAlive(run), source };
  };
  const unitViewOf = async (run: string, id: string): Promise<UnitView> => {
    const { context, picture, isAlive } = await viewOf(run);
    const unit = picture.state.units.get(id);
    if (unit === undefined) throw new ChooError('usage', `run ${run} has no unit \`${id.slice(0, 100)}\``);
    const events = (await source.store.read(run)).filter((event) => 'unit' in event && event.unit === id);
    return { context, run, unit, events, isAlive, source };
  };

  app.get('/', async (c) => {
    const runs = [];
    for (const run of (await source.store.runs()).slice(0, MAX_RUNS)) {
      const view = await viewOf(run).catch(() => undefined); // it was removed meanwhile
      if (view !== undefined) runs.push({ state: view.picture.state, isAlive: view.isAlive });
    }
    return c.html(page({ title: source.name, content: renderInbox(contextOf(), runs, source) }));
  });

  app.get('/runs/:run', async (c) => {
    const { run } = c.req.param();
    const view = await viewOf(run);
    const stream = `${base}/runs/${run}/stream?after=${view.picture.state.seq}&axis=${axisOf(view).length}`;
    return c.html(page({ title: `run ${run}`, content: renderRun(view), stream }));
  });

  app.get('/runs/:run/units/:unit', async (c) => {
    const { run, unit } = c.req.param();
    const view = await unitViewOf(run, unit);
    const output = await source.tailOutput({ run, unit }, TAIL);
    const seq = view.events.at(-1)?.seq ?? 0;
    const stream = `${base}/runs/${run}/units/${unit}/stream?after=${seq}-${output?.cursor ?? 0}`;
    return c.html(page({ title: unit, content: renderUnit(view, output), stream }));
  });

  app.get('/runs/:run/units/:unit/output', async (c) => {
    const of = c.req.param();
    await unitViewOf(of.run, of.unit);
    let cursor = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const part = await source.readOutput(of, cursor, PART);
        if (part === undefined || part.cursor === cursor) return controller.close();
        cursor = part.cursor;
        controller.enqueue(new TextEncoder().encode(part.text));
      },
    });
    return c.body(body, 200, { 'content-type': 'text/plain; charset=utf-8' });
  });

  app.get('/runs/:run/units/:unit/patch/:pair{[0-9a-f]{40,64}\\.\\.[0-9a-f]{40,64}}', async (c) => {
    const { run, unit, pair } = c.req.param();
    const { events, context } = await unitViewOf(run, unit);
    const [from = '', to = ''] = pair.split('..');
    const isOwn = events.some((event) => 'parent' in event && event.parent === from && event.commit === to);
    if (!isOwn || source.readPatch === undefined)
      throw new ChooError('usage', 'this unit made no such commit');
    const patch = await source.readPatch({ from, to }, MAX_PATCH);
    return c.html(page({ title: unit, content: renderPatch(context, { run, unit, from, to }, patch) }));
  });

  app.post('/runs/:run/change', bodyLimit({ maxSize: MAX_BODY }), async (c) => {
    const { run } = c.req.param();
    const form = await c.req.parseBody();
    const { kind, unit } = form;
    if (kind !== 'cancel' && kind !== 'retry' && kind !== 'skip')
      throw new ChooError('usage', 'a change is `cancel`, `retry` or `skip`');
    const units = typeof unit === 'string' ? [unit] : [];
    if (units.length === 0 && !source.changesRuns)
      throw new ChooError('usage', 'the whole run is stopped in the terminal where it runs, by Ctrl-C');
    if (units[0] === undefined) await viewOf(run);
    else await unitViewOf(run, units[0]);
    await source.change({ kind, run, units } satisfies ChangeRequest);
    return c.redirect(`${base}/runs/${run}${units[0] === undefined ? '' : `/units/${units[0]}`}`, 303);
  });

  /** Answers with a stream, which `act` fills until its signal aborts. */
  const openStream = async (
    { incoming, outgoing }: HttpBindings,
    act: (stream: EventStream, signal: AbortSignal) => Promise<void>,
  ): Promise<Response> => {
    if (streams >= MAX_STREAMS)
      return new Response('too many pages are open\n', { status: 503, headers: { 'retry-after': '30' } });
    streams += 1;
    try {
      incoming.socket.setNoDelay();
      using stream = new EventStream(outgoing, SECURITY_HEADERS);
      await act(stream, AbortSignal.any([stream.closed, ending.signal, AbortSignal.timeout(STREAM_MS)]));
    } catch (error) {
      onError(error);
      outgoing.destroy();
    } finally {
      streams -= 1;
    }
    return RESPONSE_ALREADY_SENT;
  };

  app.get('/runs/:run/stream', async (c) => {
    const { run } = c.req.param();
    await viewOf(run);
    const after = Number(
      /^\d{1,9}$/.exec(c.req.header('last-event-id') ?? c.req.query('after') ?? '')?.[0] ?? 0,
    );
    let axis = Number(c.req.query('axis')?.slice(0, 15) ?? 0);
    return openStream(c.env, async (stream, signal) =>
      streamRun(
        stream,
        { run, after },
        {
          source,
          pictures,
          signal,
          messageOf: async (seen, isBeat) => {
            const view = await viewOf(run);
            const { seq } = view.picture.state;
            const { length, now: moment } = axisOf(view);
            const key = [run, seen, seq, axis, length, isBeat ? Math.floor(moment / 1_000) : ''].join(' ');
            const json = messages.get(key) ?? runMessage(view, { after: seen, axis, isBeat });
            if (json === undefined) return undefined;
            messages.set(key, json);
            axis = length;
            return { seq, id: String(seq), json };
          },
        },
      ),
    );
  });

  app.get('/runs/:run/units/:unit/stream', async (c) => {
    const { run, unit } = c.req.param();
    await unitViewOf(run, unit);
    const place = c.req.header('last-event-id') ?? c.req.query('after') ?? '';
    const [, after = '0', at = '0'] = /^(\d{1,9})-(\d{1,15})$/.exec(place) ?? [];
    const sent = new Map<string, string>();
    const ids = { seq: Number(after), cursor: Number(at) };
    const id = (): string => `${ids.seq}-${ids.cursor}`;
    return openStream(c.env, async (stream, signal) => {
      const parts = streamRun(
        stream,
        { run, after: ids.seq },
        {
          source,
          pictures,
          signal,
          messageOf: async (seen, isBeat) => {
            const json = isBeat ? undefined : unitMessage(await unitViewOf(run, unit), sent);
            if (json === undefined) return undefined;
            ids.seq = Math.max(seen, pictures.seqOf(run));
            return { seq: ids.seq, id: id(), json };
          },
        },
      );
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

  for (const name of ASSETS)
    app.get(`/assets/${name}`, async (c) => {
      const { type, text } = await readAsset(name);
      return c.body(text, 200, { 'content-type': type, 'cache-control': 'no-cache' });
    });

  const problem = (title: string, message: string, hint = ''): string =>
    page({
      title,
      content: html`<h1>${title}</h1>
        <p>${message}</p>
        <p class="todo">${hint}</p>
        <p><a href="${base}/">All runs</a></p>`,
    });
  app.notFound((c) => c.html(problem('Not found', 'There is no such page.'), 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException) return c.html(problem('Refused', error.message), error.status);
    const { code, message, hint } = coerceError(error);
    if (code === 'usage')
      return c.html(problem('Not found', message, hint), c.req.method === 'GET' ? 404 : 400);
    if (code === 'conflict') return c.html(problem('Refused', message, hint), 409);
    onError(error);
    return c.html(problem('Something went wrong', 'The log of choo has the reason.'), 500);
  });

  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return {
    owns: ({ url = '' }) => url === base || url.startsWith(`${base}/`),
    handle: (request, response) => void listener(request, response),
    streams: () => streams,
    [Symbol.dispose]: () => ending.abort(),
  };
}
