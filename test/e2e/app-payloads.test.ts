import examples from '@octokit/webhooks-examples' with { type: 'json' };
import { expect, test } from 'vitest';
import { quiet } from '../helpers/app-waits.ts';
import { makeAppWorld } from '../helpers/app-world.ts';

interface Example {
  readonly name: string;
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

test('every real payload is taken in, and none of them starts anything', async () => {
  await using world = await makeAppWorld({ units: { one: { tasks: [{ gate: 'true' }] } } });
  const { github, server } = world;
  const all = (examples as unknown as readonly Example[]).flatMap(({ name, examples: payloads }) =>
    payloads.map((payload) => ({ name, payload })),
  );
  expect(all).toHaveLength(329);
  const serving = await world.start();
  for (const { name, payload } of all) github.deliver(name, payload);
  await quiet(world);
  const refused = github.deliveries.filter(({ status = 0 }) => status < 200 || status >= 300);
  expect(refused.map(({ event, status }) => [event, status])).toEqual([]);
  expect(await server.rows('select * from runs')).toEqual([]);
  const troubles = await server.rows('select event, tries, trouble from deliveries where tries > 0');
  expect(troubles).toEqual([]);
  expect(serving.log().filter(({ level }) => Number(level) >= 40)).toEqual([]);
}, 60_000);
