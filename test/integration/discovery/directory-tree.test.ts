import { execa } from 'execa';
import { writeFileSync } from 'node:fs';
import { mkdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DiscoveryCache } from '../../../src/discovery/discovery-cache.ts';
import { discover } from '../../../src/discovery/discovery.ts';
import { DirectoryTree, MAX_ENTRIES } from '../../../src/discovery/tree.ts';
import { writeFiles } from '../../helpers/git-repository.ts';
import { unitFiles } from '../../helpers/plan-of.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const ROOT = 'specs/tasks';

async function problemsOf(path: string): Promise<string[]> {
  const { problems } = await discover(new DirectoryTree(path), ROOT);
  return problems.kept.map(({ file, severity, code }) => `${file} ${severity} ${code}`);
}

describe('a spec tree in a directory', () => {
  test('does not follow links out of the tree, inside it or in a circle', async () => {
    await using place = await temporaryDirectory();
    await using outside = await temporaryDirectory();
    await writeFiles(outside.path, unitFiles('secret'));
    await writeFiles(place.path, { ...unitFiles('a'), ...unitFiles('good') });
    const tasks = join(place.path, ROOT);
    await symlink(join(outside.path, ROOT, 'secret'), join(tasks, 'out'));
    await symlink('good', join(tasks, 'inside'));
    await symlink('.', join(tasks, 'circle'));
    await symlink('self', join(tasks, 'self'));
    await symlink(join(outside.path, ROOT, 'secret/01-step.md'), join(tasks, 'a/02-step.md'));

    const found = await discover(new DirectoryTree(place.path), ROOT);

    expect(found.units.map(({ id }) => id)).toEqual(['good']);
    expect(
      found.problems.kept.map(({ file, severity }) => `${file.slice(ROOT.length + 1)} ${severity}`),
    ).toEqual(['a/02-step.md error', 'circle warning', 'inside warning', 'out warning', 'self warning']);
  });

  test.each([['specs'], [ROOT]])('whose `%s` is a link is not read', async (link) => {
    await using place = await temporaryDirectory();
    await writeFiles(place.path, unitFiles('a'));
    await rename(join(place.path, link), join(place.path, 'elsewhere'));
    await symlink(join(place.path, 'elsewhere'), join(place.path, link));
    expect(await problemsOf(place.path)).toEqual([`${ROOT} error tree-symlink`]);
  });

  test('does not wait for a pipe, and reads nothing but regular files', async () => {
    await using place = await temporaryDirectory();
    await writeFiles(place.path, unitFiles('a'));
    await execa('mkfifo', [join(place.path, ROOT, 'a/02-pipe.md')]);
    await mkdir(join(place.path, ROOT, 'a/03-directory.md'));
    expect(await problemsOf(place.path)).toEqual([
      `${ROOT}/a/02-pipe.md error not-a-file`,
      `${ROOT}/a/03-directory.md error not-a-file`,
    ]);
  });

  test('that is a file, or is not there, is one error', async () => {
    await using place = await temporaryDirectory();
    expect(await problemsOf(place.path)).toEqual([`${ROOT} error tree-missing`]);
    await writeFiles(place.path, { [ROOT]: 'x' });
    expect(await problemsOf(place.path)).toEqual([`${ROOT} error tree-not-a-directory`]);
  });

  test('with more names in one directory than fit is not listed', async () => {
    await using place = await temporaryDirectory();
    await mkdir(join(place.path, ROOT), { recursive: true });
    for (let name = 0; name <= MAX_ENTRIES; name += 1)
      writeFileSync(join(place.path, ROOT, String(name)), '');
    expect(await problemsOf(place.path)).toEqual([`${ROOT} error tree-too-many-entries`]);
  });

  test('with more names in all its directories than fit is one error', async () => {
    await using place = await temporaryDirectory();
    for (const unit of ['a', 'b', 'c']) {
      await mkdir(join(place.path, ROOT, unit), { recursive: true });
      for (let name = 0; name < 7_000; name += 1)
        writeFileSync(join(place.path, ROOT, unit, String(name)), '');
    }
    expect(await problemsOf(place.path)).toEqual([`${ROOT} error tree-too-many-files`]);
  });

  test('is read again where a file changed, even to the same size at the same time', async () => {
    await using place = await temporaryDirectory();
    await writeFiles(place.path, { ...unitFiles('a'), ...unitFiles('b') });
    const path = join(place.path, ROOT, 'a/01-step.md');
    const cache = new DiscoveryCache();
    const before = await discover(new DirectoryTree(place.path), ROOT, cache);

    // An editor that writes a new file and renames it: size and time stay, the inode does not.
    const edited = join(place.path, 'edited');
    await writeFile(edited, unitFiles('a')[`${ROOT}/a/01-step.md`]?.replace('make a-1', 'make z-1') ?? '');
    await utimes(edited, 1, 1);
    await utimes(path, 1, 1);
    await discover(new DirectoryTree(place.path), ROOT, cache);
    await rename(edited, path);
    const after = await discover(new DirectoryTree(place.path), ROOT, cache);

    expect(after.units[0]?.tasks[0]?.gate).toBe('make z-1');
    expect(after.units[1]).toBe(before.units[1]); // untouched, and so not read again
  });
});
