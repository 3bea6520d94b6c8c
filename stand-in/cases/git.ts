import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { git, writeFiles } from '../../test/helpers/git-repository.ts';
import { AT, REPO, startWorld, push, remoteBy, type Fields } from './case-world.ts';

describe('git', () => {
  test('is real, and tells of what was pushed', async () => {
    await using world = await startWorld();
    const { github, receiver, clone, token } = world;
    const before = await git(clone, 'rev-parse', 'HEAD');
    const after = await push(clone, 'main', { 'a.md': 'two\n', 'ü.md': 'new\n' });
    expect((await receiver.next('push')).body).toMatchObject({
      ...{ ref: 'refs/heads/main', before, after, created: false, deleted: false, forced: false },
      commits: [{ id: after, added: ['ü.md'], modified: ['a.md'], removed: [] }],
      ...{ pusher: { name: 'alice' }, repository: { default_branch: 'main' }, head_commit: { id: after } },
    });
    await git(clone, 'push', '-q', remoteBy(github, token), 'HEAD:refs/heads/by-app');
    expect((await receiver.next('push')).body).toMatchObject({
      created: true,
      sender: { login: 'choo[bot]' },
    });
    await git(clone, 'commit', '-q', '--amend', '-m', 'again');
    const stale = git(clone, 'push', `--force-with-lease=main:${before}`, 'origin', 'main');
    await expect(stale).rejects.toThrow(/stale info/);
    await git(clone, 'push', '-q', `--force-with-lease=main:${after}`, 'origin', 'main');
    expect((await receiver.next('push')).body).toMatchObject({ forced: true });
    await git(clone, 'push', '-q', 'origin', ':by-app');
    expect((await receiver.next('push')).body).toMatchObject({
      deleted: true,
      commits: [],
      head_commit: null,
    });
    expect((await github.state(REPO)).refs).toEqual({
      'refs/heads/main': await git(clone, 'rev-parse', 'HEAD'),
    });
  });

  test('is refused to readers, and workflows to the app', async () => {
    await using world = await startWorld();
    const { github, clone, token } = world;
    const reader = git(clone, 'push', github.remote(REPO, 'bob'), 'HEAD:refs/heads/x');
    await expect(reader).rejects.toThrow(/Permission to acme\/widgets.git denied to bob/);
    await writeFiles(clone, { '.github/workflows/ci.yml': 'on: push\n' });
    await git(clone, 'add', '-A');
    await git(clone, 'commit', '-q', '-m', 'ci');
    await expect(git(clone, 'push', remoteBy(github, token), 'HEAD:refs/heads/x')).rejects.toThrow(
      /\[remote rejected\] HEAD -> x \(refusing to allow a GitHub App to create or update workflow `.github\/workflows\/ci.yml` without `workflows` permission\)/,
    );
    await git(clone, 'push', '-q', 'origin', 'HEAD:refs/heads/x');
    expect(Object.keys((await github.state(REPO)).refs)).toContain('refs/heads/x');
  });

  test('takes one push after the other, and workflows from an app that may', async () => {
    await using world = await startWorld({ app: { permissions: { contents: 'write', workflows: 'write' } } });
    const { github, clone, receiver, token } = world;
    await writeFiles(clone, { '.github/workflows/ci.yml': 'on: push\n' });
    await git(clone, 'add', '-A');
    await git(clone, 'commit', '-q', '-m', 'ci');
    const branches = Array.from({ length: 8 }, (_, index) => `b${index}`);
    const remote = remoteBy(github, token);
    await Promise.all(
      branches.map((branch) => git(clone, 'push', '-q', remote, `HEAD:refs/heads/${branch}`)),
    );
    const pushes = await Promise.all(branches.map(() => receiver.next('push')));
    const commits = pushes.map(({ body }) => (body as Fields)['commits'] as unknown as unknown[]);
    // Only the first added new commits.
    expect(commits.map(({ length }) => length).toSorted((one, other) => one - other)).toEqual([
      0, 0, 0, 0, 0, 0, 0, 1,
    ]);
    expect(Object.keys((await github.state(REPO)).refs)).toHaveLength(9);
  });

  test('takes three thousand files at once', async () => {
    await using world = await startWorld();
    const { clone, github } = world;
    const files = Array.from(
      { length: 3000 },
      (_, index) => `M 100644 inline many/${index % 50}/${index}.txt\ndata <<END\n${index}\nEND\n`,
    );
    const commit =
      'commit refs/heads/many\ncommitter x <x@localhost> 0 +0000\ndata 1\nm\nfrom refs/heads/main\n';
    await execa('git', ['fast-import', '--quiet'], { cwd: clone, input: `${commit}${files.join('')}` });
    const began = performance.now();
    await git(clone, 'push', '-q', github.remote(REPO, 'alice'), 'many');
    expect(performance.now() - began).toBeLessThan(8000);
    const { body } = await world.receiver.next('push');
    expect((body as Fields)['commits']?.[0]?.['added']).toHaveLength(3000);
  });

  test('is what the API shows', async () => {
    await using world = await startWorld();
    const { app, clone, receiver } = world;
    const base = await git(clone, 'rev-parse', 'HEAD');
    await app.rest.git.createRef({ ...AT, ref: 'refs/heads/side', sha: base });
    expect((await receiver.next('push')).body).toMatchObject({
      created: true,
      ref: 'refs/heads/side',
      commits: [],
    });
    const again = app.rest.git.createRef({ ...AT, ref: 'refs/heads/side', sha: base });
    await expect(again).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('already exists'),
    });
    const head = await push(clone, 'side', { 'a.md': 'two\n' }, '--force');
    const { data } = await app.rest.repos.compareCommitsWithBasehead({ ...AT, basehead: 'main...side' });
    expect(data).toMatchObject({
      status: 'ahead',
      ahead_by: 1,
      behind_by: 0,
      merge_base_commit: { sha: base },
    });
    expect(data.files).toMatchObject([
      { filename: 'a.md', additions: 1, deletions: 1, patch: '@@ -1 +1 @@\n-one\n+two' },
    ]);
    const file = (await app.rest.repos.getContent({ ...AT, path: 'a.md', ref: 'side' }))
      .data as unknown as Fields;
    expect(Buffer.from(String(file['content']), 'base64').toString()).toBe('two\n');
    const listed = (await app.rest.repos.getContent({ ...AT, path: 'docs' })).data;
    expect(listed).toMatchObject([{ path: 'docs/b.md', type: 'file', size: 2 }]);
    expect((await app.rest.repos.getBranch({ ...AT, branch: 'side' })).data.commit.sha).toBe(head);
    expect((await app.rest.repos.getCommit({ ...AT, ref: 'side' })).data).toMatchObject({
      sha: head,
      parents: [{ sha: base }],
    });
    const backwards = app.rest.git.updateRef({ ...AT, ref: 'heads/side', sha: base });
    await expect(backwards).rejects.toMatchObject({ status: 422 });
    await app.rest.git.updateRef({ ...AT, ref: 'heads/side', sha: base, force: true });
    expect((await app.rest.git.getRef({ ...AT, ref: 'heads/side' })).data.object.sha).toBe(base);
    await app.rest.git.deleteRef({ ...AT, ref: 'heads/side' });
    await expect(app.rest.git.getRef({ ...AT, ref: 'heads/side' })).rejects.toMatchObject({ status: 404 });
  });
});
