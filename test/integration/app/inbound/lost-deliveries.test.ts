import pino from 'pino';
import { expect, test } from 'vitest';
import { searchLostDeliveries } from '../../../../src/app/inbound/lost-deliveries.ts';
import { subjectOf } from '../../../../src/github/api/delivery.ts';
import { DeliveryQueue } from '../../../../src/store/github/deliveries.ts';
import { REPO } from '../../../helpers/app-world.ts';
import { makeHandlerWorld } from '../../../helpers/handler-world.ts';

test('deliveries that never came are asked for again, once, by one process', async () => {
  await using handlers = await makeHandlerWorld({ units: {} });
  const { github } = handlers.world;
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    {},
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const processes = [await handlers.open(), await handlers.open()].map(({ services }) => services);
  const [first] = processes;
  if (first === undefined) throw new Error('there is no process');
  const signal = AbortSignal.timeout(60_000);
  const search = async (intervalMs = 0) =>
    Promise.all(
      processes.map(async (services) => searchLostDeliveries({ ...services, log }, { intervalMs, signal })),
    );
  const posted = (guid: string | undefined) => github.deliveries.filter((each) => each.guid === guid).length;

  github.deliverTo('http://127.0.0.1:1'); // where nothing listens
  for (const title of ['One', 'Two', 'Three']) {
    const issue = await github.as('alice').createIssue(REPO, { title });
    await github.as('alice').label(REPO, issue, 'bug');
  }
  await github.settled();
  const issues = github.deliveries.filter(({ event }) => event === 'issues');
  const ignored = github.deliver('star', { action: 'created' });
  await github.settled();
  expect(issues.length).toBeGreaterThanOrEqual(3);
  // One of them was stored, although GitHub did not see that.
  const [stored, ...lost] = issues;
  const { event = '', body } = stored ?? {};
  const subject = subjectOf(event, body);
  if (stored === undefined || subject === undefined) throw new Error('nothing to store');
  await new DeliveryQueue(first.database).receive({ id: stored.guid, event, payload: body, ...subject });

  const found = await search(60_000);
  expect(found.filter(Boolean)).toHaveLength(1);
  await github.settled();
  expect(lost.map(({ guid }) => posted(guid))).toEqual(lost.map(() => 2));
  expect([stored, ignored].map(({ guid }) => posted(guid))).toEqual([1, 1]);
  expect(lines).toMatchObject([{ msg: 'asked GitHub for lost deliveries', asked: lost.length, left: 0 }]);
  // They fail again, and are not asked for again; nor is what a search has seen listed once more.
  await first.database
    .updateTable('delivery_searches')
    .set({ searched_at: new Date(0) })
    .execute();
  await search();
  await github.settled();
  expect(lost.map(({ guid }) => posted(guid))).toEqual(lost.map(() => 2));
  expect(lines).toHaveLength(1);
  const sent = await first.database.selectFrom('redeliveries').select(['guid', 'sent_at']).execute();
  expect(sent).toHaveLength(lost.length);
  for (const { guid, sent_at } of sent)
    expect(sent_at.toISOString()).toBe(lost.find((each) => each.guid === guid)?.at);
});
