import axe from 'axe-core';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's Chromium. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Starts it, without a window. Fails with what to install where there is none. */
export async function openBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: apt-get install chromium`);
  // As root it has no sandbox of its own, and a small /dev/shm is not enough for it.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** What axe finds in a page that keeps somebody from using it: its serious and critical violations, in words. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source); // by the debugger, so that the page's own policy stays as it is
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html }) => html.slice(0, 200))
          .join(' | ')}`,
    );
}

/** Collects what goes wrong in a page: errors of its script, and what its policy refuses. */
export function faultsOf(page: Page): readonly string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text());
  });
  return faults;
}
