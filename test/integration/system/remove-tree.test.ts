import { execa } from 'execa';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setImmediate as immediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { listProcesses, send } from '../../../src/system/process-tree.ts';
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

/** Makes directories of 1,500 files each in one of them. */
async function makeLarge(directory: string, count: number): Promise<void> {
  const script =
    'for i in $(seq "$1"); do mkdir "$0/$i" && (cd "$0/$i" && seq 1500 | xargs touch) || exit; done';
  await execa('bash', ['-c', script, directory, String(count)]);
}

/** The most requests to the file system that were open at once while something was done. */
async function mostRequests(work: Promise<void>): Promise<number> {
  let most = 0;
  const state = { isOver: false };
  const over = work.finally(() => (state.isOver = true));
  while (!state.isOver) {
    await immediate();
    most = Math.max(most, process.getActiveResourcesInfo().filter((name) => name.startsWith('FS')).length);
  }
  await over;
  return most;
}

test('a large tree is removed by a program, and this process goes on', async () => {
  await using place = await temporaryDirectory();
  const root = join(place.path, 'root');
  await mkdir(root);
  await makeLarge(root, 2);
  // Neither its name nor what is in it need be text, and it may be closed.
  const odd = Buffer.concat([Buffer.from(`${place.path}/`), Buffer.of(0xff, 0x0a)]);
  await mkdir(odd);
  await rename(join(root, '1'), Buffer.concat([odd, Buffer.from('/1')]));
  await symlink('/usr', join(root, '2/link'));
  await chmod(Buffer.concat([odd, Buffer.from('/1')]), 0o000);
  await chmod(join(root, '2'), 0o000);
  expect(await mostRequests(removeTree(odd))).toBeLessThan(100);
  expect(await mostRequests(removeTree(root))).toBeLessThan(100);
  expect(await readdir(place.path)).toEqual([]);
});

test('is left soon after its signal has aborted, and goes the next time', async () => {
  await using place = await temporaryDirectory();
  const root = join(place.path, 'root');
  const ending = new AbortController();
  let removing: Promise<void>;
  // Until the program was stopped before it was ready.
  do {
    await mkdir(root, { recursive: true });
    await makeLarge(root, 10);
    removing = removeTree(root, ending.signal);
  } while (!(await stopRemoval(root, removing)));
  ending.abort('told to stop');
  await expect(removing).rejects.toBe('told to stop');
  expect((await readdir(root)).length).toBeGreaterThan(0);
  await removeTree(root);
  expect(await readdir(place.path)).toEqual([]);
});

/** Has the program wait that removes a tree. False: it was faster. */
async function stopRemoval(root: string, removing: Promise<void>): Promise<boolean> {
  const state = { isOver: false };
  void removing.finally(() => (state.isOver = true)).catch(() => {});
  while (!state.isOver) {
    const pid = listProcesses().find((each) => commandOf(each) === `rm\0-rf\0--\0${root}\0`);
    if (pid !== undefined) return send(pid, 'SIGSTOP') && existsSync(root);
    await immediate();
  }
  return false;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
