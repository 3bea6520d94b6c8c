import { expect, test } from 'vitest';
import { planned, quiet } from '../../helpers/app-waits.ts';
import { makeAppWorld, REPO } from '../../helpers/app-world.ts';
import { planText, taskText } from '../../helpers/memory-tree.ts';
import { makeServerProject } from '../../helpers/server-project.ts';
import { ended } from '../../helpers/server-waits.ts';

/** As much YAML as a tree may hold: small text files that take seconds to read. */
const SLOW = Object.fromEntries(
  Array.from({ length: 66 }, (_, unit) => [
    [`specs/tasks/slow${unit}/IMPLEMENTATION_PLAN.md`, planText({ x: `[${'[a],'.repeat(3_900)}]` })],
    [`specs/tasks/slow${unit}/01-step.md`, taskText()],
  ]).flat(),
);

test('specs that take too long to read are a problem in the plan check, and hold nothing else up', async () => {
  await using world = await makeAppWorld({ units: { fine: { tasks: [{ gate: 'true' }] } } });
  const { port } = await world.start();
  const alice = world.github.as('alice');
  const before = await world.push('alice', 'main', { 'specs/tasks/fine/note.md': 'Mind.' });
  await planned(world, before);

  await using health = watchHealth(port);
  const head = await world.push('alice', 'main', SLOW);
  const { checks } = await planned(world, head);
  expect(health.slowestMs()).toBeLessThan(1_000);
  const check = checks.find(({ name, head_sha }) => name === 'choo / plan' && head_sha === head);
  expect(check?.conclusion).toBe('failure');
  expect(check?.output.summary).toContain('the specs take too long to read');

  const issue = await alice.createIssue(REPO, { title: 'Build it' });
  await alice.comment(REPO, issue, '/choo run');
  const { comments } = await quiet(world);
  const answers = comments.filter(({ issue: on, app }) => on === issue && app !== null);
  expect(answers.map(({ body }) => body)).toEqual([expect.stringContaining('Nothing was started')]);
  expect(await world.server.rows('select id from deliveries where tries > 0')).toEqual([]);
  expect(health.slowestMs()).toBeLessThan(1_000);
});

test('a run of specs that take too long to read fails its units with that reason', async () => {
  await using project = await makeServerProject({ units: {}, files: SLOW });
  const run = await project.submit('--unit', 'slow0'); // it is read where it is asked for, without a limit
  await project.serve();
  expect(await ended(project, run)).toBe('failed');
  expect((await project.status(run)).units).toEqual([
    expect.objectContaining({ id: 'slow0', state: 'failed', message: 'the specs take too long to read' }),
  ]);
});

/** Asks the server whether it is well, again and again, until it is disposed of. */
function watchHealth(port: number): AsyncDisposable & { readonly slowestMs: () => number } {
  const stop = new AbortController();
  let slowestMs = 0;
  const watching = (async () => {
    while (!stop.signal.aborted) {
      const from = performance.now();
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
      slowestMs = Math.max(slowestMs, answer?.ok === true ? performance.now() - from : Infinity);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    slowestMs: () => slowestMs,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await watching;
    },
  };
}
