import { ChooError } from '../../../errors.ts';
import { renderInbox } from '../pages/inbox-page.ts';
import { axisOf, renderRun } from '../pages/run-page.ts';
import { renderPatch, renderUnit } from '../pages/unit-page.ts';
import type { ChangeRequest } from '../source.ts';
import { type App, ignoreMissing, limitForm, readForm, type Room } from './env.ts';

/** Runs that the first page looks at. */
const MAX_RUNS = 30;
/** The end of a unit's output that its page shows, and a part of the whole. Characters or bytes. */
const TAIL = 48 * 1024;
const PART = 256 * 1024;
/** The longest patch. Characters. */
const MAX_PATCH = 200_000;

/** What needs a person, runs, units, and what can be done with them. */
export function addPages(app: App, { views, page }: Room): void {
  const { source, base } = views;

  app.get('/', async (c) => {
    const visitor = c.get('visitor');
    const runs = [];
    for (const run of await visitor.runs(MAX_RUNS)) {
      const view = await views.run(visitor, run).catch(ignoreMissing); // it was removed meanwhile
      if (view === undefined) continue;
      runs.push({ state: view.picture.state, isAlive: view.isAlive, access: view.access });
    }
    const content = renderInbox(views.contextOf(visitor), runs, source);
    return c.html(page(c, { title: source.name, content }));
  });

  app.get('/runs/:run', async (c) => {
    const { run } = c.req.param();
    const view = await views.run(c.get('visitor'), run);
    const stream = `${base}/runs/${run}/stream?after=${view.picture.state.seq}&axis=${axisOf(view).length}`;
    return c.html(page(c, { title: `run ${run}`, content: renderRun(view), stream }));
  });

  app.get('/runs/:run/units/:unit', async (c) => {
    const { run, unit } = c.req.param();
    const view = await views.unit(c.get('visitor'), run, unit);
    const output = view.access === 'push' ? await source.tailOutput({ run, unit }, TAIL) : undefined;
    const seq = view.events.at(-1)?.seq ?? 0;
    const stream = `${base}/runs/${run}/units/${unit}/stream?after=${seq}-${output?.cursor ?? 0}`;
    return c.html(page(c, { title: unit, content: renderUnit(view, output), stream }));
  });

  app.get('/runs/:run/units/:unit/output', async (c) => {
    const of = c.req.param();
    const { access } = await views.unit(c.get('visitor'), of.run, of.unit);
    if (access !== 'push') throw new ChooError('usage', 'the output of agents is for those who may push');
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
    const { events, context } = await views.unit(c.get('visitor'), run, unit);
    const [from = '', to = ''] = pair.split('..');
    const isOwn = events.some((event) => 'parent' in event && event.parent === from && event.commit === to);
    if (!isOwn || source.readPatch === undefined)
      throw new ChooError('usage', 'this unit made no such commit');
    const patch = await source.readPatch({ from, to }, MAX_PATCH);
    return c.html(page(c, { title: unit, content: renderPatch(context, { run, unit, from, to }, patch) }));
  });

  app.post('/runs/:run/change', limitForm, async (c) => {
    const { run } = c.req.param();
    const visitor = c.get('visitor');
    const { kind, unit } = await readForm(c);
    if (kind !== 'cancel' && kind !== 'retry' && kind !== 'skip')
      throw new ChooError('usage', 'a change is `cancel`, `retry` or `skip`');
    const units = typeof unit === 'string' ? [unit] : [];
    if (units.length === 0 && !source.changesRuns)
      throw new ChooError('usage', 'the whole run is stopped in the terminal where it runs, by Ctrl-C');
    const [first] = units;
    const { access } = await (first === undefined
      ? views.run(visitor, run, true)
      : views.unit(visitor, run, first, true));
    if (access !== 'push')
      throw new ChooError('conflict', 'who may not push to the repository changes nothing');
    const actor = visitor.login === undefined ? {} : { actor: visitor.login };
    await source.change({ kind, run, units, ...actor } satisfies ChangeRequest);
    return c.redirect(`${base}/runs/${run}${first === undefined ? '' : `/units/${first}`}`, 303);
  });
}
