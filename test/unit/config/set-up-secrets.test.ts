import { describe, expect, test } from 'vitest';
import { readSetUpSecrets, settingsSchema } from '../../../src/config/settings.ts';
import { namesFor } from '../../../src/config/set-up-secrets.ts';

const listed = (text: string) => settingsSchema.shape.CHOO_SETUP_SECRETS.parse(text);

describe('the credentials for set-up', () => {
  const secrets = listed('NPM_TOKEN, GEMS@acme,PIP_INDEX_URL@Acme/web');

  test.each([
    [null, ['NPM_TOKEN']],
    ['https://github.com/acme/web.git', ['GEMS', 'PIP_INDEX_URL']],
    ['https://github.com/ACME/api.git', ['GEMS']],
    ['git@host.example:acme/web.git', ['GEMS', 'PIP_INDEX_URL']],
    ['https://github.com/other/acme.git', []],
    ['https://github.com/not-acme/web.git', []],
    ['', []],
  ])('are those of a repository, for %s', (remote, names) => {
    expect(namesFor(secrets, remote)).toEqual(names);
  });

  test.each([
    'PATH',
    'LD_PRELOAD@acme',
    'NPM_TOKEN@',
    'A B',
    'NPM_TOKEN@a/b/c',
    'HTTPS_PROXY',
    'CHOO_DATA_DIR',
  ])('are not in a variable such as %s', (text) => {
    expect(settingsSchema.shape.CHOO_SETUP_SECRETS.safeParse(text).success).toBe(false);
  });

  test('are set, and long enough to be searched for', () => {
    const one = listed('NPM_TOKEN');
    expect(readSetUpSecrets(one, { NPM_TOKEN: 'eight-ch' })).toEqual({ NPM_TOKEN: 'eight-ch' });
    expect(() => readSetUpSecrets(one, {})).toThrow('CHOO_SETUP_SECRETS names NPM_TOKEN, which is not set');
    expect(() => readSetUpSecrets(one, { NPM_TOKEN: 'short' })).toThrow('which is shorter than 8 characters');
  });
});
