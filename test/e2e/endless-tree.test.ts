import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ended, planned, quiet, seen } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO } from '../helpers/app-world.ts';
import { git } from '../helpers/git-repository.ts';
import { projectFiles } from '../helpers/spec-project.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { makeBomb } from '../helpers/tree-bomb.ts';

const UNITS = {
  one: { tasks: [{ gate: 'test -f one.txt', sh: 'echo > one.txt' }] },
  two: { dependsOn: ['one'], tasks: [{ gate: 'test -f two.txt', sh: 'echo > two.txt' }] },
};
const BRANCH = 'choo/unit/feature/one';

const stack = new AsyncDisposableStack();
let world: AppWorld;
let thread = 0;
let clone = '';
beforeAll(async () => {
  const place = stack.use(await temporaryDirectory());
  world = stack.use(await makeAppWorld({ units: {} }));
  await world.start({ CHOO_SETTLE_SECONDS: '0' });
  const { '.choo.yml': _, ...files } = projectFiles({ units: UNITS });
  const head = await world.push('alice', 'feature', files);
  const alice = world.github.as('alice');
  thread = await alice.openPull(REPO, { head: 'feature', base: 'main', title: 'Units' });
  await planned(world, head);
  await seen(world, thread);
  await alice.label(REPO, thread, 'choo:run');
  await ended(world, 1, thread);
  await quiet(world);
  clone = join(place.path, 'clone');
  await mkdir(clone);
  await git(clone, 'clone', '--quiet', world.github.remote(REPO, 'alice'), '.');
});
afterAll(async () => stack.disposeAsync());

/** Pushes, on top of a branch, a commit of 262,144 files that is ten objects. Returns it. */
async function pushBomb(branch: string): Promise<string> {
  await git(clone, 'fetch', '--quiet', 'origin');
  const on = await git(clone, 'rev-parse', `refs/remotes/origin/${branch}`);
  const { commit } = await makeBomb(clone, { width: 8, depth: 6, on });
  await git(clone, 'push', '--quiet', 'origin', `${commit}:refs/heads/${branch}`);
  return commit;
}

test('a commit of 262,144 files on a unit branch is verified by nobody, and the server goes on', async () => {
  const before = await world.server.rows('select id from runs');
  const commit = await pushBomb(BRANCH);
  const state = await quiet(world);
  const checks = state.checks.filter(({ name, head_sha }) => name === 'choo / one' && head_sha === commit);
  expect(checks.map(({ conclusion }) => conclusion)).not.toContain('success');
  expect(checks.length).toBeGreaterThan(0);
  const pull = state.pulls.find(({ head }) => head.ref === BRANCH);
  expect(pull).toMatchObject({ state: 'open', draft: true, head: { sha: commit } });
  // Others get their answer.
  const { '.choo.yml': _, ...files } = projectFiles({ units: UNITS });
  const head = await world.push('alice', 'other', files);
  await planned(world, head);
  expect((await world.server.rows('select id from runs')).length - before.length).toBeLessThanOrEqual(2);
  expect(await world.git('rev-parse', `refs/heads/${BRANCH}`)).toBe(commit);
});

test('specs in such a commit are a plan with one error, and are not run', async () => {
  const runs = await world.server.rows('select id from runs');
  const commit = await pushBomb('feature');
  const state = await planned(world, commit);
  const check = state.checks.find(({ name, head_sha }) => name === 'choo / plan' && head_sha === commit);
  expect(check).toMatchObject({ conclusion: 'failure' });
  expect(JSON.stringify(check)).toContain('| error | the commit | it has 299603 files');
  await world.github.as('alice').comment(REPO, thread, '/choo run --fresh');
  await quiet(world);
  const asked = `select id from runs join events on events.run = runs.id and events.seq = 1 where events.body ->> 'commit' = '${commit}'`;
  expect(await world.server.rows(asked)).toEqual([]);
  expect(runs.length).toBeGreaterThan(0);
});
