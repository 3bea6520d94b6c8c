import { expect, test } from 'vitest';
import { isShownAnyway, shownPaths } from '../../../../src/sandbox/machine/system-view.ts';

test.each([
  ['/usr/lib/node_modules/x', true],
  ['/bin', true],
  ['/binary', false],
  ['/usrlocal/x', false],
  ['/etc/ssl/certs/one.pem', true],
  ['/etc/ssl/certs', true],
  ['/etc/ssl', false],
  ['/etc/ssl/private/key.pem', false],
  ['/etc/ssl/certs.old/one.pem', false],
  ['/etc/java-17-openjdk/security', true],
  ['/etc/maven/settings.xml', false],
  ['/etc/pip.conf', false],
  ['/etc', false],
  ['/etc/', false],
  ['/home/ada/etc/hosts', false],
])('%s is shown anyway: %j', (path, isShown) => {
  expect(isShownAnyway(path)).toBe(isShown);
});

test('what a pattern means is what is there', () => {
  const there: Readonly<Record<string, readonly string[]>> = {
    '': [
      'java-17-openjdk',
      'javax',
      'php',
      'xjava',
      'alpine-release',
      'ld-musl-x86_64.path',
      'ld-musl-.conf',
    ],
    php: ['8.2', '8.3'],
  };
  const found = shownPaths((path) => there[path] ?? []);
  for (const path of [
    'java-17-openjdk',
    'php/8.2/cli',
    'php/8.3/mods-available',
    'alpine-release',
    'ld-musl-x86_64.path',
    'hosts',
  ])
    expect(found).toContain(path);
  for (const path of ['xjava', 'php', 'ld-musl-.conf', 'profile']) expect(found).not.toContain(path);
});
