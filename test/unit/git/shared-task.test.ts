import { expect, test } from 'vitest';
import { SharedTask } from '../../../src/git/shared-task.ts';

/** Work that ends when it is told to, and a look at its signal. */
function begin() {
  const ended = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  const work = new SharedTask(async (signal) => {
    signals.push(signal);
    await ended.promise;
    signal.throwIfAborted();
  });
  return { work, ended, isStopped: () => signals[0]?.aborted };
}

test('one who leaves goes at once, and the work goes on for the others', async () => {
  const { work, ended, isStopped } = begin();
  const [one, other] = [new AbortController(), new AbortController()];
  const [left, stayed] = [work.join(one.signal), work.join(other.signal)];
  one.abort(new Error('it took too long'));
  await expect(left).rejects.toThrow('it took too long');
  expect(isStopped()).toBe(false);
  ended.resolve();
  await expect(stayed).resolves.toBeUndefined();
});

test('the last one who leaves stops the work, and waits for its end', async () => {
  const { work, ended, isStopped } = begin();
  const [one, other] = [new AbortController(), new AbortController()];
  const joined = [work.join(one.signal), work.join(other.signal)];
  let isOver = false;
  const all = Promise.allSettled(joined).then((results) => {
    isOver = true;
    return results.map((result) => result.status === 'rejected' && String(result.reason));
  });
  one.abort(new Error('first'));
  other.abort(new Error('last'));
  expect([isStopped(), work.isStopped]).toEqual([true, true]);
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  ended.resolve();
  expect(await all).toEqual(['Error: first', 'Error: last']);
});

test('who has no signal keeps the work going, and a signal that has aborted joins nothing', async () => {
  const { work, ended, isStopped } = begin();
  const kept = work.join(undefined);
  const one = new AbortController();
  const left = work.join(one.signal);
  one.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  await expect(work.join(one.signal)).rejects.toThrow('gone');
  expect(isStopped()).toBe(false);
  ended.resolve();
  await kept;
});
