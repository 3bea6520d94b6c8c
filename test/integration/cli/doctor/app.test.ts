import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkApp } from '../../../../src/cli/doctor/app.ts';
import { readManifest } from '../../../../src/github/setup/manifest.ts';
import { openApp, useGitHub } from '../../../helpers/nock-github.ts';

const github = useGitHub();
const manifest = await readManifest(fileURLToPath(new URL('../../../../app.yml', import.meta.url)));
const APP = {
  slug: 'choo',
  permissions: manifest.default_permissions,
  events: manifest.default_events,
  installations_count: 1,
};
const NOW = Date.UTC(2027, 0, 1);
const date = new Date(NOW).toUTCString();

const attempt = (status_code: number, minutes: number) => ({
  id: minutes,
  guid: `guid-${minutes}`,
  event: 'push',
  delivered_at: new Date(NOW - minutes * 60_000).toISOString(),
  status_code,
});

/** What is wrong with an App that GitHub describes so. */
async function wrongWith(
  app: object,
  attempts: readonly object[],
  headers: Record<string, string> = { date },
) {
  github()
    .get('/app')
    .reply(200, { ...APP, ...app }, headers);
  github().get('/app/hook/deliveries').query({ per_page: 100 }).reply(200, attempts);
  const findings = await checkApp(openApp().app, manifest, () => NOW);
  return findings.filter(({ status }) => status !== 'ok');
}

describe('the App', () => {
  test('is fine with its permissions, events, an installation and deliveries that arrive', async () => {
    expect(await wrongWith({}, [attempt(200, 1), attempt(503, 30)])).toEqual([]);
  });

  test('is failed with a key that is not its own', async () => {
    github().get('/app').reply(401, { message: 'A JSON web token could not be decoded' });
    expect(await checkApp(openApp().app, manifest, () => NOW)).toMatchObject([
      { name: 'App', status: 'failed', cure: expect.stringContaining('PRIVATE_KEY') },
    ]);
  });

  test('is failed without a permission, or with reading where it writes, and without an event', async () => {
    const { metadata = 'read', issues = 'write', pull_requests = 'write' } = manifest.default_permissions;
    const permissions = { metadata, issues, pull_requests, contents: 'read' };
    const events = manifest.default_events.filter((event) => event !== 'issue_comment');
    expect(await wrongWith({ permissions, events }, [attempt(200, 1)])).toMatchObject([
      { name: 'permissions', status: 'failed', message: 'the App lacks contents: write, checks: write' },
      { name: 'events', status: 'failed', message: 'the App does not subscribe to issue_comment' },
    ]);
  });

  test('is a warning where it is installed nowhere, or nothing was delivered', async () => {
    expect(await wrongWith({ installations_count: 0 }, [])).toMatchObject([
      { name: 'installations', status: 'warning' },
      { name: 'webhook', status: 'warning', cure: expect.stringContaining('Redeliver') },
    ]);
  });

  test('is failed where its last delivery was not taken', async () => {
    expect(await wrongWith({}, [attempt(502, 1), attempt(200, 30)])).toMatchObject([
      { name: 'webhook', status: 'failed', cure: expect.stringContaining('WEBHOOK_SECRET') },
    ]);
  });

  test('shows a clock that differs from GitHub', async () => {
    const late = new Date(NOW - 90_000).toUTCString();
    expect(await wrongWith({}, [attempt(200, 1)], { date: late })).toMatchObject([
      { name: 'clock of GitHub', status: 'warning', message: 'this machine is 90.0 s ahead of it' },
    ]);
  });
});
