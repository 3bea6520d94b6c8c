import { expect, test } from 'vitest';
import { boxLine } from '../../../../src/github/commands/boxes.ts';
import { listUnitPulls, saveUnitPull, changeUnitPull } from '../../../../src/store/github/unit-pulls.ts';
import { REPO } from '../../../helpers/app-world.ts';
import { makeHandlerWorld } from '../../../helpers/handler-world.ts';

const HOUR = 3_600_000;
const TEXT = `By choo.\n\n${boxLine('resolve')}\n`;
const TICKED = TEXT.replace('[ ]', '[x]');

test('a ticked box is a request by who may push, once, and is open again in any case', async () => {
  await using handlers = await makeHandlerWorld({ units: {} });
  const { world } = handlers;
  const alice = world.github.as('alice');
  const { handle, services } = await handlers.open();
  const { database } = services;
  await world.push('alice', 'work', { 'a.txt': 'a' });
  const number = await alice.openPull(REPO, { head: 'work', base: 'main', title: 'A unit', body: TEXT });
  await expect.poll(() => handlers.waiting('pull_request').length).toBe(1);
  const [opened] = handlers.waiting('pull_request');
  if (opened === undefined) throw new Error('nothing was delivered');
  await handle(opened); // the repository is known from now on
  const { id } = await database.selectFrom('repositories').select('id').executeTakeFirstOrThrow();
  await saveUnitPull(database, id, 'main', {
    ...{ unit: 'a', number, nodeId: 'n', state: 'open', base: 'main', draft: false, hash: 'written' },
    ...{ run: null, head: null, mergeCommit: null, held: false, updateAsked: false, resolveAsked: false },
    ...{ replaces: null, stacked: false },
  });
  await alice.edit(REPO, number, { body: TICKED });
  await expect.poll(() => handlers.waiting('pull_request').length).toBe(2);
  const edited = handlers.waiting('pull_request').at(-1);
  if (edited === undefined) throw new Error('nothing was delivered');
  const payload = edited.payload as { readonly pull_request: object };
  /** What is stored once a delivery of that edit was handled, with everything as before it. */
  const after = async (change: object, pull: object = {}, sentAt: Date | null = null) => {
    await changeUnitPull(database, id, number, { updateAsked: false, resolveAsked: false, hash: 'written' });
    const pull_request = { ...payload.pull_request, ...pull };
    await handle({ ...edited, sentAt, payload: { ...payload, pull_request, ...change } });
    const { updateAsked, resolveAsked, hash } = (await listUnitPulls(database, id, 'main')).get('a') ?? {};
    return { updateAsked, resolveAsked, hash };
  };
  const NOTHING = { updateAsked: false, resolveAsked: false };
  await world.github.as('reader').comment(REPO, number, 'Hello.');
  await expect.poll(() => handlers.waiting('issue_comment').length).toBe(1);
  const commented = handlers.waiting('issue_comment').at(-1)?.payload as
    | { readonly sender: object }
    | undefined;
  const sender = commented?.sender;
  expect(await after({ sender })).toEqual({ ...NOTHING, hash: '' });
  const start = Date.now();
  const at = (seconds: number) => ({ updated_at: new Date(start + seconds * 1_000).toISOString() });
  expect(await after({}, at(1), new Date(Date.now() - 3 * HOUR))).toEqual({ ...NOTHING, hash: '' });
  expect(await after({}, at(2))).toEqual({ updateAsked: true, resolveAsked: true, hash: '' });
  expect(await after({}, at(2))).toEqual({ ...NOTHING, hash: 'written' });
  const unticked = { changes: { body: { from: TICKED } } };
  expect(await after(unticked, { ...at(3), body: TEXT })).toEqual({ ...NOTHING, hash: 'written' });
  expect(await after(unticked, at(4))).toEqual({ ...NOTHING, hash: 'written' });
});
