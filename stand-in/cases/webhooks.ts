import { describe, expect, test } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { installationToken } from '../clients.ts';
import { REPO, AT, startWorld, remoteBy } from './case-world.ts';

describe('webhooks', () => {
  test('are signed, wait for a place to go, fail and come again', async () => {
    await using world = await startWorld();
    const { github, receiver } = world;
    github.deliverTo(undefined);
    const number = await github.as('alice').createIssue(REPO, { title: 'Broken', labels: ['bug'] });
    expect(github.deliveries.map(({ event, action, state }) => [event, action, state])).toEqual([
      ['issues', 'opened', 'waiting'],
      ['issues', 'labeled', 'waiting'],
    ]);
    receiver.status = 500;
    github.deliverTo(receiver.url);
    await github.settled();
    expect(github.deliveries.map(({ status, state }) => [status, state])).toEqual([
      [500, 'failed'],
      [500, 'failed'],
    ]);
    receiver.status = 202;
    const again = github.redeliverFailed();
    await github.settled();
    expect(again.map(({ guid }) => guid)).toEqual(github.deliveries.slice(0, 2).map(({ guid }) => guid));
    expect(again.map(({ status }) => status)).toEqual([202, 202]);
    const [first] = github.deliveries.map((delivery) => github.redeliver(delivery, { newGuid: true }));
    await github.settled();
    expect(first?.guid).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(receiver.received.map(({ guid }) => guid)).size).toBe(2 + 4);
    expect(receiver.received.every(({ signed }) => signed)).toBe(true);
    expect(receiver.received[0]?.body).toMatchObject({
      ...{ action: 'opened', installation: { id: 1001 }, repository: { id: 1, full_name: REPO } },
      ...{ sender: { login: 'alice', type: 'User' }, issue: { number } },
    });
    github.deliver('ping', { zen: 'x' }, { secret: 'wrong', guid: 'mine' });
    expect(await receiver.next('ping')).toMatchObject({ guid: 'mine', signed: false });
  });

  test('that nobody takes fail without an answer', async () => {
    await using world = await startWorld();
    const { github, receiver } = world;
    await receiver[Symbol.asyncDispose]();
    await github.as('alice').createIssue(REPO, { title: 'x' });
    await github.settled();
    expect(github.deliveries).toMatchObject([{ event: 'issues', status: undefined, state: 'failed' }]);
    github.deliverTo(undefined);
    expect(github.redeliverAll()).toMatchObject([{ state: 'waiting', guid: github.deliveries[0]?.guid }]);
  });

  test('of the app itself name its bot', async () => {
    await using world = await startWorld();
    const { github, receiver, app } = world;
    const { data } = await app.rest.issues.create({ ...AT, title: 'By the app' });
    expect(data).toMatchObject({
      user: { login: 'choo[bot]', type: 'Bot' },
      performed_via_github_app: { slug: 'choo' },
    });
    expect((await receiver.next('issues.opened')).body['sender']).toMatchObject({
      login: 'choo[bot]',
      type: 'Bot',
    });
    await github.as('mallory').comment(REPO, data.number, 'hello');
    const { body } = await receiver.next('issue_comment.created');
    expect(body['issue']).not.toHaveProperty('pull_request');
  });

  test('tell of installations and repositories that come, go and change', async () => {
    await using world = await startWorld();
    const { github, receiver, app, token } = world;
    github.removeRepository('acme/secrets');
    const removed = (await receiver.next('installation_repositories.removed')).body;
    expect(removed['repositories_removed']).toMatchObject([{ full_name: 'acme/secrets' }]);
    github.addRepository('acme/secrets', 1001);
    await receiver.next('installation_repositories.added');
    await github.rename(REPO, 'gadgets');
    const renamed = (await receiver.next('repository.renamed')).body;
    expect(renamed).toMatchObject({ changes: { repository: { name: { from: 'widgets' } } } });
    expect((await app.rest.repos.get(AT)).data.full_name).toBe('acme/gadgets');
    await git(process.cwd(), 'ls-remote', remoteBy(github, token));
    github.suspend(1001);
    await receiver.next('installation.suspend');
    await expect(app.rest.repos.get({ ...AT, repo: 'gadgets' })).rejects.toMatchObject({ status: 403 });
    github.unsuspend(1001);
    github.transfer('acme/gadgets', 'other');
    await receiver.next('repository.transferred');
    github.uninstall(1001);
    await receiver.next('installation.deleted');
    await expect(app.rest.apps.listReposAccessibleToInstallation()).rejects.toMatchObject({ status: 401 });
    const fresh = github.install('acme', ['acme/secrets']);
    expect((await receiver.next('installation.created')).body['installation']).toMatchObject({ id: fresh });
    expect(await installationToken(github, fresh)).toMatch(/^ghs_/);
  });
});
