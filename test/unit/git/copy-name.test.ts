import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type CopyIdentity, copyName, ownerOfCopy } from '../../../src/git/copy-name.ts';

const REMOTES = [
  'https://host.example/team/project',
  'https://host.example/team/project.git',
  'https://host.example/other/project',
  'ssh://git@host.example/team/project',
  'git@host.example:team/project',
  'git@host.example:project',
  '/srv/project',
  '/srv/project.git',
  '/srv/project/.git',
  '/',
];

test('a copy is named after the number that its host knows it by, and never after an address that others may get', () => {
  const copy = randomUUID();
  const one = copyName({ remote: 'https://host.example/team/project.git', hostId: '70', copy });
  expect(one).toBe(`host.example-70.${copy}`);
  expect(copyName({ remote: 'https://host.example/new/name.git', hostId: '70', copy })).toBe(one);
  expect(copyName({ remote: 'http://127.0.0.1:3000/team/project.git', hostId: '7', copy })).toBe(
    `127.0.0.1-3000-7.${copy}`,
  );
});

test('of a remote without a number the address and the random id count', () => {
  const names = REMOTES.map((remote) => copyName({ remote, hostId: null, copy: randomUUID() }));
  expect(new Set(names.map(ownerOfCopy)).size).toBe(REMOTES.length);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9._-]*-[0-9a-f]{12}\.[0-9a-f-]{36}$/);
  const again = (identity: Pick<CopyIdentity, 'copy'>) =>
    copyName({ remote: '/srv/x', hostId: null, ...identity });
  expect(again({ copy: randomUUID() })).not.toBe(again({ copy: randomUUID() }));
  const long = copyName({ remote: `/srv/${'x'.repeat(5_000)}`, hostId: null, copy: randomUUID() });
  expect(long.length).toBeLessThan(200);
});

test('what an older choo made, or a local run, is no copy of a row', () => {
  for (const name of ['project-0123456789ab', 'project.git-0123456789ab', '.going-x', 'x.y'])
    expect(ownerOfCopy(name)).toBeUndefined();
});
