import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commitFiles, git } from '../../helpers/git-repository.ts';
import { runChoo } from '../../helpers/run-choo.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const LIST = 'openspec/changes/login/tasks.md';
const TEXT = [
  '## 1. Table\n- [ ] 1.1 Add it. Verify: `make table`\n',
  '  Its first line.\n\n  Its second line.\n\n  Its third line.\n',
  '- [ ] 1.2 Without a proof\n## 2. Page\n- [x] 2.1 Form. Verify: `make form`\n',
].join('');
const TASK = 'specs/tasks/login-1/01-add-it-verify-make-table.md';

async function makeProject() {
  const place = await temporaryDirectory();
  const { path } = place;
  await commitFiles(path, { [LIST]: TEXT.replace('Without a proof', 'Index it. Verify: `make index`') });
  return {
    path,
    choo: async (...args: string[]) => runChoo(path, args),
    read: async (file: string) => readFile(join(path, file), 'utf8'),
    write: async (file: string, text: string) => writeFile(join(path, file), text),
    status: async () => git(path, 'status', '--porcelain', '--untracked-files=all'),
    [Symbol.asyncDispose]: async () => place[Symbol.asyncDispose](),
  };
}

test('an import shows what it did, and again there is nothing to do', async () => {
  await using project = await makeProject();
  expect((await project.choo('import', '--dry-run')).stdout).toContain(`${LIST}:2`);
  expect(await project.status()).toBe('');
  const { stdout, exitCode } = await project.choo('import');
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`  new       01-add-it-verify-make-table.md  from ${LIST}:2\n`);
  expect(stdout).toContain('5 files: 5 new\n');
  expect((await project.choo('check')).exitCode).toBe(0);
  const before = await project.status();
  expect((await project.choo('import')).stdout).toContain('5 files: 5 kept\n');
  expect(await project.status()).toBe(before);
  const { actions } = JSON.parse((await project.choo('import', '--json')).stdout) as { actions: object[] };
  expect(actions[1]).toEqual({ kind: 'keep', path: TASK.slice('specs/tasks/'.length), line: 2, from: LIST });
});

test('git merges what a person and the source changed in a text, and tells what both did', async () => {
  await using project = await makeProject();
  await project.choo('import');
  await project.write(TASK, (await project.read(TASK)).replace('third line.', 'third line, mine.'));
  const list = await project.read(LIST);
  await project.write(LIST, list.replace('first line.', 'first line, theirs.'));
  const merged = await project.choo('import');
  expect(merged.stdout).toContain('1 merged');
  for (const part of ['third line, mine.', 'first line, theirs.'])
    expect(await project.read(TASK)).toContain(part);
  // Both change the same line, and git has the list as it was at the last import.
  await git(project.path, 'add', '--all');
  await git(project.path, 'commit', '--quiet', '--message=as it is');
  const mine = (await project.read(TASK)).replace('second line', 'second line, mine');
  await project.write(TASK, mine);
  await project.write(LIST, (await project.read(LIST)).replace('second line', 'second line, theirs'));
  const conflict = await project.choo('import');
  expect(conflict.exitCode).toBe(1);
  expect(conflict.stdout).toContain(`from ${LIST}:2: text changed here and in the source\n`);
  expect(await project.read(TASK)).toBe(mine);
  expect((await project.choo('import', '--mine')).exitCode).toBe(0);
  expect((await project.choo('import')).stdout).toContain('5 kept');
  expect(await project.read(TASK)).toContain('second line, mine');
});

test('a unit with a task that has no gate is not imported, and the task is named', async () => {
  await using project = await makeProject();
  await project.write(LIST, TEXT);
  const { stdout, stderr, exitCode } = await project.choo('import');
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`${LIST}:8:1 error this task has no gate, so its unit does not run`);
  expect(stdout).not.toContain('login-1/');
});

test('links are not written through', async () => {
  await using project = await makeProject();
  await project.choo('import');
  await symlink('/nonexistent', join(project.path, 'specs/tasks/login-3'));
  const { exitCode, stderr } = await project.choo('import');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('is a symbolic link');
});

test('without task lists there is nothing to import', async () => {
  await using place = await temporaryDirectory();
  const { exitCode, stderr } = await runChoo(place.path, ['import']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('there are no task lists of OpenSpec, spec-kit or Kiro here');
});
