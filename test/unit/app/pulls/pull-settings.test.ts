import { describe, expect, test } from 'vitest';
import { applyPullSettings } from '../../../../src/app/pulls/pull-settings.ts';
import { RejectedWrites } from '../../../../src/app/pulls/rejected-writes.ts';
import { DEFAULT_CONFIG } from '../../../../src/config/schema.ts';
import { giveToken, keepPosts, openApp, useGitHub } from '../../../helpers/nock-github.ts';

const github = useGitHub();
const R = '/repos/o/r';
const NOTHING = DEFAULT_CONFIG.pull_requests;

/** The settings applied to pull request 7, once and again with what was remembered. */
function open(settings: Partial<typeof NOTHING>, actor: string | null = 'alice') {
  const isAsking = [settings.labels, settings.reviewers, actor ?? undefined].some((part) => part?.length);
  if (isAsking && Object.keys(settings).length > 0) giveToken(github(), 'ghs_x');
  const posts = keepPosts();
  const repository = { octokit: openApp().app.clientOf(7), known: { owner: 'o', name: 'r' }, posts };
  const config = { pull_requests: { ...NOTHING, ...settings } };
  return async (draft: boolean): Promise<readonly string[]> => {
    const refusals = new RejectedWrites(() => {}, new AbortController().signal);
    await applyPullSettings(
      { number: 7, draft },
      { repository, config, state: { start: { actor } }, refusals },
    );
    return refusals.sentences;
  };
}

describe('what the configuration asks of a pull request', () => {
  test('is written once: labels and the assignee at once, reviewers when it is ready', async () => {
    const apply = open({ labels: ['generated'], reviewers: ['bob', 'acme/core'], assign_requester: true });
    github()
      .post(`${R}/issues/7/labels`, { labels: ['generated'] })
      .reply(200, []);
    github()
      .post(`${R}/issues/7/assignees`, { assignees: ['alice'] })
      .reply(201, { assignees: [{ login: 'Alice' }] });
    expect(await apply(true)).toEqual([]);
    github()
      .post(`${R}/pulls/7/requested_reviewers`, { reviewers: ['bob'] })
      .reply(201, {});
    github()
      .post(`${R}/pulls/7/requested_reviewers`, { team_reviewers: ['core'] })
      .reply(201, {});
    expect(await apply(false)).toEqual([]);
    // What a person takes off stays off.
    expect(await apply(false)).toEqual([]);
  });

  test('that GitHub refuses is said, tried again, and keeps nothing else from being written', async () => {
    const apply = open({ labels: ['x'], reviewers: ['nobody', 'bob'], assign_requester: true });
    github().post(`${R}/issues/7/labels`).reply(403, { message: 'Resource not accessible by integration' });
    github().post(`${R}/issues/7/assignees`).reply(201, { assignees: [] });
    const body = { message: 'Reviews may only be requested from collaborators.' };
    github()
      .post(`${R}/pulls/7/requested_reviewers`, { reviewers: ['nobody'] })
      .reply(422, body);
    github()
      .post(`${R}/pulls/7/requested_reviewers`, { reviewers: ['bob'] })
      .reply(201, {});
    expect(await apply(false)).toEqual([
      'a label of pull request 7 was not written: Resource not accessible by integration',
      'the assignee alice of pull request 7 was not written: GitHub does not let alice be assigned here',
      'the reviewer nobody of pull request 7 was not written: Reviews may only be requested from collaborators.',
    ]);
    github().post(`${R}/issues/7/labels`).reply(200, []);
    github()
      .post(`${R}/issues/7/assignees`)
      .reply(201, { assignees: [{ login: 'alice' }] });
    github()
      .post(`${R}/pulls/7/requested_reviewers`, { reviewers: ['nobody'] })
      .reply(201, {});
    expect(await apply(false)).toEqual([]);
  });

  test('is nothing by default, and nobody is assigned where nobody asked', async () => {
    const [byDefault, byNobody] = [open({}), open({ assign_requester: true }, null)];
    expect([await byDefault(false), await byNobody(false)]).toEqual([[], []]);
  });
});
