import { describe, expect, test } from 'vitest';
import { AT, REPO, startWorld } from './case-world.ts';

describe('conversations', () => {
  test('have issues, labels, comments and reactions', async () => {
    await using world = await startWorld();
    const { github, app, receiver } = world;
    const number = await github.as('bob').createIssue(REPO, { title: 'Broken', body: 'very' });
    await app.rest.issues.createLabel({ ...AT, name: 'bug', color: 'ff0000' });
    const twice = app.rest.issues.createLabel({ ...AT, name: 'Bug' });
    await expect(twice).rejects.toMatchObject({
      response: { data: { errors: [{ resource: 'Label', code: 'already_exists', field: 'name' }] } },
    });
    await expect(app.rest.issues.getLabel({ ...AT, name: 'none' })).rejects.toMatchObject({ status: 404 });
    await app.rest.issues.addLabels({ ...AT, issue_number: number, labels: ['bug'] });
    const found = await app.rest.issues.listForRepo({ ...AT, labels: 'bug', state: 'open', creator: 'bob' });
    expect(found.data.map((issue) => issue.number)).toEqual([number]);
    await app.rest.issues.removeLabel({ ...AT, issue_number: number, name: 'bug' });
    await receiver.next('issues.unlabeled');
    await app.rest.issues.update({ ...AT, issue_number: number, state: 'closed' });
    await receiver.next('issues.closed');
    const on = { ...AT, issue_number: number };
    for (let count = 0; count < 5; count += 1)
      await app.rest.issues.createComment({ ...on, body: `${count}` });
    const pages = await app.paginate(app.rest.issues.listComments, { ...on, per_page: 2 });
    expect(pages.map(({ body }) => body)).toEqual(['0', '1', '2', '3', '4']);
    expect(pages[0]?.performed_via_github_app).toMatchObject({ id: 4711, slug: 'choo' });
    const long = app.rest.issues.createComment({ ...on, body: 'x'.repeat(65_537) });
    await expect(long).rejects.toMatchObject({ status: 422 });
    const at = { ...AT, comment_id: pages[0]?.id ?? 0 };
    await app.rest.issues.updateComment({ ...at, body: 'changed' });
    expect((await receiver.next('issue_comment.edited')).body['changes']).toEqual({ body: { from: '0' } });
    expect((await app.rest.reactions.createForIssueComment({ ...at, content: 'eyes' })).status).toBe(201);
    const again = await app.rest.reactions.createForIssueComment({ ...at, content: 'eyes' });
    expect(again.status).toBe(200);
    expect((await github.state(REPO)).reactions).toEqual([
      { comment: at.comment_id, content: 'eyes', user: 'choo[bot]' },
    ]);
    await app.rest.reactions.deleteForIssueComment({ ...at, reaction_id: again.data.id });
    expect((await app.rest.reactions.listForIssueComment(at)).data).toEqual([]);
    await app.rest.issues.deleteComment(at);
    await expect(app.rest.issues.getComment(at)).rejects.toMatchObject({ status: 404 });
  });
});
