import { afterAll, beforeAll, expect, test } from 'vitest';
import { ended, planned, quiet } from '../../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../../helpers/app-world.ts';

const write = (file: string) => ({ tasks: [{ gate: `test -f ${file}`, sh: `echo > ${file}` }] });

let world: AppWorld;
beforeAll(async () => {
  world = await makeAppWorld(
    {
      units: { below: write('below.txt'), above: { dependsOn: ['below'], ...write('above.txt') } },
      config:
        'pull_requests: { labels: [generated, by choo], reviewers: [mallory, stranger, team/core], assign_requester: true }\n',
    },
    { collaborators: { alice: 'write', mallory: 'write', reader: 'read' } },
  );
  await world.start();
});
afterAll(async () => world[Symbol.asyncDispose]());

const pullOf = ({ pulls }: State, unit: string): State['pulls'][number] | undefined =>
  pulls.findLast(({ head }) => head.ref === `choo/unit/main/${unit}`);
const asked = (state: State, unit: string): object | undefined => {
  const pull = pullOf(state, unit);
  return pull && { labels: pull.labels, assignees: pull.assignees, requested: pull.requested };
};

test(
  'the pull requests of units get the labels, the assignee and, once they are ready, the reviewers',
  { timeout: 600_000 },
  async () => {
    const { github } = world;
    const alice = github.as('alice');
    const commit = await world.push('alice', 'main', { 'specs/tasks/below/note.md': 'Mind.' });
    await planned(world, commit);
    const issue = await alice.createIssue(REPO, { title: 'Build it' });
    await alice.comment(REPO, issue, '/choo run');
    await ended(world, 1);
    const first = await quiet(world);
    const given = { labels: ['generated', 'by choo'], assignees: ['alice'] };
    expect(asked(first, 'below')).toEqual({ ...given, requested: ['mallory'] });
    // A draft asks nobody.
    expect(pullOf(first, 'above')?.draft).toBe(true);
    expect(asked(first, 'above')).toEqual({ ...given, requested: [] });
    // The one that GitHub refuses is told, and kept nothing else from being written.
    const status = first.comments.find(({ body }) => body.includes('<!-- choo:run'))?.body;
    expect(status).toContain('the reviewer stranger of pull request');

    // What a person takes off stays off; what becomes ready asks.
    const number = pullOf(first, 'below')?.number ?? 0;
    await alice.unlabel(REPO, number, 'generated');
    await github.as('mallory').review(REPO, number, { event: 'APPROVE' });
    await alice.merge(REPO, number);
    const later = await world.until(
      'the next to be ready',
      (state) => pullOf(state, 'above')?.draft === false && pullOf(state, 'above')?.requested.length === 1,
      240_000,
    );
    expect(asked(later, 'above')).toEqual({ ...given, requested: ['mallory'] });
    expect(asked(await quiet(world), 'below')).toMatchObject({ labels: ['by choo'], requested: [] });
  },
);
