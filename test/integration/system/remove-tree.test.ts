import { execa } from 'execa';
import { chmod, lstat, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeTree, unlock } from '../../../src/system/remove-tree.ts';
import { snapshot, writeFiles } from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

test('opening a tree changes no link’s target, and no file', async () => {
  await using place = await temporaryDirectory();
  const [root, outside] = [join(place.path, 'ü'), join(place.path, 'outside')];
  await writeFiles(outside, { 'below/file': 'x' });
  await writeFiles(root, { 'closed/deep/file': 'x', 'open/file': 'x' });
  await symlink(outside, join(root, 'closed/link'));
  await symlink(outside, join(place.path, 'root-link'));
  await chmod(join(root, 'open/file'), 0o400);
  await chmod(join(root, 'closed/deep'), 0o050);
  await chmod(join(root, 'closed'), 0o000);
  await chmod(join(outside, 'below'), 0o555);
  const before = await snapshot(outside);
  await unlock(root);
  await unlock(join(place.path, 'root-link'));
  expect(await snapshot(outside)).toEqual(before);
  expect(await snapshot(root)).toEqual({
    closed: 'directory 700',
    'closed/deep': 'directory 750',
    'closed/deep/file': 'file 644 x',
    'closed/link': `link ${outside}`,
    open: 'directory 755',
    'open/file': 'file 400 x',
  });
  await chmod(join(outside, 'below'), 0o755);
});

test('opening a tree brings to its root what no path can tell, and nothing else', async () => {
  await using place = await temporaryDirectory();
  const root = join(place.path, 'root');
  await mkdir(root);
  const script = 'for i in $(seq 45); do mkdir $0 && cd ./$0 || exit; done; touch end';
  await execa('bash', ['-c', script, 'd'.repeat(200)], { cwd: root });
  await writeFiles(root, { [`${'short/'.repeat(100)}file`]: 'x' });
  await unlock(root);
  expect((await lstat(join(root, `${'short/'.repeat(100)}file`))).isFile()).toBe(true);
  expect((await readdir(root)).filter((name) => name.startsWith('.choo-')).length).toBeGreaterThan(1);
  expect((await execa('find', ['.', '-name', 'end'], { cwd: root })).stdout).toMatch(/\/end$/);
  await removeTree(root);
  expect(await readdir(place.path)).toEqual([]);
});

test('removing what is not there, a file and a link is quiet', async () => {
  await using place = await temporaryDirectory();
  await writeFiles(place.path, { file: 'x', 'kept/x': 'x' });
  await symlink('kept', join(place.path, 'link'));
  for (const name of ['none', 'file', 'link']) await removeTree(join(place.path, name));
  expect(await readdir(place.path, { recursive: true })).toEqual(['kept', 'kept/x']);
});
