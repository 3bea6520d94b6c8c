import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OWN_SIGNATURE } from '../../../src/git/objects/commit.ts';
import { readUserSignature } from '../../../src/git/user-identity.ts';
import { git, gitWorld } from '../../helpers/git-repository.ts';

const PATH = process.env['PATH'] ?? '';
const ANN = { name: 'Ann Ö', email: 'ann@example.com' };
const NO_FILES = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', HOME: '/nonexistent' };

test.each<[string, Readonly<Record<string, string>>, Readonly<Record<string, string>>, object]>([
  ['of no settings', {}, {}, OWN_SIGNATURE],
  ['of a name alone', { 'user.name': 'Ann Ö' }, {}, OWN_SIGNATURE],
  ['of the machine, guessed', {}, { EMAIL: 'root@host', LOGNAME: 'root' }, OWN_SIGNATURE],
  [
    'of the repository',
    { 'user.name': 'Ann Ö', 'user.email': 'ann@example.com' },
    {},
    { author: ANN, committer: ANN },
  ],
  [
    'of the environment, for the author',
    { 'user.name': 'Ann Ö', 'user.email': 'ann@example.com' },
    { GIT_AUTHOR_NAME: 'Bo', GIT_AUTHOR_EMAIL: 'bo@x.example' },
    { author: { name: 'Bo', email: 'bo@x.example' }, committer: ANN },
  ],
  ['with an empty address', { 'user.name': 'Ann Ö', 'user.email': '' }, {}, OWN_SIGNATURE],
])('an identity %s', async (_, settings, environment, expected) => {
  await using world = await gitWorld({ a: 'A' });
  for (const key of ['user.name', 'user.email'])
    await git(world.user, 'config', '--unset', key).catch(() => {});
  for (const [key, value] of Object.entries(settings)) await git(world.user, 'config', key, value);
  expect(await readUserSignature(world.user, PATH, { ...NO_FILES, ...environment })).toEqual(expected);
});

test('an identity of the user’s own settings, and of a git that cannot be started', async () => {
  await using world = await gitWorld({ a: 'A' });
  for (const key of ['user.name', 'user.email'])
    await git(world.user, 'config', '--unset', key).catch(() => {});
  const file = join(world.user, '..', 'settings');
  await writeFile(file, '[user]\n\tname = Ann Ö\n\temail = ann@example.com\n');
  const environment = { ...NO_FILES, GIT_CONFIG_GLOBAL: file };
  expect(await readUserSignature(world.user, PATH, environment)).toEqual({ author: ANN, committer: ANN });
  expect(await readUserSignature(world.user, '/nonexistent', environment)).toEqual(OWN_SIGNATURE);
});
