import { expect, test } from 'vitest';
import { PLAN_CHECK } from '../../../../src/app/repository/checks.ts';
import { REPO } from '../../../helpers/app-world.ts';
import { makeHandlerWorld } from '../../../helpers/handler-world.ts';
import { projectFiles } from '../../../helpers/spec-project.ts';

const DONE = { kind: 'done' };

test('a push and its pull request, handled by two processes at the same moment, show one plan on the commit', async () => {
  await using handlers = await makeHandlerWorld({ units: {} });
  const { world, waiting } = handlers;
  const { github } = world;
  const [one, two] = [await handlers.open(), await handlers.open()];
  // Each creation takes long, so that the other process comes while it is under way.
  github.fail({ method: 'POST', path: /\/check-runs$/, times: 1_000 }, { delayMs: 500 });
  for (const first of ['push', 'pull_request'] as const) {
    const second = first === 'push' ? 'pull_request' : 'push';
    const { '.choo.yml': _, ...files } = projectFiles({
      units: { [`by-${first}`]: { tasks: [{ gate: 'true' }] } },
    });
    const commit = await world.push('alice', first, files);
    await github.as('alice').openPull(REPO, { head: first, base: 'main', title: first });
    await expect.poll(() => waiting('push').at(-1)?.payload).toMatchObject({ after: commit });
    const deliveryOf = (event: string) => {
      const delivery = waiting(event).at(-1);
      if (delivery === undefined) throw new Error(`there is no ${event}`);
      return delivery;
    };
    const handled = await Promise.all([one.handle(deliveryOf(first)), two.handle(deliveryOf(second))]);
    expect(handled).toEqual([DONE, DONE]);
    // And again, as GitHub redelivers.
    expect(await Promise.all([two.handle(deliveryOf(first)), one.handle(deliveryOf(second))])).toEqual([
      DONE,
      DONE,
    ]);
    const { checks, comments } = await github.state(REPO);
    expect(checks.filter(({ name, head_sha }) => name === PLAN_CHECK && head_sha === commit)).toMatchObject([
      { conclusion: 'success' },
    ]);
    expect(comments.filter(({ body }) => body.includes(commit.slice(0, 7)))).toHaveLength(1);
  }
});
