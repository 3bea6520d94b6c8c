import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commitFiles } from '../../helpers/git-repository.ts';
import { runChoo } from '../../helpers/run-choo.ts';
import { makeProject, type ProjectSpec, projectFiles, type SpecProject } from '../../helpers/spec-project.ts';

/** A unit that writes down which project it belongs to, and one that needs it. */
const projectIn = (directory: string): ProjectSpec => ({
  directory,
  units: {
    api: { tasks: [{ gate: 'test -f made-api', sh: 'echo > made-api' }] },
    web: {
      dependsOn: ['api'],
      tasks: [{ gate: 'test -f made-api && test -f made-web', sh: 'echo > made-web' }],
    },
  },
});

/** `choo run` in a directory of the repository. */
async function runIn({ path, environment }: SpecProject, directory: string) {
  const { stdout, exitCode } = await runChoo(
    join(path, directory),
    ['run', '--json', '--sandbox', 'host'],
    environment,
  );
  const events: Record<string, unknown>[] = stdout
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  const named = (type: string): unknown[] =>
    events.filter((event) => event['type'] === type).map(({ unit }) => unit);
  return {
    exitCode,
    started: named('unit.started'),
    satisfied: named('unit.satisfied'),
    completed: named('unit.completed'),
  };
}

/** A repository with a project in each of these directories, none of them at its root but `''`. */
async function makeProjects(...directories: readonly string[]): Promise<SpecProject> {
  const [first = '', ...others] = directories;
  const project = await makeProject(projectIn(first));
  const files = others.map((directory) => projectFiles(projectIn(directory)));
  await commitFiles(project.path, Object.assign({}, ...files));
  return project;
}

const unitBranches = async (project: SpecProject): Promise<readonly string[]> =>
  (await project.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/choo/unit')).split('\n');

const BOTH = { exitCode: 0, started: ['api', 'web'], satisfied: [], completed: ['api', 'web'] };
const AGAIN = { exitCode: 0, started: [], satisfied: ['api', 'web'], completed: [] };

test('one unit id in two directories, and at the root, is three units', async () => {
  await using project = await makeProjects('', 'packages/a/', 'packages/b/');
  expect(await runIn(project, 'packages/a')).toEqual(BOTH);
  expect(await runIn(project, 'packages/b')).toEqual(BOTH);
  expect(await runIn(project, '')).toEqual(BOTH);
  expect(await unitBranches(project)).toEqual([
    'choo/unit/main/api',
    'choo/unit/main/packages+a+api',
    'choo/unit/main/packages+a+web',
    'choo/unit/main/packages+b+api',
    'choo/unit/main/packages+b+web',
    'choo/unit/main/web',
  ]);
  for (const [directory, branch] of [
    ['packages/a/', 'packages+a+web'],
    ['packages/b/', 'packages+b+web'],
    ['', 'web'],
  ] as const) {
    const changed = await project.git('diff', '--name-only', 'main', `choo/unit/main/${branch}`);
    const made = changed.split('\n').filter((path) => path.includes('made-'));
    expect(made).toEqual([`${directory}made-api`, `${directory}made-web`]);
  }
  // The newest run that has the unit is the root's.
  const logs = await runChoo(
    join(project.path, 'packages/a'),
    ['logs', 'api', '--json'],
    project.environment,
  );
  expect(logs.stdout).toContain('"branch":"choo/unit/main/packages+a+api"');
  // Each is known by itself.
  expect(await runIn(project, 'packages/b')).toEqual(AGAIN);
  expect(await runIn(project, 'packages/a')).toEqual(AGAIN);
  expect(await runIn(project, '')).toEqual(AGAIN);
});

test('directories whose names would be one branch are told apart', async () => {
  const directories = ['a/b/', 'a+b/', 'A/b/', '.a/b/', `${'long-'.repeat(40)}x/`];
  await using project = await makeProjects(...directories);
  for (const directory of directories) expect(await runIn(project, directory)).toEqual(BOTH);
  const branches = await unitBranches(project);
  expect(new Set(branches.map((branch) => branch.toLowerCase()))).toHaveLength(2 * directories.length);
  expect(branches).toContain('choo/unit/main/a+b+api');
  for (const directory of directories) expect(await runIn(project, directory)).toEqual(AGAIN);
});

test('`choo plan` shows the keys that `choo run` goes by, and finds what is in the way of its branches', async () => {
  await using project = await makeProjects('packages/a/', '');
  const choo = async (directory: string, ...args: string[]) =>
    runChoo(join(project.path, directory), args, project.environment);
  const keysOf = async (directory: string, ...args: string[]): Promise<readonly string[]> => {
    const { stdout } = await choo(directory, 'plan', '--json', ...args);
    return (JSON.parse(stdout) as { units: { key: string }[] }).units.map(({ key }) => key);
  };
  const keys = await keysOf('packages/a');
  expect(await keysOf('packages/a', '--rev', 'HEAD')).toEqual(keys);
  expect(await keysOf('')).not.toEqual(keys);
  await project.git('branch', 'choo/unit/main/packages+a+api/x');
  const { stdout } = await choo('packages/a', 'plan');
  expect(stdout).toContain('choo/unit/main/packages+a+api/x');
  expect((await choo('', 'plan')).stdout).not.toContain('packages+a+api/x');
});
