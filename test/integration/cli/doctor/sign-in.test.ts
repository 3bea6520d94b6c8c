import { expect, test } from 'vitest';
import { readAppSettings, readSignIn } from '../../../../src/app/receiver.ts';
import { checkSignIn } from '../../../../src/cli/doctor/sign-in.ts';
import { readSettings } from '../../../../src/config/settings.ts';
import { GitHubApp } from '../../../../src/github/api/client.ts';
import { startGitHub } from '../../../../stand-in/stand-in.ts';

test('choo doctor says whether people can sign in, and what to do where they cannot', async () => {
  await using github = await startGitHub();
  const check = async (changes: Readonly<Record<string, string>>) => {
    const settings = readSettings({ ...github.environment, ...changes });
    const app = readAppSettings(settings);
    if (app === undefined) throw new Error('there is no App');
    const noWrites = { acquire: async () => undefined, pauseUntil: async () => {} };
    return checkSignIn(new GitHubApp(app, noWrites, () => {}), readSignIn(settings, app));
  };
  const url = { CHOO_URL: 'https://choo.example.com' };
  expect(await check(url)).toMatchObject({ status: 'ok' });
  expect(await check({})).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('CHOO_URL'),
    cure: expect.stringContaining('/dashboard/sign-in/callback'),
  });
  expect(await check({ ...url, GITHUB_CLIENT_SECRET: 'of-another-time-x' })).toMatchObject({
    status: 'failed',
    message: expect.stringContaining('incorrect_client_credentials'),
  });
  expect(await check({ ...url, GITHUB_CLIENT_ID: 'Iv1.1' })).toMatchObject({
    status: 'failed',
    message: expect.stringContaining('Iv1.4711'),
  });
});
