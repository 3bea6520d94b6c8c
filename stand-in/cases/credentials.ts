import { describe, expect, test } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { appToken, clientOf, installationToken } from '../clients.ts';
import { REPO, AT, startWorld, otherKey, remoteBy } from './case-world.ts';

describe('credentials', () => {
  test('knows the app by its key, and nobody by a made-up token', async () => {
    await using world = await startWorld();
    const { github, clone } = world;
    const app = clientOf(github, appToken(github.environment));
    expect((await app.rest.apps.getAuthenticated()).data).toMatchObject({ slug: 'choo', id: 4711 });
    expect((await app.rest.apps.listInstallations()).data.map(({ id }) => id)).toEqual([1001, 1002]);
    expect((await app.rest.apps.getRepoInstallation(AT)).data.id).toBe(github.installationOf(REPO));
    const forged = appToken({ ...github.environment, PRIVATE_KEY: otherKey() });
    await expect(clientOf(github, forged).rest.apps.getAuthenticated()).rejects.toMatchObject({
      status: 401,
    });
    const stranger = clientOf(github, 'ghs_unknown');
    await expect(stranger.rest.repos.get(AT)).rejects.toMatchObject({ status: 401 });
    await expect(stranger.rest.issues.create({ ...AT, title: 'x' })).rejects.toMatchObject({ status: 401 });
    await expect(git(clone, 'ls-remote', remoteBy(github, 'ghs_unknown'))).rejects.toThrow(
      /Authentication failed/,
    );
  });

  test('narrows tokens, and takes them back', async () => {
    await using world = await startWorld();
    const { github, app, clone } = world;
    const { data } = await app.rest.apps.listReposAccessibleToInstallation();
    expect(data.repositories.map(({ full_name }) => full_name)).toEqual([REPO, 'acme/secrets']);
    const narrow = await installationToken(github, 1001, {
      repositories: ['widgets'],
      permissions: { contents: 'read', issues: 'read' },
    });
    const client = clientOf(github, narrow);
    expect((await client.rest.repos.get(AT)).data.id).toBe(github.repositoryId(REPO));
    expect((await client.request('GET /repositories/{id}', { id: 1 })).data.full_name).toBe(REPO);
    const elsewhere = { owner: 'acme', repo: 'secrets' };
    await expect(client.rest.repos.get(elsewhere)).rejects.toMatchObject({ status: 404 });
    await expect(client.rest.issues.create({ ...AT, title: 'x' })).rejects.toMatchObject({ status: 403 });
    await expect(git(clone, 'push', remoteBy(github, narrow), 'HEAD:refs/heads/x')).rejects.toThrow(/403/);
    await expect(git(clone, 'ls-remote', remoteBy(github, narrow, 'acme/secrets'))).rejects.toThrow(
      /not found/,
    );
    await expect(installationToken(github, 1001, { repositories: ['plain'] })).rejects.toMatchObject({
      status: 422,
    });
    const more = installationToken(github, 1001, { permissions: { workflows: 'write' } });
    await expect(more).rejects.toMatchObject({ status: 422 });
    github.expireTokens();
    await expect(app.rest.repos.get(AT)).rejects.toMatchObject({ status: 401 });
  });

  test('says what people may do', async () => {
    await using world = await startWorld();
    const { github, app } = world;
    const levels = await Promise.all(
      ['acme', 'alice', 'bob', 'eve', 'mallory'].map(async (username) => {
        const { data } = await app.rest.repos.getCollaboratorPermissionLevel({ ...AT, username });
        return [data.user?.login, data.permission, data.role_name];
      }),
    );
    expect(levels).toEqual([
      ['acme', 'admin', 'admin'],
      ['alice', 'write', 'write'],
      ['bob', 'read', 'read'],
      ['eve', 'none', 'none'],
      ['mallory', 'read', 'read'],
    ]);
    github.setPermission(REPO, 'bob', 'admin');
    const { data } = await app.rest.repos.getCollaboratorPermissionLevel({ ...AT, username: 'bob' });
    expect(data.permission).toBe('admin');
    const { id } = (await app.rest.users.getByUsername({ username: 'dependabot[bot]' })).data;
    expect((await app.request('GET /user/{account_id}', { account_id: id })).data.type).toBe('Bot');
  });
});
