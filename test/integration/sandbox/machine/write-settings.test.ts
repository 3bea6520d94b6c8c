import { readdir, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeSettings } from '../../../../src/sandbox/machine/write-settings.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

test('settings that were not shown for a week go when there are others', async () => {
  await using place = await temporaryDirectory();
  const write = async (text: string): Promise<string> =>
    (await writeSettings({ '/etc/npmrc': text }, place.path)).get('/etc/npmrc') ?? '';
  const [old, used] = [await write('old'), await write('used')];
  const long = new Date(Date.now() - 8 * 86_400_000);
  for (const path of [old, used]) await utimes(join(path, '..'), long, long);
  expect(await write('used')).toBe(used); // a command is shown it
  const path = await write('new');
  expect(
    (await readdir(join(place.path, 'settings'))).map((name) => join(place.path, 'settings', name)).sort(),
  ).toEqual([used, path].map((each) => join(each, '..')).sort());
  expect(await readFile(await write('old'), 'utf8')).toBe('old');
});
