import { describe, expect, test } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { appToken, clientOf, installationToken } from '../clients.ts';
import { AT, REPO, remoteBy, startWorld } from './case-world.ts';

const ASKED = { checks: 'write', contents: 'write', issues: 'write', pull_requests: 'write' } as const;

describe('a permission that was not accepted', () => {
  test('refuses its requests and keeps back its events, until the owner accepts it', async () => {
    const accepted = { contents: 'read', issues: 'write', pull_requests: 'read' } as const;
    await using world = await startWorld({ app: { permissions: ASKED, accepted } });
    const { github, app, receiver, clone, token } = world;
    const alice = github.as('alice');
    const sha = await alice.push(REPO, 'side', { from: 'main', files: { side: '1\n' } });
    const headers = { 'x-accepted-github-permissions': 'checks=write' };
    const denied = {
      status: 403,
      message: expect.stringContaining('Resource not accessible by integration'),
    };
    const check = { ...AT, name: 'choo', head_sha: sha };
    await expect(app.rest.checks.create(check)).rejects.toMatchObject({ ...denied, response: { headers } });
    const number = await alice.openPull(REPO, { head: 'side', base: 'main', title: 'Side' });
    const change = app.rest.pulls.update({ ...AT, pull_number: number, title: 'New' });
    await expect(change).rejects.toMatchObject(denied);
    await expect(app.rest.pulls.get({ ...AT, pull_number: number })).resolves.toMatchObject({ status: 200 });
    await expect(git(clone, 'push', remoteBy(github, token), 'HEAD:refs/heads/x')).rejects.toThrow(/403/);
    const byKey = clientOf(github, appToken(github.environment));
    expect((await byKey.rest.apps.getAuthenticated()).data?.permissions).toEqual(ASKED);
    expect((await byKey.rest.apps.getRepoInstallation(AT)).data.permissions).toEqual(accepted);

    github.accept(1001);
    const told = (await receiver.next('installation.new_permissions_accepted')).body;
    expect(told['installation']).toMatchObject({ id: 1001, permissions: ASKED });
    // A token keeps the permissions that it was made with.
    await expect(app.rest.checks.create(check)).rejects.toMatchObject(denied);
    const fresh = clientOf(github, await installationToken(github, 1001));
    await fresh.rest.checks.create(check);
    await receiver.next('check_run.created');
    github.accept(1001, { contents: 'write', checks: 'write' });
    // Where one of several is enough, a semicolon stands between them.
    const narrow = clientOf(github, await installationToken(github, 1001));
    const comment = narrow.rest.issues.createComment({ ...AT, issue_number: number, body: 'x' });
    const either = { 'x-accepted-github-permissions': 'issues=write; pull_requests=write' };
    await expect(comment).rejects.toMatchObject({ ...denied, response: { headers: either } });
    await alice.close(REPO, number);
    await alice.deleteBranch(REPO, 'side');
    await receiver.next('delete');
    await github.settled();
    expect(receiver.received.some(({ action }) => action === 'closed')).toBe(false);
  });

  test('is one thing, an event without a subscription another', async () => {
    await using world = await startWorld({ app: { events: ['push'] } });
    const { github, receiver } = world;
    await github.as('alice').push(REPO, 'side', { from: 'main' });
    await github.as('alice').deleteBranch(REPO, 'side');
    github.suspend(1001);
    await receiver.next('installation.suspend');
    await github.settled();
    expect(receiver.received.map(({ event }) => event)).toEqual(['push', 'push', 'installation']);
  });
});

describe('a repository without drafts', () => {
  test('refuses to make one of a pull request', async () => {
    await using world = await startWorld();
    const { github } = world;
    const alice = github.as('alice');
    await alice.push('other/plain', 'side', { from: 'main', files: { side: '1\n' } });
    const side = { head: 'side', base: 'main', title: 'Side' };
    const words = /Draft pull requests are not supported in this repository\./;
    await expect(alice.openPull('other/plain', { ...side, draft: true })).rejects.toThrow(words);
    const number = await alice.openPull('other/plain', side);
    await expect(alice.convertToDraft('other/plain', number)).rejects.toThrow(words);
    expect((await github.state('other/plain')).pulls).toMatchObject([{ draft: false }]);
  });
});

describe('a delivery that is lost', () => {
  test('leaves no trace', async () => {
    await using world = await startWorld();
    const { github, receiver } = world;
    github.deliverTo(undefined);
    await github.as('alice').createIssue(REPO, { title: 'Unheard of' });
    github.loseWaiting();
    github.deliverTo(receiver.url);
    await github.as('alice').createIssue(REPO, { title: 'Heard of' });
    await github.settled();
    expect(receiver.received.map(({ body }) => body['issue'])).toMatchObject([{ title: 'Heard of' }]);
    const { data } = await clientOf(github, appToken(github.environment)).rest.apps.listWebhookDeliveries();
    expect(data).toHaveLength(1);
  });
});
