import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeServerProject } from '../helpers/server-project.ts';
import { faultsOf, openBrowser } from './browser.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => browser.close());

test('a page follows a run to its end, though its server is killed meanwhile', async () => {
  await using project = await makeServerProject(
    {
      units: {
        api: {
          tasks: [
            { gate: 'test -e a', sh: 'echo working; until test -e "$GO"; do sleep 0.2; done; touch a' },
          ],
        },
        ui: { dependsOn: ['api'], tasks: [{ gate: 'test -e b', sh: 'touch b' }] },
      },
    },
    { CHOO_SANDBOX_ENV: 'GO', GO: '/nonexistent' },
  );
  const go = join(project.dataDirectory, 'go');
  const environment = { GO: go };
  const worker = { role: 'worker', environment };
  const web = await project.serve({ role: 'web', args: ['--web-token'], environment });
  await project.serve(worker);
  const url = (await readFile(join(project.dataDirectory, 'dashboard-address'), 'utf8')).trim();
  const run = await project.submit();
  const page = await browser.newPage();
  const faults = faultsOf(page);
  await page.goto(`${url}runs/${run}`);
  await page.evaluate('window.isSame = true'); // gone after a reload
  await page.locator('#unit-api.s-running').waitFor({ timeout: 60_000 });
  await page.getByText('live', { exact: true }).waitFor({ timeout: 60_000 });

  web.child.kill('SIGKILL');
  await web.child;
  await page.getByText('not live: connecting again').waitFor({ timeout: 60_000 });
  await project.serve({ role: 'web', args: ['--web-token'], environment, port: web.port });
  await page.getByText('live', { exact: true }).waitFor({ timeout: 60_000 });

  await writeFile(go, '');
  await page.locator('#summary .s-complete').waitFor({ timeout: 60_000 });
  expect(await page.locator('#summary').textContent()).toContain('2 of 2 units complete');
  expect(await page.locator('tr.s-complete').count()).toBe(2);
  expect(await page.evaluate('window.isSame')).toBe(true);
  expect(faults).toEqual([]);
  await page.goto(`${url}runs/${run}/units/api`);
  expect(await page.locator('#output').textContent()).toContain('working');
});
