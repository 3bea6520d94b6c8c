import { expect, test } from 'vitest';
import lock from '../package-lock.json' with { type: 'json' };

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}
const packages = Object.entries(lock.packages as Record<string, Locked>).filter(([path]) => path !== '');

test('the lock file names versions and hashes, and no host', () => {
  const loose = packages.filter(([, { version, integrity, resolved }]) => !version || !integrity || resolved);
  expect(loose.map(([path]) => path)).toEqual([]);
});

test('the lock file holds the binaries of every platform, not only of the one it was written on', () => {
  // npm forgets them when it adds a package beside an installed tree: write the file anew in an empty folder.
  const missing = packages.flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !packages.some(
          ([other]) => other === `node_modules/${name}` || other === `${path}/node_modules/${name}`,
        ),
    ),
  );
  expect(missing).toEqual([]);
});
