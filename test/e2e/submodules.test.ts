import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commitFiles, git, writeFiles } from '../helpers/git-repository.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeProject, type ProjectSpec, type SpecProject } from '../helpers/spec-project.ts';

const LONG = { timeout: 240_000 };

async function withModule(
  spec: ProjectSpec,
  sandbox: 'host' | 'bubblewrap',
  url = '../lib',
): Promise<SpecProject> {
  const project = await makeProject(spec, { sandbox });
  const lib = join(project.path, '../lib');
  await mkdir(lib);
  const commit = await commitFiles(lib, { 'answer.txt': '42\n' });
  const modules = `[submodule "lib"]\n\tpath = vendor/lib\n\turl = ${url}\n`;
  await writeFiles(project.path, { '.gitmodules': modules });
  await git(project.path, 'add', '.gitmodules');
  await git(project.path, 'update-index', '--add', '--cacheinfo', `160000,${commit},vendor/lib`);
  await git(project.path, 'commit', '--quiet', '--message=module');
  return project;
}

test.each(SANDBOXES)(
  'set-up, agents, gates and verify see submodules, and choo commits nothing of them (%s)',
  LONG,
  async (sandbox) => {
    const files = { 'inputs.txt': 'x\n' };
    const setup =
      'checkout: { submodules: true }\nworktree:\n  setup:\n    - command: cp vendor/lib/answer.txt vendor/lib/built.o\n      inputs: [inputs.txt]\n';
    const gate = 'grep -qx 42 vendor/lib/answer.txt && grep -qx 42 vendor/lib/built.o';
    const units = {
      one: { tasks: [{ gate: `${gate} && test -e one`, sh: 'cat vendor/lib/answer.txt > one' }] },
      two: {
        tasks: [
          {
            gate: `${gate} && test -e two`,
            sh: 'echo 43 > vendor/lib/answer.txt; touch vendor/lib/own two',
          },
        ],
      },
    };
    await using project = await withModule({ units, files, config: setup }, sandbox);
    const outcome = await project.run();
    expect(outcome.exitCode, outcome.stderr).toBe(0);
    expect(await project.git('show', 'choo/unit/main/one:one')).toBe('42');
    for (const unit of ['one', 'two']) {
      const changed = await project.git('diff', '--name-only', 'main', `choo/unit/main/${unit}`);
      expect(changed.split('\n').filter((path) => !path.startsWith('specs/'))).toEqual([unit]);
    }
    const notices = outcome.events.filter(({ code }) => code === 'submodules');
    expect(notices).toMatchObject([{ unit: 'two', message: expect.stringContaining('`vendor/lib`') }]);
    const count = (type: string): number => outcome.events.filter((event) => event['type'] === type).length;
    const isShared = sandbox === 'bubblewrap';
    expect([count('worktree.setup'), count('setup.reused')]).toEqual(isShared ? [1, 3] : [4, 0]);

    // The commit of a submodule is among the inputs of a set-up.
    const lib = join(project.path, '../lib');
    const next = await commitFiles(lib, { 'answer.txt': '42\n', 'more.txt': 'x' });
    await git(project.path, 'update-index', '--cacheinfo', `160000,${next},vendor/lib`);
    await git(project.path, 'commit', '--quiet', '--message=next');
    const again = await project.run('--fresh', '--unit', 'one');
    expect(again.exitCode, again.stderr).toBe(0);
    const anew = again.events.filter(({ type }) => type === 'worktree.setup');
    expect(anew).toHaveLength(isShared ? 1 : 2);
    expect((await project.choo('cleanup')).stdout).toMatch(/^removed what was fetched into .*\/modules$/m);
  },
);

test('a submodule from anywhere else ends the unit with a reason', LONG, async () => {
  const units = { one: { tasks: [{ gate: 'test -e one', sh: 'touch one' }] } };
  const config = 'checkout: { submodules: true }\n';
  await using project = await withModule({ units, config }, 'host', 'ext::touch% /tmp/x');
  const outcome = await project.run();
  expect(outcome.exitCode).not.toBe(0);
  expect(outcome.events.find(({ type }) => type === 'unit.failed')).toMatchObject({
    message: expect.stringContaining("`ext::touch% /tmp/x` is no submodule's address for choo"),
  });
});
