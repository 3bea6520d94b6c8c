import { describe, expect, test } from 'vitest';
import { clientOf } from '../clients.ts';
import { AT, REPO, startWorld } from './case-world.ts';

describe('checks', () => {
  test('keep annotations, show buttons, and can be asked for again', async () => {
    await using world = await startWorld();
    const { github, app, receiver } = world;
    const sha = (await github.state(REPO)).refs['refs/heads/main'] ?? '';
    const annotation = {
      path: 'a.md',
      start_line: 1,
      end_line: 1,
      annotation_level: 'warning' as const,
      message: 'm',
    };
    const output = { title: 'T', summary: 'S', annotations: [annotation] };
    const { data } = await app.rest.checks.create({
      ...AT,
      name: 'choo',
      head_sha: sha,
      external_id: 'mine',
      output,
    });
    await receiver.next('check_run.created');
    const at = { ...AT, check_run_id: data.id };
    const person = clientOf(github, github.tokenOf('alice')).rest.checks.create({
      ...AT,
      name: 'x',
      head_sha: sha,
    });
    await expect(person).rejects.toMatchObject({ status: 403 });
    const refused = async (change: object) =>
      expect(app.rest.checks.update({ ...at, ...change })).rejects.toMatchObject({ status: 422 });
    await refused({ output: { ...output, annotations: Array.from({ length: 51 }, () => annotation) } });
    await refused({ output: { title: 'T', summary: 'x'.repeat(65_536) } });
    const action = { label: 'Again', description: 'Runs it', identifier: 'again' };
    await refused({ actions: [{ ...action, label: 'x'.repeat(21) }] });
    await refused({ actions: [action, action, action, action] });
    await app.rest.checks.update({ ...at, conclusion: 'failure', output, actions: [action] });
    expect((await receiver.next('check_run.completed')).body).toMatchObject({
      check_run: {
        conclusion: 'failure',
        app: { id: 4711 },
        output: { annotations_count: 2 },
        external_id: 'mine',
      },
    });
    github.as('alice').pressButton(REPO, data.id, 'again');
    expect((await receiver.next('check_run.requested_action')).body).toMatchObject({
      ...{ requested_action: { identifier: 'again' }, sender: { login: 'alice' } },
    });
    await github.as('alice').rerequestCheck(REPO, data.id);
    await receiver.next('check_run.rerequested');
    await github.as('alice').rerequestSuite(REPO, data.check_suite?.id ?? 0);
    expect((await receiver.next('check_suite.rerequested')).body).toMatchObject({
      check_suite: { head_sha: sha },
    });
    const newer = await app.rest.checks.create({ ...AT, name: 'choo', head_sha: sha });
    const list = { ...AT, ref: sha, check_name: 'choo', app_id: 4711 };
    const ids = async (filter: 'latest' | 'all') =>
      (await app.rest.checks.listForRef({ ...list, filter })).data.check_runs.map(({ id }) => id);
    expect(await ids('latest')).toEqual([newer.data.id]);
    expect(await ids('all')).toEqual([newer.data.id, data.id]);
    await app.rest.repos.createCommitStatus({ ...AT, sha, state: 'success', context: 'ci' });
    expect((await app.rest.repos.getCombinedStatusForRef({ ...AT, ref: 'main' })).data.state).toBe('success');
  });
});
