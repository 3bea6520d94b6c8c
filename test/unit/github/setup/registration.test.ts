import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readSettings } from '../../../../src/config/settings.ts';
import {
  completeManifest,
  githubUrls,
  installUrlOf,
  manifestForm,
  parsePublicUrl,
  readManifest,
  settingsText,
} from '../../../../src/github/setup/manifest.ts';

const APP = fileURLToPath(new URL('../../../../app.yml', import.meta.url));

describe('app.yml', () => {
  test('asks for these permissions and events, and nothing else', async () => {
    const { default_permissions, default_events, public: isPublic } = await readManifest(APP);
    expect(default_permissions).toEqual({
      metadata: 'read',
      contents: 'write',
      pull_requests: 'write',
      issues: 'write',
      checks: 'write',
    });
    expect(default_events.toSorted()).toEqual([
      'check_run',
      'check_suite',
      'delete',
      'issue_comment',
      'issues',
      'pull_request',
      'pull_request_review',
      'pull_request_review_comment',
      'pull_request_review_thread',
      'push',
      'repository',
    ]);
    expect(isPublic).toBe(false);
  });

  test('has no addresses of its own', async () => {
    const manifest = await readManifest(APP);
    const complete = completeManifest(manifest, 'https://choo.example.com', 'http://127.0.0.1:1/setup/x');
    expect(JSON.parse(complete)).toEqual({
      ...manifest,
      url: 'https://choo.example.com',
      hook_attributes: { url: 'https://choo.example.com/api/github/webhooks', active: true },
      redirect_url: 'http://127.0.0.1:1/setup/x',
      callback_urls: ['https://choo.example.com/dashboard/sign-in/callback'],
      request_oauth_on_install: false,
    });
  });

  test('is refused by name when it is not there', async () => {
    await expect(readManifest('/nonexistent/app.yml')).rejects.toThrow(
      expect.objectContaining({
        code: 'environment',
        message: expect.stringContaining('`/nonexistent/app.yml`'),
      }),
    );
  });
});

describe('the public address', () => {
  test.each([
    ['https://choo.example.com', 'https://choo.example.com'],
    ['https://choo.example.com:8443/', 'https://choo.example.com:8443'],
    ['https://example.com/choo/', 'https://example.com/choo'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s is taken', (text, expected) => {
    expect(parsePublicUrl(text)).toBe(expected);
  });

  test.each([
    'http://choo.example.com',
    'http://127.0.0.1.example.com',
    'javascript:alert(1)//https://x',
    'file:///etc/passwd',
    'choo.example.com',
    'https://choo.example.com?x="><script>',
    'https://choo.example.com/#',
  ])('%s is refused', (text) => {
    expect(() => parsePublicUrl(text)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  test('with a password is refused without repeating it', () => {
    expect(() => parsePublicUrl('https://choo:hunter2@example.com')).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.not.stringContaining('hunter2') }),
    );
  });
});

test('the form holds a hostile address as text', async () => {
  const url = parsePublicUrl(`https://choo.example.com/'"><script>&quot;`);
  const manifest = completeManifest(await readManifest(APP), url, 'http://127.0.0.1:1/setup/x');
  const form = manifestForm(githubUrls({}), 'state', manifest);
  expect(form.replaceAll(/value="[^"<>']*"/g, '')).toMatchInlineSnapshot(`
    "<form method="post" action="https://github.com/settings/apps/new?state=state">
    <input type="hidden" name="manifest" ><button>Register the App</button></form>"
  `);
  const value = /value="([^"]*)"/.exec(form)?.[1] ?? '';
  expect(value).not.toMatch(/&(?!#\d+;)/);
  expect(value.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))).toBe(manifest);
});

describe('the settings of an App', () => {
  const { privateKey: pem } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const app = {
    id: 4711,
    slug: 'choo',
    html_url: '',
    pem,
    webhook_secret: 'e340154128314309424b',
    client_id: 'Iv1.8a61f9b3a7aba766',
    client_secret: '1726be1638095a19edd134c77bde3aa2ece1e5d8',
  };
  const url = 'https://choo.example.com';

  test('are read back from a dotenv and from systemd', () => {
    const written = settingsText(app, { url, gheHost: 'localhost:1', gheProtocol: 'http' });
    expect(written.replace(/-----BEGIN.*-----/, 'PEM').split('\n')).toEqual([
      '# The GitHub App `choo`. Whoever reads this can act as it.',
      'APP_ID=4711',
      'PRIVATE_KEY="PEM"',
      'WEBHOOK_SECRET=e340154128314309424b',
      'GITHUB_CLIENT_ID=Iv1.8a61f9b3a7aba766',
      'GITHUB_CLIENT_SECRET=1726be1638095a19edd134c77bde3aa2ece1e5d8',
      'CHOO_URL=https://choo.example.com',
      'GHE_HOST=localhost:1',
      'GHE_PROTOCOL=http',
      '',
    ]);
    const variables = parseEnv(written);
    const asSystemd = /^PRIVATE_KEY="(.*)"$/m.exec(written)?.[1]; // which leaves `\n` as it is
    for (const key of [variables['PRIVATE_KEY'], asSystemd]) {
      const settings = readSettings({ ...variables, PRIVATE_KEY: key });
      expect(createPrivateKey(settings.PRIVATE_KEY ?? '').asymmetricKeyType).toBe('rsa');
    }
  });

  test('say nothing of a host for github.com', () => {
    expect(settingsText(app, { url: `${url}/choo` })).not.toMatch(/^CHOO_URL/m); // below a path there is no dashboard
    expect(settingsText(app, { url })).not.toMatch(/^GHE/m); // a key may hold the letters
  });

  test.each([
    ['https://github.com/apps/choo', 'https://github.com/apps/choo/installations/new'],
    ['https://github.com.evil.example/apps/x', 'https://github.com/apps/choo/installations/new'],
    ['javascript:alert(1)', 'https://github.com/apps/choo/installations/new'],
  ])('go with an address on GitHub for %s', (html_url, expected) => {
    expect(installUrlOf({ ...app, html_url }, githubUrls({}))).toBe(expected);
  });
});

describe('GitHub', () => {
  test('is github.com unless told otherwise', () => {
    const { appUrl, ...addresses } = githubUrls({ organization: 'acme' });
    expect({ ...addresses, app: appUrl('choo') }).toEqual({
      origin: 'https://github.com',
      apiUrl: 'https://api.github.com',
      formUrl: 'https://github.com/organizations/acme/settings/apps/new',
      app: 'https://github.com/apps/choo',
    });
  });

  test('can be a server of your own', () => {
    const { appUrl, ...addresses } = githubUrls({ gheHost: 'git.example.com' });
    expect({ ...addresses, app: appUrl('choo') }).toEqual({
      origin: 'https://git.example.com',
      apiUrl: 'https://git.example.com/api/v3',
      formUrl: 'https://git.example.com/settings/apps/new',
      app: 'https://git.example.com/github-apps/choo',
    });
  });

  test.each([
    { gheHost: 'git.example.com', gheProtocol: 'http' },
    { gheHost: 'git.example.com', gheProtocol: 'ftp' },
    { gheHost: 'https://git.example.com' },
    { gheHost: 'git.example.com/x' },
    { gheHost: 'a@git.example.com' },
    { organization: '../evil' },
    { organization: '' },
  ])('is not %j', (place) => {
    expect(() => githubUrls(place)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
