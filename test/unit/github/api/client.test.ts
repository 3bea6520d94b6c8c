import { afterEach, describe, expect, test, vi } from 'vitest';
import { findAccess } from '../../../../src/github/api/access.ts';
import { RateLimitedError, statusOf } from '../../../../src/github/api/client.ts';
import { giveToken, openApp, useGitHub } from '../../../helpers/nock-github.ts';

const github = useGitHub();
afterEach(() => {
  vi.useRealTimers();
});
const REPO = { owner: 'o', repo: 'r' };

/** A client that has its token. */
function open(...given: Parameters<typeof openApp>) {
  const opened = openApp(...given);
  giveToken(github(), 'ghs_first');
  return { ...opened, octokit: opened.app.clientOf(7) };
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'it went well',
    (error: unknown) => error,
  );
}

/** When a delay ends, in seconds from now. */
function secondsLeft(error: unknown): number {
  expect(error).toBeInstanceOf(RateLimitedError);
  return Math.round(((error as RateLimitedError).until.getTime() - Date.now()) / 1_000);
}

describe('a client', () => {
  test('asks with a token, got once, and told before it is used', async () => {
    const { octokit, tokens } = open();
    github().get('/repos/o/r').matchHeader('authorization', 'token ghs_first').times(2).reply(200, {});
    await octokit.rest.repos.get(REPO);
    await octokit.rest.repos.get(REPO);
    expect(tokens).toEqual(['ghs_first']);
  });

  test('gets another token before one ends, and when one is not believed, once', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { app, tokens } = openApp();
    const octokit = app.clientOf(7);
    giveToken(github(), 'ghs_first');
    github().get('/repos/o/r').matchHeader('authorization', 'token ghs_first').times(2).reply(200, {});
    await octokit.rest.repos.get(REPO);
    vi.setSystemTime(Date.now() + 49 * 60_000);
    await octokit.rest.repos.get(REPO);
    vi.setSystemTime(Date.now() + 2 * 60_000);
    giveToken(github(), 'ghs_second');
    giveToken(github(), 'ghs_third');
    github().get('/repos/o/r').matchHeader('authorization', 'token ghs_second').reply(401, {});
    github().get('/repos/o/r').matchHeader('authorization', 'token ghs_third').reply(200, {});
    await octokit.rest.repos.get(REPO);
    expect(tokens).toEqual(['ghs_first', 'ghs_second', 'ghs_third']);
    giveToken(github(), 'ghs_fourth');
    github().get('/repos/o/r').times(2).reply(401, {});
    expect(statusOf(await failure(octokit.rest.repos.get(REPO)))).toBe(401);
  });

  test("has git's token reach one repository, and do nothing but read and push", async () => {
    const { app } = openApp();
    const body = { repository_ids: [70], permissions: { contents: 'write', metadata: 'read' } };
    giveToken(github(), 'ghs_git', body);
    expect(await app.gitToken(7, 70)).toBe('ghs_git');
    expect(await app.gitToken(7, 70)).toBe('ghs_git');
    giveToken(github(), 'ghs_new', body);
    expect(await app.gitToken(7, 70, true)).toBe('ghs_new');
  });

  test('renews a token that lacks a permission, which may have been granted since, and then believes GitHub', async () => {
    const { app, tokens } = openApp();
    const octokit = app.clientOf(7);
    const refuse = (times: number): unknown =>
      github()
        .get('/repos/o/r')
        .times(times)
        .reply(
          403,
          { message: 'Resource not accessible by integration' },
          { 'x-accepted-github-permissions': 'metadata=read' },
        );
    giveToken(github(), 'ghs_old');
    giveToken(github(), 'ghs_new');
    refuse(3);
    for (let asked = 0; asked < 2; asked += 1)
      expect(statusOf(await failure(octokit.rest.repos.get(REPO)))).toBe(403);
    expect(tokens).toEqual(['ghs_old', 'ghs_new']);
    // Once it is known that more was granted.
    app.renewTokens(7);
    giveToken(github(), 'ghs_more');
    refuse(1);
    github().get('/repos/o/r').matchHeader('authorization', 'token ghs_more').reply(200, {});
    await octokit.rest.repos.get(REPO);
  });

  test('has it only read where the installation grants no more', async () => {
    const { app } = openApp();
    const refused = { message: 'The permissions requested are not granted to this installation.' };
    github().post('/app/installations/7/access_tokens').reply(422, refused);
    const body = { repository_ids: [70], permissions: { contents: 'read', metadata: 'read' } };
    giveToken(github(), 'ghs_reads', body);
    expect(await app.gitToken(7, 70)).toBe('ghs_reads');
    expect(await app.gitToken(7, 70)).toBe('ghs_reads');
  });

  test.each([
    [
      'the first limit',
      403,
      () => ({
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(Math.ceil(Date.now() / 1_000) + 300),
      }),
      '',
      300,
    ],
    ['the second limit', 403, () => ({ 'retry-after': '30' }), '', 30],
    ['the second limit, without a time', 403, () => ({}), 'You have exceeded a secondary rate limit', 60],
    ['a limit by its own status', 429, () => ({}), '', 60],
  ] as const)('waits as %s says, and has all others wait', async (_, status, headers, message, seconds) => {
    const { octokit, held } = open();
    const from = performance.now();
    github().get('/repos/o/r').reply(status, { message }, headers());
    const left = secondsLeft(await failure(octokit.rest.repos.get(REPO)));
    const took = (performance.now() - from) / 1_000;
    expect(left).toBeLessThanOrEqual(seconds + 1);
    expect(left).toBeGreaterThanOrEqual(seconds - took - 1);
    expect(held).toHaveLength(1);
  });

  test('takes a refusal for one, and does not ask again', async () => {
    const { octokit, held } = open();
    for (const status of [403, 404, 410, 422]) {
      github().get('/repos/o/r').reply(status, { message: 'Resource not accessible by integration' });
      expect(statusOf(await failure(octokit.rest.repos.get(REPO)))).toBe(status);
    }
    expect(held).toEqual([]);
  });

  test('reads again when GitHub is not well, and then waits', async () => {
    const { octokit } = open();
    github().get('/repos/o/r').reply(502, '');
    github().get('/repos/o/r').replyWithError('socket hang up');
    github().get('/repos/o/r').reply(200, { id: 1 });
    expect((await octokit.rest.repos.get(REPO)).data).toEqual({ id: 1 });
    github().get('/repos/o/r').times(3).reply(500, '');
    expect(secondsLeft(await failure(octokit.rest.repos.get(REPO)))).toBeGreaterThan(1);
  });

  test('changes nothing twice: what came of it is not known', async () => {
    const { octokit } = open();
    github().post('/repos/o/r/issues/1/comments').reply(500, '');
    const change = octokit.rest.issues.createComment({ ...REPO, issue_number: 1, body: 'x' });
    expect(secondsLeft(await failure(change))).toBeGreaterThan(1);
  });

  test('waits for its turn to change something, and for none to read', async () => {
    const until = new Date(Date.now() + 90_000);
    const { octokit } = open(async () => until);
    github().get('/repos/o/r').reply(200, {});
    await octokit.rest.repos.get(REPO);
    const change = octokit.rest.issues.createComment({ ...REPO, issue_number: 1, body: 'x' });
    expect(secondsLeft(await failure(change))).toBeGreaterThan(80);
  });

  test('says nothing of its token in an error', async () => {
    const { octokit } = open();
    github().get('/repos/o/r').reply(404, { message: 'Not Found' });
    const error = (await failure(octokit.rest.repos.get(REPO))) as Error;
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('ghs_first');
  });
});

describe('who may ask', () => {
  const place = { owner: 'o', name: 'r' };
  const person = { id: 9, login: 'alice', type: 'User' };
  const path = '/repos/o/r/collaborators/alice/permission';

  test.each([
    ['admin', true],
    ['maintain', true],
    ['write', true],
    ['triage', false],
    ['read', false],
    ['none', false],
  ])('%s: %s', async (permission, allowed) => {
    const { octokit } = open();
    github()
      .get(path)
      .reply(200, { permission, user: { id: 9 } });
    expect((await findAccess(octokit, place, person, new Set())).allowed).toBe(allowed);
  });

  test('not who has taken over the name of somebody who may', async () => {
    const { octokit } = open();
    github()
      .get(path)
      .reply(200, { permission: 'admin', user: { id: 10 } });
    expect((await findAccess(octokit, place, person, new Set())).allowed).toBe(false);
  });

  test('nobody while GitHub does not know, or does not answer', async () => {
    const { octokit } = open();
    github().get(path).reply(404, {});
    expect((await findAccess(octokit, place, person, new Set())).allowed).toBe(false);
    github().get(path).times(3).reply(503, '');
    expect(await failure(findAccess(octokit, place, person, new Set()))).toBeInstanceOf(RateLimitedError);
  });

  test('bots by their number alone', async () => {
    const { app } = openApp(); // that asks nobody
    const bot = { id: 66, login: 'alice[bot]', type: 'Bot' };
    expect((await findAccess(app.clientOf(7), place, bot, new Set([9]))).allowed).toBe(false);
    expect((await findAccess(app.clientOf(7), place, bot, new Set([66]))).allowed).toBe(true);
  });
});
