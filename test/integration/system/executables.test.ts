import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findExecutable } from '../../../src/system/executables.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const json = (value: unknown): string => JSON.stringify(value);
const many = Array.from({ length: 20 }, (_, index) => `part-${index}`);

type Files = Readonly<Record<string, string>>;

test.each<readonly [string, string, Files, readonly string[], Files]>([
  ['a program: its file alone', 'bin/agent', { 'bin/agent': '', 'bin/secret': '' }, ['bin/agent'], {}],
  [
    'a program of a home, which names a package of its own',
    'agent',
    { agent: '', 'package.json': json({ bin: 'other' }), secret: '' },
    ['agent'],
    {},
  ],
  [
    'a package that is checked out',
    'tool/dist/agent.js',
    { 'tool/dist/agent.js': '', 'tool/package.json': json({ bin: { agent: './dist/agent.js' } }) },
    ['tool'],
    {},
  ],
  [
    'a global package, without others beside it',
    'lib/node_modules/@corp/agent/cli.js',
    {
      'lib/node_modules/@corp/agent/cli.js': '',
      'lib/node_modules/@corp/agent/package.json': json({ dependencies: { inner: '1' } }),
      'lib/node_modules/@corp/agent/node_modules/inner/package.json': '{}',
      'lib/node_modules/@corp/secret/package.json': '{}',
    },
    ['lib/node_modules/@corp/agent'],
    {},
  ],
  [
    'a package of a project, with those it needs',
    'node_modules/agent/cli.js',
    {
      'node_modules/agent/cli.js': '',
      'node_modules/agent/package.json': json({ dependencies: { a: '1', '../../secret': '1' } }),
      'node_modules/a/package.json': json({ optionalDependencies: { '@b/native': '1', gone: '1' } }),
      'node_modules/@b/native/package.json': json({ peerDependencies: { agent: '1' } }),
      'node_modules/secret/package.json': '{}',
    },
    ['node_modules/agent', 'node_modules/a', 'node_modules/@b/native'],
    {},
  ],
  [
    'a package that needs many: all of them',
    'node_modules/agent/cli.js',
    {
      'node_modules/agent/cli.js': '',
      'node_modules/agent/package.json': json({
        dependencies: Object.fromEntries(many.map((name) => [name, '1'])),
      }),
      ...Object.fromEntries(many.map((name) => [`node_modules/${name}/package.json`, '{}'])),
    },
    ['node_modules'],
    {},
  ],
  [
    'packages that are linked to each other: all of them',
    'node_modules/.pnpm/agent@1/node_modules/agent/cli.js',
    {
      'node_modules/.pnpm/agent@1/node_modules/agent/cli.js': '',
      'node_modules/.pnpm/agent@1/node_modules/agent/package.json': json({ dependencies: { a: '1' } }),
      'node_modules/.pnpm/a@1/node_modules/a/package.json': '{}',
    },
    ['node_modules'],
    { 'node_modules/.pnpm/agent@1/node_modules/a': '../../a@1/node_modules/a' },
  ],
])('shows of %s', async (_, program, files, shown, links) => {
  await using place = await temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(place.path, dirname(path)), { recursive: true });
    await writeFile(join(place.path, path), text, { mode: 0o755 });
  }
  for (const [path, to] of Object.entries(links)) await symlink(to, join(place.path, path));
  const wanted = join(place.path, 'on-path');
  await mkdir(wanted);
  await symlink(join(place.path, program), join(wanted, 'wanted'));
  const found = findExecutable('wanted', wanted);
  expect(found?.path).toBe(join(place.path, program));
  expect(new Set(found?.readable)).toEqual(new Set(shown.map((path) => join(place.path, path))));
});
