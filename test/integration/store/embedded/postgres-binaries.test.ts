import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as transaction } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  findPackage,
  installBinaries,
  type PostgresPackage,
  removeOthers,
} from '../../../../src/store/embedded/postgres-binaries.ts';
import { IS_ROOT, ORDINARY_UID } from '../../../helpers/database-process.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

/** The package as `npm ci --ignore-scripts` leaves it in the home of somebody who lets nobody look. */
async function closedPackage(place: string): Promise<PostgresPackage> {
  const { directory, ...rest } = await findPackage();
  const closed = join(place, 'home');
  await mkdir(closed);
  await execa('cp', ['-R', directory, join(closed, 'package')]);
  await execa('find', [closed, '-type', 'l', '-delete']);
  await execa('chmod', ['-R', 'go=', closed]);
  return { directory: join(closed, 'package'), ...rest };
}

test('binaries are copied for everybody, with the links that npm leaves out', async () => {
  await using place = await temporaryDirectory();
  await chmod(place.path, 0o711);
  const source = await closedPackage(place.path);
  const before = await readdir(join(source.directory, 'native/lib'));
  expect(before).not.toContain('libpq.so.5');
  const copy = await installBinaries(source, join(place.path, 'copies'));
  const links = JSON.parse(await readFile(join(source.directory, 'native/pg-symlinks.json'), 'utf8')) as {
    target: string;
  }[];
  expect(links.length).toBeGreaterThan(5);
  for (const { target } of links)
    expect((await stat(join(copy, target.replace('native/', '')))).isFile()).toBe(true);
  expect(await readdir(join(source.directory, 'native/lib'))).toEqual(before);
  const { stdout } = await execa(join(copy, 'bin/initdb'), ['--version'], {
    cwd: '/',
    env: {},
    extendEnv: false,
    ...(IS_ROOT ? { uid: ORDINARY_UID, gid: ORDINARY_UID } : {}),
  });
  expect(stdout).toMatch(/^initdb \(PostgreSQL\) 18\./);
  const { stdout: closed } = await execa('find', [copy, '!', '-type', 'l', '!', '-perm', '-o=r']);
  expect(closed).toBe('');
});

test('a copy is whole from the moment it has its name, whoever else makes one', async () => {
  await using place = await temporaryDirectory();
  const source = await findPackage();
  const below = join(place.path, 'copies');
  const copy = join(below, source.name);
  const { stdout: whole } = await execa('find', [join(source.directory, 'native'), '-type', 'f']);
  const watch = async (): Promise<number> => {
    for (const started = performance.now(); !existsSync(copy) && performance.now() - started < 20_000;)
      await transaction();
    const { stdout } = await execa('find', [copy, '-type', 'f']);
    return stdout.split('\n').length;
  };
  const watching = watch();
  const copies = await Promise.all(Array.from({ length: 4 }, async () => installBinaries(source, below)));
  expect(new Set(copies)).toEqual(new Set([copy]));
  expect(await watching).toBe(whole.split('\n').length);
  expect(await readdir(below)).toEqual([source.name]);
});

test('a copy is made once', async () => {
  await using place = await temporaryDirectory();
  const source = await findPackage();
  const copy = await installBinaries(source, place.path);
  await writeFile(join(copy, 'mark'), '');
  await installBinaries(source, place.path);
  expect(await readdir(copy)).toContain('mark');
});

test('copies of other versions are removed, and what was never finished', async () => {
  await using place = await temporaryDirectory();
  const source = await findPackage();
  for (const name of ['17.1.0-linux-x64', 'draft-x', source.name]) await mkdir(join(place.path, name));
  await removeOthers(source, place.path);
  expect(await readdir(place.path)).toEqual([source.name]);
});

test('a copy does not go when npm replaces the package', async () => {
  await using place = await temporaryDirectory();
  const source = await closedPackage(place.path);
  await execa('chmod', ['-R', 'go=rX', source.directory]); // then it costs no space
  const copy = await installBinaries(source, join(place.path, 'copies'));
  const { ino } = await lstat(join(source.directory, 'native/bin/postgres'));
  expect((await lstat(join(copy, 'bin/postgres'))).ino).toBe(ino);
  await rm(source.directory, { recursive: true });
  const { stdout } = await execa(join(copy, 'bin/postgres'), ['--version']);
  expect(stdout).toContain('PostgreSQL');
});

test('a machine without binaries is told what else there is', async () => {
  await expect(findPackage('sunos', 'sparc')).rejects.toMatchObject({
    code: 'environment',
    message: 'there is no built-in PostgreSQL for `sunos-sparc`',
    hint: expect.stringMatching(/install PostgreSQL.*DATABASE_URL/),
  });
});
