import { renderRepository } from '../pages/repository-page.ts';
import { type App, ignoreMissing, noSuchPage, type Room } from './env.ts';

/** Runs that one page shows. */
const RUNS = 30;
/** The last page; older runs have their own addresses. */
const MAX_PAGE = 1_000;

/** The repositories of a server. Who may not see the runs of one finds none here. */
export function addRepositories(app: App, { views, page }: Room): void {
  const { source, base } = views;

  app.get('/runs/:run/repository', async (c) => {
    const { run } = c.req.param();
    await views.run(c.get('visitor'), run);
    const id = await source.repositories?.of(run);
    if (id === undefined) throw noSuchPage();
    return c.redirect(`${base}/repositories/${id}`, 303);
  });

  app.get('/repositories/:repository', async (c) => {
    const { repository: id } = c.req.param();
    const visitor = c.get('visitor');
    const number = Math.min(MAX_PAGE, Math.max(1, Math.trunc(Number(c.req.query('page') ?? 1)) || 1));
    const skipped = (number - 1) * RUNS;
    const facts = await source.repositories?.read(id, { skipped, most: RUNS + 1 });
    const runs = [];
    for (const [at, run] of (facts?.runs ?? []).slice(0, RUNS).entries()) {
      if (at > 0 && runs.length === 0) break; // the first was not to be seen, so no other is
      const view = await views.run(visitor, run).catch(ignoreMissing); // it was removed meanwhile
      if (view !== undefined)
        runs.push({ state: view.picture.state, isAlive: view.isAlive, access: view.access });
    }
    // One that is not there, one without runs, and one that the visitor may not see look alike.
    if (facts === undefined || runs.length === 0) throw noSuchPage();
    const view = { id, facts, runs, page: number, hasMore: facts.runs.length > RUNS };
    return c.html(page(c, { title: facts.name, content: renderRepository(views.contextOf(visitor), view) }));
  });
}
