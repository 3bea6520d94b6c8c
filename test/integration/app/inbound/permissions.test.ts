import { expect, test } from 'vitest';
import { PLAN_CHECK } from '../../../../src/app/repository/checks.ts';
import { permits } from '../../../../src/app/repository/permissions.ts';
import { REPO } from '../../../helpers/app-world.ts';
import { makeHandlerWorld } from '../../../helpers/handler-world.ts';
import { ALL_PERMISSIONS } from '../../../helpers/permissions.ts';
import { projectFiles } from '../../../helpers/spec-project.ts';

/** What still works for a pull request with specs, and for a command on it, when one permission is withheld. */
test.each([
  ['nothing', { check: true, plan: true, answer: true }],
  ['checks', { check: false, plan: true, answer: true }],
  ['issues', { check: true, plan: true, answer: true }],
  // GitHub sends no `pull_request` then: the plan stands in the check of the push.
  ['pull_requests', { check: true, plan: false, answer: true }],
] as const)('works without %s', async (withheld, works) => {
  const permissions = Object.fromEntries(
    Object.entries(ALL_PERMISSIONS).filter(([name]) => name !== withheld),
  );
  await using handlers = await makeHandlerWorld({ units: {} }, { permissions });
  const { world, waiting } = handlers;
  const { github } = world;
  const { handle, services } = await handlers.open();
  const { '.choo.yml': _, ...files } = projectFiles({ units: { one: { tasks: [{ gate: 'true' }] } } });
  const commit = await world.push('alice', 'specs', files);
  const pull = await github.as('alice').openPull(REPO, { head: 'specs', base: 'main', title: 'Specs' });
  await github.as('alice').comment(REPO, pull, '/choo help');
  await expect.poll(() => waiting('push').at(-1)?.payload).toMatchObject({ after: commit });
  for (const event of ['push', 'pull_request', 'issue_comment']) {
    const [delivery] = waiting(event); // choo's own comments come later
    if (delivery === undefined && event === withheld.replace(/s$/, '')) continue;
    if (delivery === undefined) throw new Error(`there is no ${event}`);
    expect([event, await handle(delivery)]).toEqual([event, { kind: 'done' }]);
  }
  const { checks, comments } = await github.state(REPO);
  expect({
    check: checks.some(({ name, head_sha }) => name === PLAN_CHECK && head_sha === commit),
    plan: comments.some(({ body }) => body.includes('<!-- choo:plan')),
    answer: comments.some(({ body }) => body.includes('<!-- choo:answer')),
  }).toEqual(works);
  // When the account accepts it, GitHub says so, and that counts at once.
  if (withheld === 'nothing') return;
  const installation = github.installationOf(REPO) ?? 0;
  expect(await permits(services, installation, [withheld, 'write'])).toBe(false);
  const accepted = {
    action: 'new_permissions_accepted',
    installation: { id: installation, permissions: ALL_PERMISSIONS, events: [] },
  };
  await handle({
    id: 'accepted',
    event: 'installation',
    payload: accepted,
    receivedAt: new Date(),
    sentAt: null,
  });
  expect(await permits(services, installation, [withheld, 'write'])).toBe(true);
});
