import { sql } from 'kysely';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeliveryQueue } from '../../src/store/github/deliveries.ts';
import { makeSignedWorld, OURS, type SignedWorld, THEIRS } from '../helpers/signed-world.ts';
import { faultsOf, findBarriers, openBrowser } from './browser.ts';

let browser: Browser;
let world: SignedWorld;
beforeAll(async () => {
  [browser, world] = await Promise.all([openBrowser(), makeSignedWorld()]);
});
afterAll(async () => {
  await browser.close();
  await world[Symbol.asyncDispose]();
});

/** A page of somebody who signs in by their clicks, on the way to a page. */
async function signedIn(login: string, path = ''): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${world.origin}/dashboard/${path}`);
  expect(await findBarriers(page)).toEqual([]);
  await page.getByRole('link', { name: 'Sign in with GitHub' }).click();
  await page.getByRole('button', { name: login, exact: true }).click();
  await page.waitForURL(`${world.origin}/dashboard/${path}`);
  return page;
}

test('who pushes signs in by clicks, cancels and retries a unit, sees it live, and signs out', async () => {
  const page = await signedIn('alice', `runs/${OURS}/units/api`);
  const faults = faultsOf(page);
  expect(
    (await page.context().cookies()).map(({ name, httpOnly, secure }) => [name, httpOnly, secure]),
  ).toEqual([['__Host-choo-session', true, true]]);
  const other = await page.context().newPage();
  await other.goto(`${world.origin}/dashboard/runs/${OURS}`);
  await other.getByText('live', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Cancel api' }).click();
  await page.getByText('cancelled by alice').waitFor();
  await other.locator('#unit-api.s-cancelled').waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Retry api' }).click();
  await page.getByText('retried by alice').waitFor();
  // A button that came by the stream has the token of this session, too.
  await other.getByRole('button', { name: 'Cancel the run' }).click();
  await other.getByRole('button', { name: 'Retry what did not complete' }).waitFor();
  expect(faults).toEqual([]);
  expect(await findBarriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
  await other.reload();
  await other.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
});

test('the home of the App leads to the sign-in, on any screen', async () => {
  const page = await (await browser.newContext({ colorScheme: 'dark' })).newPage();
  const faults = faultsOf(page);
  for (const width of [360, 1_280]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${world.origin}/`);
    expect(await findBarriers(page)).toEqual([]);
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow).toBe(0);
  }
  await page.getByRole('link', { name: 'Sign in to the dashboard' }).click();
  await page.getByRole('link', { name: 'Sign in with GitHub' }).waitFor();
  expect(faults).toEqual([]);
});

test('a stranger, a reader and an operator see what is theirs to see', async () => {
  const stranger = await signedIn('stranger');
  expect(await stranger.locator('main').textContent()).toContain('Nothing has run here yet');
  expect((await stranger.goto(`${world.origin}/dashboard/runs/${OURS}`))?.status()).toBe(404);

  const reader = await signedIn('reader', `runs/${OURS}`);
  await reader.getByText('live', { exact: true }).waitFor();
  expect(await reader.locator('main button').count()).toBe(0);
  expect((await reader.goto(`${world.origin}/dashboard/runs/${THEIRS}`))?.status()).toBe(404);

  const root = await signedIn('root');
  for (const run of [OURS, THEIRS]) await root.getByRole('link', { name: run, exact: true }).waitFor();
});

test('an operator has a delivery handled again, in the dark and on a narrow screen', async () => {
  const { database } = world.process;
  const delivery = { id: 'given-up', event: 'push', payload: {}, thread: 'push', repository: null };
  await new DeliveryQueue(database).receive(delivery);
  const trouble = `GitHub did not answer ${'for a long time '.repeat(10)}`;
  await sql`update deliveries set tries = 8, handled_at = now(), trouble = ${trouble}`.execute(database);
  const page = await signedIn('root');
  const faults = faultsOf(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 360, height: 800 });
  await page.getByRole('link', { name: 'Server', exact: true }).click();
  await page.getByRole('heading', { name: 'The server' }).waitFor();
  expect(await findBarriers(page)).toEqual([]);
  const repository = await page.context().newPage();
  await repository.setViewportSize({ width: 360, height: 800 });
  await repository.goto(`${world.origin}/dashboard/runs/${THEIRS}/repository`);
  await repository.getByRole('heading', { name: 'other/secrets' }).waitFor();
  expect(await findBarriers(repository)).toEqual([]);
  const overflow = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  expect(overflow).toBe(0);
  await page.getByRole('button', { name: 'Handle again: given-up' }).click();
  await page.waitForURL(`${world.origin}/dashboard/server#deliveries`);
  const { rows } = await sql`select tries, handled_at from deliveries`.execute(database);
  expect(rows).toEqual([{ tries: 0, handled_at: null }]);
  expect(faults).toEqual([]);
});
