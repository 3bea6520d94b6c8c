import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { git } from '../../test/helpers/git-repository.ts';
import { startGitHub } from '../stand-in.ts';
import { REPO, AT, startWorld, remoteBy } from './case-world.ts';

describe('the stand-in itself', () => {
  test('logs what the app asks, shows it to the hook, and fails when told to', async () => {
    const onRequest = ({ method, path }: { method: string; path: string }) => [`${method} ${path}`];
    await using world = await startWorld({ onRequest });
    const { github, app, token, clone } = world;
    await app.rest.issues.create({ ...AT, title: 'x' });
    await git(clone, 'ls-remote', remoteBy(github, token));
    expect(github.requests.map(({ method, path, token, status }) => [method, path, token, status])).toEqual([
      ['POST', '/app/installations/1001/access_tokens', 'app', 201],
      ['POST', '/repos/acme/widgets/issues', 'installation', 201],
      ['GET', '/acme/widgets.git/info/refs', 'installation', 200],
      ['POST', '/acme/widgets.git/git-upload-pack', 'installation', 200],
    ]);
    expect(github.requests[1]?.body).toEqual({ title: 'x' });
    expect(github.violations).toEqual([
      'POST /app/installations/1001/access_tokens',
      'POST /repos/acme/widgets/issues',
    ]);
    github.fail({ method: 'GET', path: /^\/repos\/acme\/widgets$/, times: 1 }, { status: 502, body: 'oops' });
    await expect(app.rest.repos.get(AT)).rejects.toMatchObject({ status: 502 });
    expect(github.requests.at(-1)).toMatchObject({ path: '/repos/acme/widgets', status: 502 });
    github.fail({ times: 1 }, 'cut');
    await expect(app.rest.repos.get(AT)).rejects.toThrow(/other side closed|socket|fetch failed/);
    github.fail({ times: 1 }, { delayMs: 50 });
    expect((await app.rest.repos.get(AT)).status).toBe(200);
    await github.down();
    await expect(app.rest.repos.get(AT)).rejects.toMatchObject({ status: 503 });
    await github.down({ refuse: true });
    await expect(app.rest.repos.get(AT)).rejects.toThrow(/ECONNREFUSED|fetch failed|other side closed/);
    await github.up();
    expect((await app.rest.issues.listMilestones(AT)).status).toBe(200);
  });

  test('leaves nothing behind', async () => {
    const github = await startGitHub({
      repositories: [{ owner: 'acme', name: 'widgets', files: { x: 'x' } }],
    });
    const bare = github.bare(REPO);
    await github[Symbol.asyncDispose]();
    await expect(access(join(bare, '..'))).rejects.toThrow(/ENOENT/);
    await expect(fetch(github.origin)).rejects.toThrow(/fetch failed/);
  });
});
