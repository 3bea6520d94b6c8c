import { describe, expect, test } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { clientOf } from '../clients.ts';
import { AT, REPO, startWorld } from './case-world.ts';

/** Two pull requests of alice, one on the other. */
async function openStack({ github }: Awaited<ReturnType<typeof startWorld>>) {
  const alice = github.as('alice');
  await alice.push(REPO, 'lower', { from: 'main', files: { lower: '1\n' } });
  await alice.push(REPO, 'upper', { from: 'lower', files: { upper: '1\n' } });
  const lower = await alice.openPull(REPO, { head: 'lower', base: 'main', title: 'Lower' });
  const upper = await alice.openPull(REPO, { head: 'upper', base: 'lower', title: 'Upper' });
  const pull = async (number: number) =>
    (await github.state(REPO)).pulls.find((each) => each.number === number) ?? { state: 'missing' };
  return { alice, lower, upper, pull };
}

describe('a branch that goes', () => {
  test('with its merge hands its pull requests down', async () => {
    await using world = await startWorld();
    const { github, receiver } = world;
    const { alice, lower, upper, pull } = await openStack(world);
    github.setMerging(REPO, { delete_branch_on_merge: true });
    const tip = (await github.state(REPO)).refs['refs/heads/lower'];
    await alice.merge(REPO, lower, 'squash');
    expect(await pull(upper)).toMatchObject({ state: 'open', base: { ref: 'main' } });
    expect((await github.state(REPO)).refs).not.toHaveProperty('refs/heads/lower');
    expect((await receiver.next('pull_request.edited')).body).toMatchObject({
      ...{ number: upper, changes: { base: { ref: { from: 'lower' }, sha: { from: tip } } } },
    });
    expect((await receiver.next('delete')).body).toMatchObject({
      ...{ ref: 'lower', ref_type: 'branch', pusher_type: 'user', sender: { login: 'alice' } },
      repository: { full_name: REPO },
    });
  });

  test('before they could be handed down closes them, and the way back has one order', async () => {
    await using world = await startWorld();
    const { github, app } = world;
    const { alice, lower, upper, pull } = await openStack(world);
    const tip = (await github.state(REPO)).refs['refs/heads/lower'] ?? '';
    github.setMerging(REPO, { delete_branch_on_merge: true });
    github.setDeletionWins(REPO, true);
    await alice.merge(REPO, lower);
    expect(await pull(upper)).toMatchObject({ state: 'closed', merged: false, base: { ref: 'lower' } });

    const change = async (to: { base?: string; state?: 'open' }) =>
      app.rest.pulls.update({ ...AT, pull_number: upper, ...to });
    await expect(change({ base: 'main' })).rejects.toThrow(
      /Cannot change the base branch of a closed pull request\./,
    );
    await expect(change({ state: 'open' })).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('state cannot be changed. The lower branch has been deleted.'),
    });
    await expect(change({ state: 'open', base: 'main' })).rejects.toMatchObject({ status: 422 });
    await app.rest.git.createRef({ ...AT, ref: 'refs/heads/lower', sha: tip });
    await change({ state: 'open' });
    await change({ base: 'main' });
    await app.rest.git.deleteRef({ ...AT, ref: 'heads/lower' });
    expect(await pull(upper)).toMatchObject({ state: 'open', base: { ref: 'main' } });
  });

  test('by the API closes what is on it and what comes from it, by a person on the pages only without a merge', async () => {
    await using world = await startWorld();
    const { github, receiver } = world;
    const { alice, lower, upper, pull } = await openStack(world);
    await alice.push(REPO, 'third', { from: 'main', files: { third: '1\n' } });
    const third = await alice.openPull(REPO, { head: 'third', base: 'upper', title: 'Third' });
    await alice.merge(REPO, lower);
    const person = clientOf(github, github.tokenOf('alice'));
    await person.rest.git.deleteRef({ ...AT, ref: 'heads/lower' });
    expect(await pull(upper)).toMatchObject({ state: 'closed', base: { ref: 'lower' } });
    await alice.deleteBranch(REPO, 'upper');
    expect(await pull(third)).toMatchObject({ state: 'closed', base: { ref: 'upper' } });
    await alice.deleteBranch(REPO, 'third', 'api');
    await github.settled();
    const told = receiver.received.filter(({ event }) => event === 'delete').map(({ body }) => body['ref']);
    expect(new Set(told)).toEqual(new Set(['lower', 'third', 'upper']));
  });

  test('or was rewritten while its pull request was closed keeps it closed', async () => {
    await using world = await startWorld();
    const { github, app } = world;
    const { alice, upper, pull } = await openStack(world);
    const reopen = async () => app.rest.pulls.update({ ...AT, pull_number: upper, state: 'open' });
    await alice.close(REPO, upper);
    const further = await alice.push(REPO, 'upper', { files: { upper: '2\n' } });
    await reopen();
    expect(await pull(upper)).toMatchObject({ state: 'open', head: { sha: further } });
    await alice.close(REPO, upper);
    const forced = await alice.push(REPO, 'upper', { amend: true, files: { upper: null } });
    expect(await git(github.bare(REPO), 'ls-tree', '--name-only', forced, 'upper')).toBe('');
    await expect(reopen()).rejects.toThrow(/The upper branch was force-pushed or recreated\./);
    expect(await pull(upper)).toMatchObject({ state: 'closed', head: { sha: further } });
    await alice.deleteBranch(REPO, 'upper');
    await expect(reopen()).rejects.toThrow(/The upper branch has been deleted\./);
  });
});

describe('Update branch', () => {
  test('merges the base into the head, for the person who pressed it', async () => {
    await using world = await startWorld();
    const { github, app, receiver } = world;
    const { alice, lower } = await openStack(world);
    const update = async (expected_head_sha?: string) =>
      app.rest.pulls.updateBranch({
        ...AT,
        pull_number: lower,
        ...(expected_head_sha && { expected_head_sha }),
      });
    await expect(update()).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('There are no new commits on the base branch.'),
    });
    const main = await alice.push(REPO, 'main', { files: { other: '1\n' } });
    await expect(update('0'.repeat(40))).rejects.toThrow(/expected_head_sha didn't match current head ref\./);
    const before = (await github.state(REPO)).refs['refs/heads/lower'];
    await alice.updateBranch(REPO, lower);
    const bare = github.bare(REPO);
    expect(await git(bare, 'log', '-1', '--format=%s|%an|%cn|%P', 'lower')).toBe(
      `Merge branch 'main' into lower|alice|GitHub|${before} ${main}`,
    );
    expect((await receiver.next('pull_request.synchronize')).body).toMatchObject({
      ...{ number: lower, before, sender: { login: 'alice' } },
    });
    await alice.push(REPO, 'main', { files: { lower: 'conflict\n' } });
    await expect(update()).rejects.toThrow(/merge conflict between base and head/);
    await alice.push(REPO, 'main', { files: { lower: null, late: '1\n' } });
    const { status, data } = await update();
    expect([status, data.message]).toEqual([202, 'Updating pull request branch.']);
    expect(await git(bare, 'log', '-1', '--format=%an', 'lower')).toBe('choo[bot]');
  });

  test('can rebase the head instead, with a force-push', async () => {
    await using world = await startWorld();
    const { github, receiver } = world;
    const { alice, lower } = await openStack(world);
    const main = await alice.push(REPO, 'main', { files: { other: '1\n' } });
    await alice.updateBranch(REPO, lower, 'rebase');
    expect(await git(github.bare(REPO), 'log', '-1', '--format=%an|%cn|%P', 'lower')).toBe(
      `alice|alice|${main}`,
    );
    await github.settled();
    expect(receiver.received.findLast(({ event }) => event === 'push')?.body).toMatchObject({
      ...{ ref: 'refs/heads/lower', forced: true },
    });
  });
});

describe('the new name of a branch', () => {
  test('is the base of what was on it, and closes what came from it', async () => {
    await using world = await startWorld();
    const { app, receiver } = world;
    const { alice, lower, upper, pull } = await openStack(world);
    await alice.renameBranch(REPO, 'lower', 'down/lower');
    expect(await pull(upper)).toMatchObject({ state: 'open', base: { ref: 'down/lower' } });
    expect(await pull(lower)).toMatchObject({ state: 'closed', merged: false });
    expect((await receiver.next('pull_request.edited')).body).toMatchObject({
      changes: { base: { ref: { from: 'lower' } } },
    });
    const again = app.rest.repos.renameBranch({ ...AT, branch: 'upper', new_name: 'down/lower' });
    await expect(again).rejects.toMatchObject({ status: 422 });
  });

  test("is the repository's default, if the branch was", async () => {
    await using world = await startWorld();
    const { github, app, receiver, clone } = world;
    const { alice, lower, pull } = await openStack(world);
    await expect(alice.renameBranch(REPO, 'main', 'trunk')).rejects.toThrow(/Must have admin rights/);
    const byApp = app.rest.repos.renameBranch({ ...AT, branch: 'main', new_name: 'trunk' });
    await expect(byApp).rejects.toMatchObject({ status: 403 });
    const before = (await github.state(REPO)).refs['refs/heads/main'];
    await github.as('acme').renameBranch(REPO, 'main', 'trunk');
    expect((await app.rest.repos.get(AT)).data.default_branch).toBe('trunk');
    expect((await github.state(REPO)).refs).toMatchObject({ 'refs/heads/trunk': before });
    expect((await github.state(REPO)).refs).not.toHaveProperty('refs/heads/main');
    expect(await git(clone, 'ls-remote', '--symref', 'origin', 'HEAD')).toContain('refs/heads/trunk');
    expect(await pull(lower)).toMatchObject({ state: 'open', base: { ref: 'trunk' } });
    expect((await receiver.next('repository.edited')).body).toMatchObject({
      ...{ changes: { default_branch: { from: 'main' } }, repository: { default_branch: 'trunk' } },
    });
    expect((await receiver.next('pull_request.edited')).body).toMatchObject({
      ...{ number: lower, changes: { base: { ref: { from: 'main' } } } },
      pull_request: { base: { ref: 'trunk', repo: { default_branch: 'trunk' } } },
    });
  });
});
