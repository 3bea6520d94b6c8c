import { execa } from 'execa';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PlanCommitInput } from '../../../src/plan-thread/plan-commit.ts';
import { performInline, PlanThread } from '../../../src/plan-thread/plan-thread.ts';
import { gitIn } from '../../helpers/git-processes.ts';
import { commitFiles } from '../../helpers/git-repository.ts';
import { planText, taskText } from '../../helpers/memory-tree.ts';
import { projectFiles, type UnitSpec } from '../../helpers/spec-project.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

/** A repository of these files, its commit, and what a plan of that is asked by. */
async function open(files: Readonly<Record<string, string>>) {
  const temporary = await temporaryDirectory();
  const commit = await commitFiles(temporary.path, files);
  const remote = { directory: join(temporary.path, '.git'), searchPath: process.env['PATH'] ?? '' };
  const policy = await performInline()('readPolicy', {
    remote,
    argument: { head: commit, lastGood: null },
  });
  const question: PlanCommitInput = {
    commit,
    target: 'main',
    policy,
    ownBranches: [],
    provider: undefined,
    allowedProviders: undefined,
    done: new Map(),
    missingProviders: new Map(),
    elsewhere: [],
    branches: [],
    changesConfig: false,
    changed: new Set(['specs/tasks/u1']),
    comment: { checkUrl: 'https://checks.example', marker: '<!-- mark -->', isOfAll: false },
  };
  return { remote, commit, question, [Symbol.asyncDispose]: async () => temporary[Symbol.asyncDispose]() };
}

const units = (count: number): Record<string, UnitSpec> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `u${index}`,
      {
        dependsOn: index < 10 ? [] : [`u${index - 10}`],
        tasks: [{ gate: 'true' }, { gate: 'true' }, { gate: 'true' }],
      },
    ]),
  );

test('a thousand units are planned in time beside four processes that take all there is', async () => {
  await using world = await open(projectFiles({ units: units(1_000) }));
  const { remote, question } = world;
  const loops = Array.from({ length: 4 }, () => execa('node', ['-e', 'for (;;);'], { reject: false }));
  try {
    await using thread = new PlanThread();
    const { check, runnable, changedUnfinished, hasNewWork, comment } = await thread.perform('plan', {
      remote,
      argument: question,
    });
    expect({ runnable, changedUnfinished, hasNewWork }).toEqual({
      runnable: true,
      changedUnfinished: ['u1'],
      hasNewWork: true,
    });
    expect(check.title).toBe('1000 units in 100 waves');
    expect(comment).toContain('**1000 units in 100 waves**, 1 changed here');
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
    await Promise.all(loops);
  }
}, 180_000); // the four take the machine from git, too, which is slow to write four thousand files

test('answers what reading in place answers, for every job', async () => {
  await using world = await open(projectFiles({ units: units(3), config: 'parallelism: 2\n' }));
  await using thread = new PlanThread();
  const { remote, question, commit } = world;
  const here = performInline();
  const at = { commit, directory: '' };
  const input = <T>(asked: T) => ({ remote, argument: asked });
  for (const perform of [thread.perform, here]) {
    expect(await perform('readConfig', input(at))).toMatchObject({ parallelism: 2 });
    const changes = { roots: ['specs/tasks'], before: undefined, after: commit };
    expect(await perform('findChanges', input(changes))).toEqual({
      configuration: true,
      directories: new Set(['specs/tasks/u0', 'specs/tasks/u1', 'specs/tasks/u2']),
    });
    const unit = await perform('readUnit', input({ ...at, id: 'u2' }));
    expect(unit).toMatchObject({ id: 'u2', tasks: [{ gate: 'true' }, {}, {}] });
    expect(new TextDecoder().decode(unit?.plan.content)).toContain('depends_on');
    expect(await perform('readUnit', input({ ...at, id: 'u3' }))).toBeUndefined();
  }
  expect(await thread.perform('plan', input(question))).toEqual(await here('plan', input(question)));
});

test('specs that take too long are a `limit`, and their git ends with the thread', async () => {
  const slow = Object.fromEntries(
    Array.from({ length: 66 }, (_, unit) => [
      [`specs/tasks/u${unit}/IMPLEMENTATION_PLAN.md`, planText({ x: `[${'[a],'.repeat(3_900)}]` })],
      [`specs/tasks/u${unit}/01-step.md`, taskText()],
    ]).flat(),
  );
  await using world = await open(slow);
  await using thread = new PlanThread({ cpuMs: 500, wallMs: 20_000, heapMiB: 256 });
  const { remote, question } = world;
  await expect(thread.perform('plan', { remote, argument: question })).rejects.toMatchObject({
    code: 'limit',
    message: 'the specs take too long to read',
  });
  await expect.poll(() => gitIn(remote.directory)).toEqual([]);
});
