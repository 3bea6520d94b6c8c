import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askOwner } from '../../../../src/orchestrator/local/ask-owner.ts';
import { acquireLock } from '../../../../src/store/journal/journal-lock.ts';
import { Journal } from '../../../../src/store/journal/journal.ts';
import { postRequest, type RunRequest, serveRequests } from '../../../../src/store/journal/run-requests.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const RUN = 'run0000001';
const RETRY: RunRequest = { kind: 'retry', units: ['a'], actor: 'ann', fresh: false, from: null };
const CANCEL: RunRequest = { ...RETRY, kind: 'cancel', units: [] };
const times = { cancelMs: 200, answerMs: 200, endMs: 200 };

async function makeWorld() {
  const place = await temporaryDirectory();
  const commonDirectory = place.path;
  return {
    commonDirectory,
    directory: new Journal(commonDirectory).requestDirectory(RUN),
    lock: join(commonDirectory, 'choo/lock'),
    ask: async (request: RunRequest, run = RUN) => askOwner({ commonDirectory, run, times }, request),
    [Symbol.asyncDispose]: async () => place[Symbol.asyncDispose](),
  };
}

test('a request that no process takes is reported, and withdrawn', async () => {
  await using world = await makeWorld();
  expect(await world.ask(RETRY)).toEqual({ kind: 'idle' });
  await using _lock = await acquireLock(world.commonDirectory, RUN);
  await expect(world.ask(RETRY)).rejects.toMatchObject({
    code: 'conflict',
    message: `process ${process.pid}, which executes run ${RUN}, does not answer`,
    hint: expect.stringContaining(`choo cancel ${RUN}`),
  });
  expect(await readdir(world.directory)).toEqual([]);
  await expect(world.ask(RETRY, 'run0000002')).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`run \`${RUN}\` has been running`),
  });
});

test('a process does what is asked of it, and a request for an earlier one is left alone', async () => {
  await using world = await makeWorld();
  await using lock = await acquireLock(world.commonDirectory, RUN);
  const { directory } = world;
  await using stale = await postRequest(directory, { ...lock.owner, since: lock.owner.since - 1 }, RETRY);
  const ended = new AbortController();
  const served: RunRequest[] = [];
  const serving = serveRequests({ directory, owner: lock.owner, signal: ended.signal }, async (request) => {
    served.push(request);
    return request.kind === 'retry'
      ? { kind: 'done', units: ['a'] }
      : { kind: 'refused', code: 'usage', message: 'no', hint: null };
  });
  expect(await world.ask(RETRY)).toEqual({ kind: 'done', units: ['a'] });
  await expect(world.ask({ ...CANCEL, units: ['x'] })).rejects.toMatchObject({
    code: 'usage',
    message: 'no',
  });
  ended.abort();
  await serving;
  expect(served).toEqual([RETRY, { ...CANCEL, units: ['x'] }]);
  expect(await stale.answer()).toBeUndefined();
  expect(await readdir(directory)).toEqual([]);
});

test.each([
  ['of another machine', { host: 'elsewhere' }, /process \d+ on `elsewhere`/],
  ['that is only known by its number', { start: null }, /process \d+, which/],
])('no process %s is killed', async (_, change, message) => {
  await using world = await makeWorld();
  await using _lock = await acquireLock(world.commonDirectory, RUN);
  // Were it killed, that would be this process.
  const text = await readFile(world.lock, 'utf8');
  await writeFile(world.lock, JSON.stringify({ ...(JSON.parse(text) as object), ...change }));
  await expect(world.ask(CANCEL)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(message),
  });
  await writeFile(world.lock, text);
});
