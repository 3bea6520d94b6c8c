import { expect, test } from 'vitest';
import { findAbsentFiles } from '../../../src/plan/absent-files.ts';
import { memoryTree, type TreeValue } from '../../helpers/memory-tree.ts';

const found = async (
  files: Readonly<Record<string, TreeValue>>,
  fetched = { submodules: false, lfs: false },
) =>
  (await findAbsentFiles(memoryTree(files), fetched)).map(
    ({ code, file, line }) => `${code} ${file}:${line}`,
  );

test.each<[string, Readonly<Record<string, TreeValue>>, readonly string[]]>([
  ['nothing', {}, []],
  ['submodules', { '.gitmodules': '\n[submodule "a"]\n' }, ['submodules-missing .gitmodules:2']],
  ['a file for submodules that names none', { '.gitmodules': '# none\n' }, []],
  [
    'files of Git LFS',
    { '.gitattributes': '*.psd filter=lfs diff=lfs\r\n' },
    ['lfs-missing .gitattributes:1'],
  ],
  ['a comment about Git LFS', { '.gitattributes': '# *.psd filter=lfs\n*.a filter=lfs-other\n' }, []],
  ['a link', { '.gitmodules': { symlink: true } }, []],
  ['what cannot be read', { '.gitmodules': { unreadable: true } }, []],
  ['another directory', { 'lib/.gitmodules': '[submodule "a"]\n' }, []],
])('finds %s', async (_, files, problems) => {
  expect(await found(files)).toEqual(problems);
});

test('does not miss what is fetched', async () => {
  const files = { '.gitmodules': '[submodule "a"]\n', '.gitattributes': '*.psd filter=lfs\n' };
  expect(await found(files, { submodules: true, lfs: false })).toEqual(['lfs-missing .gitattributes:1']);
  expect(await found(files, { submodules: false, lfs: true })).toEqual(['submodules-missing .gitmodules:1']);
});
