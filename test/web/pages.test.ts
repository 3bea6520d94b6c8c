import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDashboardWorld } from '../helpers/dashboard-world.ts';
import { factsOf, plannedUnit, started } from '../helpers/run-events.ts';
import { faultsOf, findBarriers, openBrowser } from './browser.ts';

const RUN = 'run0000001';
const HOSTILE = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => browser.close());

test('500 units are shown, narrow and wide, light and dark, without a barrier for anybody', async () => {
  await using world = await makeDashboardWorld({ alive: RUN });
  const units = Array.from({ length: 500 }, (_, at) =>
    plannedUnit(`unit-${at}`, { dependsOn: at < 50 ? [] : [`unit-${at - 50}`] }),
  );
  const failed = factsOf('unit-7');
  await world.append(RUN, [
    started(units),
    failed.started(),
    failed.invoke(1),
    failed.red(1),
    { type: 'unit.failed', unit: 'unit-7', failure: 'attempts', message: HOSTILE, hint: null, head: null },
  ]);
  await world.print(RUN, 'unit-7', `    | \u001b[32mgreen\u001b[0m ${HOSTILE}\n`);
  for (const [width, colorScheme] of [
    [1_280, 'light'],
    [360, 'dark'],
  ] as const) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
    const page = await context.newPage();
    const faults = faultsOf(page);
    for (const path of ['', `runs/${RUN}`, `runs/${RUN}/units/unit-7`]) {
      await page.goto(`${world.url}${path}`);
      expect(await findBarriers(page), `${path} ${width} ${colorScheme}`).toEqual([]);
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(overflow, `${path} is wider than ${width}`).toBe(0);
    }
    expect(await page.title()).toBe('unit-7 · choo');
    await page.goto(`${world.url}runs/${RUN}`);
    await page.keyboard.press('Tab');
    expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Skip to the content');
    expect(await page.locator('tr[id^=unit-]').count()).toBe(500);
    expect(faults).toEqual([]);
    await context.close();
  }
});

test('without script a page loads itself again, and its buttons work', async () => {
  await using world = await makeDashboardWorld({ alive: RUN });
  await world.append(RUN, [started([plannedUnit('api')]), factsOf('api').started()]);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${world.url}runs/${RUN}/units/api`);
  await page.getByRole('button', { name: 'Cancel api' }).click();
  await page.waitForURL(`${world.url}runs/${RUN}/units/api`);
  expect(world.changes).toEqual([{ kind: 'cancel', run: RUN, units: ['api'] }]);
  await world.append(RUN, [{ type: 'unit.cancelled', unit: 'api', actor: 'me' }]);
  await page.getByText('cancelled by me').waitFor({ timeout: 60_000 }); // by its `refresh`, after ten seconds
  await context.close();
});
