import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { DeadlineThread } from '../../../src/plan-thread/deadline-thread.ts';

const LIMITS = { cpuMs: 500, wallMs: 20_000, heapMiB: 64 };
const MODULE = new URL('../../fixtures/thread-jobs.ts', import.meta.url);

const open = (limits: Partial<typeof LIMITS> = {}) => new DeadlineThread(MODULE, { ...LIMITS, ...limits });
const echo = (input: unknown) => ({ name: 'echo', input });
const FOREVER = { name: 'spin', input: Infinity };
const done = (value: unknown) => ({ kind: 'done', value });

test('a job that never ends is ended, holds nothing up meanwhile, and the next one is served', async () => {
  await using thread = open();
  await thread.perform(echo('ready'), { owner: 'other' });
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const endless = thread.perform(FOREVER, { owner: 'hostile' });
  const next = thread.perform(echo('served'), { owner: 'other' });
  expect(await endless).toEqual({ kind: 'over', limit: 'time' });
  expect(await next).toEqual(done('served'));
  delay.disable();
  expect(delay.max / 1e6).toBeLessThan(250); // of a machine that other tests share
});

test('time that neighbours take is not the job’s, and what only waits is ended as well', async () => {
  await using thread = open({ wallMs: 1_000 });
  await using busy = open({ cpuMs: 60_000 });
  const spinning = busy.perform({ name: 'spin', input: 2_000 }, { owner: 'busy' });
  expect(await thread.perform({ name: 'spin', input: 100 }, { owner: 'a' })).toEqual(done(undefined));
  expect(await thread.perform({ name: 'wait', input: null }, { owner: 'a' })).toEqual({
    kind: 'over',
    limit: 'time',
  });
  expect(await spinning).toEqual(done(undefined));
});

test('a job that takes too much memory is ended; one that meets what others left is tried alone', async () => {
  await using thread = open({ cpuMs: 20_000 });
  const fill = (mebibytes: number, keep: boolean) => ({ name: 'fill', input: { mebibytes, keep } });
  expect(await thread.perform(fill(1_000, false), { owner: 'a' })).toEqual({ kind: 'over', limit: 'memory' });
  expect(await thread.perform(fill(40, true), { owner: 'a' })).toEqual(done(40));
  expect(await thread.perform(fill(40, true), { owner: 'b' })).toEqual(done(40)); // not 80
});

test('an owner whose job took too long goes behind the others, until one is in time again', async () => {
  await using thread = open();
  const order: string[] = [];
  const ask = async (owner: string, name: string, job = echo(name)): Promise<void> => {
    await thread.perform(job, { owner });
    order.push(name);
  };
  await ask('late', 'endless', FOREVER);
  const first = ask('other', 'first', { name: 'spin', input: 50 });
  await Promise.all([
    first,
    ask('late', 'late 1'),
    ask('late', 'late 2'),
    ask('other', 'second'),
    ask('new', 'third'),
  ]);
  expect(order).toEqual(['endless', 'first', 'second', 'third', 'late 1', 'late 2']);
});

test('a job that is not wanted any more ends, whether it waits or is under way', async () => {
  await using thread = open({ cpuMs: 60_000 });
  const [running, waiting] = [new AbortController(), new AbortController()];
  const endless = thread.perform(FOREVER, { owner: 'a', signal: running.signal });
  const behind = thread.perform(echo('never'), { owner: 'a', signal: waiting.signal });
  waiting.abort(new Error('not wanted'));
  await expect(behind).rejects.toThrow('not wanted');
  running.abort(new Error('stopped'));
  await expect(endless).rejects.toThrow('stopped');
  await expect(thread.perform(echo('x'), { owner: 'a', signal: running.signal })).rejects.toThrow('stopped');
  expect(await thread.perform(echo('next'), { owner: 'a' })).toEqual(done('next'));
});

test('what a job throws is thrown, and a thread that ends by itself is replaced', async () => {
  await using thread = open();
  const refused = thread.perform({ name: 'refuse', input: null }, { owner: 'a' });
  await expect(refused).rejects.toMatchObject({ code: 'usage', message: 'not that', hint: 'but this' });
  await expect(thread.perform({ name: 'exit', input: null }, { owner: 'a' })).rejects.toThrow(
    'ended unexpectedly',
  );
  expect(await thread.perform(echo('next'), { owner: 'a' })).toEqual(done('next'));
});

test('ends with its owner, whatever it is doing', async () => {
  const thread = open({ cpuMs: 60_000 });
  const jobs = [FOREVER, echo('never')].map(async (job) => thread.perform(job, { owner: 'a' }));
  const ended = Promise.allSettled(jobs);
  await thread[Symbol.asyncDispose]();
  expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(thread.perform(echo('x'), { owner: 'a' })).rejects.toThrow('shutting down');
});
