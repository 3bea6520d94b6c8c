import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeFiles } from '../../helpers/git-repository.ts';
import { planText, taskText } from '../../helpers/memory-tree.ts';
import { runChoo } from '../../helpers/run-choo.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const LIST = [
  '## 1. Table\n',
  '- [ ] 1.1 Add the table. Verify: `npm test -- table`\n',
  '- [x] 1.2 Done\n',
  '- [ ] Without a number\n',
].join('');
const CHOICES = 'openspec/changes/choo.gates.yml';

async function makeProject(files: Readonly<Record<string, string>> = {}) {
  const place = await temporaryDirectory();
  const { path } = place;
  await writeFiles(path, {
    '.choo.yml': 'specs: { from: openspec }\n',
    'openspec/changes/login/tasks.md': LIST,
    'specs/tasks/own/IMPLEMENTATION_PLAN.md': planText(),
    'specs/tasks/own/01-step.md': taskText({ backpressure: 'make own' }),
    ...files,
  });
  return {
    path,
    choo: async (...args: string[]) => runChoo(path, args),
    [Symbol.asyncDispose]: async () => place[Symbol.asyncDispose](),
  };
}

test('every task is listed with its gate and where it comes from', async () => {
  await using project = await makeProject({ [CHOICES]: 'login: { 1.1: "npm test || true" }\n' });
  const { stdout, exitCode } = await project.choo('gates', '--json');
  expect(exitCode).toBe(1);
  const { gates } = JSON.parse(stdout) as { gates: Record<string, unknown>[] };
  expect(gates.map(({ unit, name, line, gate, faults }) => ({ unit, name, line, gate, faults }))).toEqual([
    {
      unit: 'login-1',
      name: '1.1',
      line: 2,
      gate: { command: 'npm test || true', from: 'chosen', line: null },
      faults: ['gate-cannot-fail'],
    },
    { unit: 'login-1', name: '1.2', line: 3, gate: null, faults: [] },
    { unit: 'login-1', name: 'Without a number', line: 4, gate: null, faults: [] },
    { unit: 'own', name: '1', line: 4, gate: { command: 'make own', from: 'spec', line: 4 }, faults: [] },
  ]);
});

test('what is filled in wins over what is found, and what was chosen before stays', async () => {
  await using project = await makeProject({ [CHOICES]: 'login: { 1.1: npm run table }\n' });
  const { stdout } = await project.choo('gates', '--yaml');
  expect(stdout.split('\n').slice(1)).toEqual([
    '"openspec/changes/login":',
    '  "1.1": "npm run table"',
    '  "Without a number": # Without a number',
    '',
  ]);
  await writeFile(
    join(project.path, 'mine.yml'),
    stdout.replace('  "1.1": "npm run table"\n', '').replace('# Without', 'npm test # '),
  );
  const written = await project.choo('gates', '--write', 'mine.yml');
  expect(written).toMatchObject({ exitCode: 0, stdout: `wrote ${CHOICES}: 2 gates\n`, stderr: '' });
  expect((await readFile(join(project.path, CHOICES), 'utf8')).split('\n').slice(1)).toEqual([
    '"login":',
    '  "1.1": "npm run table"',
    '  "Without a number": "npm test"',
    '',
  ]);
  const plan = JSON.parse((await project.choo('plan', '--json')).stdout) as {
    units: { id: string; state: string; tasks: { gate: string }[] }[];
  };
  expect(plan.units[0]).toMatchObject({ id: 'login-1', state: 'planned' });
  expect(plan.units[0]?.tasks.map(({ gate }) => gate)).toEqual(['npm run table', 'npm test']);
  expect((await project.choo('gates')).exitCode).toBe(0);
  const again = await readFile(join(project.path, CHOICES), 'utf8');
  await project.choo('gates', '--write', 'mine.yml');
  expect(await readFile(join(project.path, CHOICES), 'utf8')).toBe(again);
});

test('choices that fit no task, or are none, are told, and nothing is written', async () => {
  await using project = await makeProject();
  await writeFile(join(project.path, 'mine.yml'), 'login: { 1.1: make, 1.9: make }\nother: { 1: make }\n');
  const { exitCode, stderr } = await project.choo('gates', '--write', 'mine.yml');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('`login` has no task `1.9`');
  expect(stderr).toContain('no task list is read in `other`');
  await writeFile(join(project.path, 'mine.yml'), 'login: [make]\n');
  expect((await project.choo('gates', '--write', 'mine.yml')).stderr).toContain('mine.yml:1:8 error');
  await expect(readFile(join(project.path, CHOICES))).rejects.toThrow('ENOENT');
  expect((await project.choo('gates', '--write', 'none.yml')).exitCode).toBe(2);
});

test('a link in the place of the choices is neither followed nor read', async () => {
  await using project = await makeProject({
    'mine.yml': 'login: { 1.1: make }\n',
    'elsewhere/file': 'mine\n',
  });
  await symlink('../../elsewhere/file', join(project.path, CHOICES));
  const { exitCode, stderr } = await project.choo('gates', '--write', 'mine.yml');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('is not a regular file');
  expect(await readFile(join(project.path, 'elsewhere/file'), 'utf8')).toBe('mine\n');
  expect((await project.choo('check')).stdout).toContain(`${CHOICES}:1:1 error the file cannot be read`);
  await rm(join(project.path, CHOICES));
  await mkdir(join(project.path, CHOICES));
  expect((await project.choo('check')).stdout).toContain('the file cannot be read');
});
