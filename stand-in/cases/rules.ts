import { describe, expect, test } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { AT, push, REPO, remoteBy, startWorld } from './case-world.ts';

describe('a rule of a repository', () => {
  test('is shown, and refuses pushes, refs and merges that break it', async () => {
    await using world = await startWorld();
    const { github, app, clone, token } = world;
    const alice = github.as('alice');
    await push(clone, 'side', { side: '1\n' });
    const number = await alice.openPull(REPO, { head: 'side', base: 'main', title: 'Side' });
    github.setRules(REPO, [
      { branches: ['main'], types: ['required_linear_history', 'deletion'] },
      { branches: ['s*'], types: ['non_fast_forward', 'deletion'] },
      { branches: ['choo/base/*'], types: ['creation'] },
    ]);
    const { data } = await app.rest.repos.getBranchRules({ ...AT, branch: 'main' });
    expect(data).toMatchObject([
      { type: 'required_linear_history', ruleset_source_type: 'Repository', ruleset_source: REPO },
      { type: 'deletion' },
    ]);
    await git(clone, 'commit', '-q', '--amend', '-m', 'again');
    await expect(git(clone, 'push', '-f', 'origin', 'side')).rejects.toThrow(
      /GH013: Repository rule violations found for refs\/heads\/side\.[^]*Cannot force-push to this branch[^]*\[remote rejected\] side -> side \(push declined due to repository rule violations\)/,
    );
    await expect(git(clone, 'push', 'origin', ':side')).rejects.toThrow(/Cannot delete this branch/);
    const made = git(clone, 'push', remoteBy(github, token), 'HEAD:refs/heads/choo/base/main/x');
    await expect(made).rejects.toThrow(/creations being restricted/);
    const sha = await git(clone, 'rev-parse', 'HEAD~1');
    const created = app.rest.git.createRef({ ...AT, ref: 'refs/heads/choo/base/main/x', sha });
    await expect(created).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('Repository rule violations found'),
    });
    await expect(alice.push(REPO, 'side', { amend: true })).rejects.toThrow(/Cannot force-push/);
    await expect(alice.merge(REPO, number)).rejects.toThrow(/This branch must not contain merge commits\./);
    github.setMerging(REPO, { delete_branch_on_merge: true });
    await alice.merge(REPO, number, 'squash');
    expect((await github.state(REPO)).refs).toHaveProperty('refs/heads/side');
    await push(clone, 'free', { free: '1\n' });
    // Only the commits that are new are looked at.
    await git(clone, 'checkout', '-q', '-b', 'choo/unit/main/x');
    github.setRules(REPO, [{ branches: ['choo/unit/*'], types: ['required_linear_history'] }]);
    await git(clone, 'push', '-q', 'origin', 'HEAD:choo/unit/main/x');
    await git(clone, 'fetch', '-q', 'origin', 'main');
    await git(clone, 'merge', '-q', '--no-ff', '-m', 'merged', 'FETCH_HEAD');
    await expect(git(clone, 'push', 'origin', 'HEAD:choo/unit/main/x')).rejects.toThrow(
      /This branch must not contain merge commits\./,
    );
    await git(clone, 'push', '-q', 'origin', 'HEAD:free');
  });
});
