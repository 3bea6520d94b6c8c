import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDashboardWorld } from '../../helpers/dashboard-world.ts';
import { plannedUnit, started } from '../../helpers/run-events.ts';
import { type Browser, makeSignedWorld, OURS, type SignedWorld, THEIRS } from '../../helpers/signed-world.ts';

let world: SignedWorld;
const ids = new Map<string, string>();
beforeAll(async () => {
  world = await makeSignedWorld();
  const { database } = world.process;
  for (const run of [OURS, THEIRS]) {
    const { repository } = await database
      .selectFrom('runs')
      .select('repository')
      .where('id', '=', run)
      .executeTakeFirstOrThrow();
    ids.set(run, repository);
  }
  await sql`insert into day_spending (day, installation, run, tokens, cost) values
    ('2026-11-29', 'github/1', ${OURS}, 1000000, 1.5), ('2026-11-30', 'github/1', ${OURS}, 2500, 0.25),
    ('2026-11-30', 'github/2', ${THEIRS}, 77000000, 99)`.execute(database);
});
afterAll(async () => world[Symbol.asyncDispose]());

const pageOf = (run: string): string => `/dashboard/repositories/${ids.get(run)}`;

describe('the page of a repository', () => {
  test('is one click from a run, and shows who may push its runs, its spending by day and what they go by', async () => {
    const browser = await world.signedIn('alice');
    expect(await browser.page(`/dashboard/runs/${OURS}`)).toContain(
      `href="/dashboard/runs/${OURS}/repository"`,
    );
    const { status, headers } = await browser.ask(`/dashboard/runs/${OURS}/repository`);
    expect([status, headers.get('location')]).toEqual([303, pageOf(OURS)]);
    const page = await browser.page(pageOf(OURS));
    expect(page).toContain('<h1>team/widgets</h1>');
    expect(page).toContain(`<a href="/dashboard/runs/${OURS}">`);
    const cells = (day: string): readonly string[] =>
      new RegExp(`<th scope="row">${day}</th>((?:\\s*<td>[^<]*</td>)*)`)
        .exec(page)?.[1]
        ?.match(/(?<=<td>)[^<]*/g) ?? [];
    expect([cells('2026-11-29'), cells('2026-11-30')]).toEqual([
      ['1', '1.0M', '$1.50'],
      ['1', '2.5k', '$0.25'],
    ]);
    expect(page).toContain('What the newest run goes by');
    expect(page).not.toContain('77.0M');
  });

  test('shows who may only read it its runs, and nothing of money and settings', async () => {
    const page = await (await world.signedIn('reader')).page(pageOf(OURS));
    expect(page).toContain(`<a href="/dashboard/runs/${OURS}">`);
    expect(page).not.toMatch(/Spending|\$|What the newest run goes by/);
  });

  test('of another repository, of none, and of what is no number look alike', async () => {
    const [alice, stranger] = [await world.signedIn('alice'), await world.signedIn('stranger')];
    const none = `/dashboard/repositories/123456789`;
    const answer = async (browser: Browser, path: string): Promise<unknown> => {
      const response = await browser.ask(path);
      return [response.status, (await response.text()).replaceAll(path, 'PATH')];
    };
    const expected = await answer(alice, none);
    expect(expected).toMatchObject([404, expect.stringContaining('There is no such page')]);
    for (const id of [ids.get(THEIRS), '0', '-1', '1e3', '9'.repeat(19), "1' or true --", '%00', '../runs'])
      expect(await answer(alice, `/dashboard/repositories/${encodeURIComponent(id ?? '')}`)).toEqual(
        expected,
      );
    expect(await answer(stranger, pageOf(OURS))).toEqual(await answer(stranger, none));
    expect((await alice.ask(`/dashboard/runs/${THEIRS}/repository`)).status).toBe(404);
  });

  test('is there for an operator, whosever it is', async () => {
    const page = await (await world.signedIn('root')).page(pageOf(THEIRS));
    expect(page).toContain('other/secrets');
    expect(page).toContain('77.0M');
  });

  test('has older runs on further pages', async () => {
    await using many = await makeSignedWorld();
    const { repository } = await many.process.database
      .selectFrom('runs')
      .select('repository')
      .where('id', '=', OURS)
      .executeTakeFirstOrThrow();
    for (let at = 0; at < 31; at += 1)
      await many.process.runStore.submit({
        repository,
        start: {
          ...started([plannedUnit('api')], `many${String(at).padStart(6, '0')}`),
          target: `target-${at}`,
        },
        plan: {},
      });
    const browser = many.browser();
    await browser.signIn('alice');
    const runsOf = (page: string): readonly string[] =>
      page.match(/(?<=runs\/)(?:many|run0)\d{6}(?=")/g) ?? [];
    const address = `/dashboard/repositories/${repository}`;
    const first = await browser.page(address);
    expect(first).toContain(`href="${address}?page=2"`);
    const second = await browser.page(`${address}?page=2`);
    expect(second).toContain(`href="${address}?page=1"`);
    expect([runsOf(first).length, runsOf(second).length]).toEqual([30, 2]);
    expect(new Set([...runsOf(first), ...runsOf(second)]).size).toBe(32);
    for (const wrong of ['3', '99999999', '1e300'])
      expect((await browser.ask(`${address}?page=${wrong}`)).status).toBe(404);
    for (const first of ['0', '-5', 'x', ''])
      expect(runsOf(await browser.page(`${address}?page=${first}`))).toHaveLength(30);
  });

  test('is not there where the dashboard is that of one repository', async () => {
    await using local = await makeDashboardWorld();
    await local.append('run0000001', [started([plannedUnit('api')], 'run0000001')]);
    expect(await local.page('runs/run0000001')).not.toContain('/repository"');
    for (const path of ['runs/run0000001/repository', 'repositories/1'])
      expect((await fetch(`${local.url}${path}`)).status).toBe(404);
  });
});
