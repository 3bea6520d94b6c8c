import { describe, expect, test } from 'vitest';
import { CheckClient, type Check } from '../../../../src/github/api/checks.ts';
import { PRClient } from '../../../../src/github/api/pr-client.ts';
import { giveToken, keepPosts, openApp, useGitHub } from '../../../helpers/nock-github.ts';

const github = useGitHub();
const R = '/repos/o/r';
const MARK = '<!-- choo:run x -->';
const body = `text\n\n${MARK}`;
const comment = { issue: 3, body, marker: MARK };
const AT = '2026-11-01T00:00:00Z';

function open() {
  giveToken(github(), 'ghs_x');
  const posts = keepPosts();
  const options = { octokit: openApp().app.clientOf(7), owner: 'o', name: 'r', appId: 5, posts };
  return { posts, pr: new PRClient(options), checks: new CheckClient(options) };
}

describe('a comment', () => {
  test('is written once, changed when it says something else, and costs nothing when it does not', async () => {
    const { pr } = open();
    github().post(`${R}/issues/3/comments`, { body }).reply(201, { id: 8, updated_at: AT });
    expect(await pr.upsertComment('k', comment)).toEqual(new Date(AT));
    expect(await pr.upsertComment('k', comment)).toBeUndefined();
    const other = `other\n\n${MARK}`;
    github().patch(`${R}/issues/comments/8`, { body: other }).reply(200, { id: 8, updated_at: AT });
    await pr.upsertComment('k', { ...comment, body: other });
  });

  test('that somebody deleted is written anew', async () => {
    const { pr, posts } = open();
    await posts.save('k', 8, 'old');
    github().patch(`${R}/issues/comments/8`).reply(404, {});
    github().get(`${R}/issues/3/comments`).query({ per_page: 100 }).reply(200, []);
    github().post(`${R}/issues/3/comments`).reply(201, { id: 9, updated_at: AT });
    await pr.upsertComment('k', comment);
    expect(posts.rows.get('k')?.githubId).toBe(9);
  });

  test('whose answer was lost is found by its mark and by who wrote it', async () => {
    const { pr, posts } = open();
    await posts.reserve('k', null);
    const forged = { id: 1, body, performed_via_github_app: null };
    const quoted = { id: 2, body: `${body}\nmore`, performed_via_github_app: { id: 5 } };
    const link = `<https://github.test${R}/issues/3/comments?per_page=100&page=2>; rel="next"`;
    github().get(`${R}/issues/3/comments`).query({ per_page: 100 }).reply(200, [forged, quoted], { link });
    github()
      .get(`${R}/issues/3/comments`)
      .query({ per_page: 100, page: 2 })
      .reply(200, [{ id: 3, body: `before\n${MARK}`, performed_via_github_app: { id: 5 } }]);
    github().patch(`${R}/issues/comments/3`).reply(200, { id: 3, updated_at: AT });
    await pr.upsertComment('k', comment);
    expect(posts.rows.get('k')?.githubId).toBe(3);
  });
});

describe('a check', () => {
  const annotation = {
    path: 'a',
    start_line: 1,
    end_line: 1,
    annotation_level: 'notice' as const,
    message: 'm',
  };
  const check: Check = {
    name: 'choo / plan',
    sha: 'a'.repeat(40),
    externalId: 'plan',
    conclusion: 'success',
    title: 't',
    summary: 's',
  };

  test('has its annotations in requests of fifty', async () => {
    const { checks } = open();
    const sizes: number[] = [];
    const note = (sent: { output: { annotations: unknown[] } }): boolean =>
      sizes.push(sent.output.annotations.length) > 0;
    github().post(`${R}/check-runs`, note).reply(201, { id: 4 });
    github().patch(`${R}/check-runs/4`, note).times(2).reply(200, {});
    await checks.upsert('k', { ...check, annotations: Array.from({ length: 120 }, () => annotation) });
    expect([...new Set(sizes)].toSorted((a, b) => b - a)).toEqual([50, 20]);
  });

  test('that is there already is given the same annotations once', async () => {
    const { checks, posts } = open();
    github().post(`${R}/check-runs`).reply(201, { id: 4 });
    await checks.upsert('k', check);
    github()
      .patch(
        `${R}/check-runs/4`,
        (sent: { output: { annotations: unknown[] } }) => sent.output.annotations.length === 1,
      )
      .reply(200, { id: 4 });
    await checks.annotate('k', check, [annotation]);
    await checks.annotate('k', check, [annotation]);
    github()
      .patch(`${R}/check-runs/4`, /"other"/)
      .reply(200, { id: 4 });
    await checks.annotate('k', check, [{ ...annotation, message: 'other' }]);
    expect([...posts.rows.keys()]).toEqual(['k', 'annotations:k']);
  });

  test('that is as it was costs nothing, and is completed anew where that is wanted', async () => {
    const { checks } = open();
    expect(await checks.idOf('k')).toBeUndefined();
    github().post(`${R}/check-runs`).reply(201, { id: 4 });
    await checks.upsert('k', check);
    await checks.upsert('k', check);
    github()
      .patch(`${R}/check-runs/4`, /"completed_at"/)
      .reply(200, { id: 4 });
    await checks.upsert('k', check, { always: true });
    expect(await checks.idOf('k')).toBe(4);
  });

  test('whose answer was lost is found by what only choo calls it', async () => {
    const { checks, posts } = open();
    await posts.reserve('k', null);
    github()
      .get(`${R}/commits/${check.sha}/check-runs`)
      .query({ check_name: check.name, app_id: 5, filter: 'all', per_page: 100 })
      .reply(200, {
        check_runs: [
          { id: 1, external_id: 'another' },
          { id: 2, external_id: 'plan' },
        ],
      });
    github().patch(`${R}/check-runs/2`).reply(200, { id: 2 });
    await checks.upsert('k', check);
    expect(posts.rows.get('k')?.githubId).toBe(2);
  });
});

describe('a pull request', () => {
  const wanted = { head: 'choo/unit/main/a', base: 'main', title: 't', body: 'b', draft: true };
  const found = {
    number: 6,
    node_id: 'N',
    base: { ref: 'main' },
    head: { sha: 's', ref: wanted.head },
    draft: false,
    html_url: 'u',
  };

  test('that is there already is the one', async () => {
    const { pr } = open();
    const message = 'Validation Failed: {"message":"A pull request already exists for o:choo/unit/main/a."}';
    github().post(`${R}/pulls`).reply(422, { message });
    const others = { ...found, number: 5, head: { sha: 's', ref: 'choo/unit/main/ab' } };
    github().get(`${R}/pulls`).query(true).reply(200, [others, found]);
    expect(await pr.openPull(wanted, false)).toMatchObject({
      kind: 'there',
      created: false,
      pull: { number: 6 },
    });
  });

  test('of nothing is none, and one that a rule refuses says why', async () => {
    const { pr } = open();
    github().post(`${R}/pulls`).reply(422, { message: 'Validation Failed: No commits between main and x' });
    expect(await pr.openPull(wanted, false)).toEqual({ kind: 'empty' });
    github().post(`${R}/pulls`).reply(422, { message: 'Validation Failed: base is invalid' });
    expect(await pr.openPull(wanted, false)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('base is invalid'),
    });
  });

  test('is an ordinary one where there are no drafts', async () => {
    const { pr } = open();
    const message = 'Draft pull requests are not supported in this repository.';
    github()
      .post(`${R}/pulls`, /"draft":true/)
      .reply(422, { message });
    github()
      .post(`${R}/pulls`, /"draft":false/)
      .reply(201, found);
    expect(await pr.openPull(wanted, false)).toMatchObject({ kind: 'there', created: true });
    const refusals = [
      ['Draft pull requests are not supported in this repository.', true, 'unsupported'],
      ['Pull request is closed.', true, 'refused'],
      ['Draft pull requests are not supported in this repository.', false, 'refused'],
    ] as const;
    for (const [message, draft, outcome] of refusals) {
      github()
        .post('/graphql')
        .reply(200, { errors: [{ message }] });
      expect(await pr.setDraft('N', draft)).toBe(outcome);
    }
  });
});

describe('labels', () => {
  test('are made where they are missing, whoever makes them at the same time', async () => {
    const { pr } = open();
    const label = (name: string) => ({ name, color: 'ffffff', description: 'd' });
    github()
      .get(`${R}/labels`)
      .query(true)
      .reply(200, [{ name: 'Choo:Run' }]);
    github()
      .post(`${R}/labels`, /choo:hold/)
      .reply(422, { message: 'already_exists' });
    await expect(pr.createLabels([label('choo:run'), label('choo:hold')])).resolves.toBeUndefined();
    github().delete(`${R}/issues/3/labels/choo%3Arun`).reply(404, {});
    await expect(pr.removeLabel(3, 'choo:run')).resolves.toBeUndefined();
  });
});

test('an issue is open while something is wrong, and one at a time', async () => {
  const { pr, posts } = open();
  await pr.upsertIssue('k', null);
  github().post(`${R}/issues`).reply(201, { number: 9 });
  await pr.upsertIssue('k', { title: 't', body: 'b' });
  await pr.upsertIssue('k', { title: 't', body: 'b' });
  github()
    .patch(`${R}/issues/9`, /"open"/)
    .reply(200, { number: 9 });
  await pr.upsertIssue('k', { title: 't', body: 'worse' });
  github().patch(`${R}/issues/9`, { state: 'closed' }).reply(200, { number: 9 });
  await pr.upsertIssue('k', null);
  expect(posts.rows.get('k')?.githubId).toBe(9);
});

test('a base that GitHub refuses is no refusal where it is the one already', async () => {
  const { pr } = open();
  const words = 'Cannot change the base branch because the pull request is part of a stack.';
  const refused = { message: 'Validation Failed', errors: [{ message: words }] };
  github().patch(`${R}/pulls/7`, { base: 'main' }).times(2).reply(422, refused);
  github()
    .get(`${R}/pulls/7`)
    .reply(200, { base: { ref: 'main' } });
  github()
    .get(`${R}/pulls/7`)
    .reply(200, { base: { ref: 'below' } });
  await pr.changeBase(7, 'main');
  await expect(pr.changeBase(7, 'main')).rejects.toThrow('part of a stack');
});
