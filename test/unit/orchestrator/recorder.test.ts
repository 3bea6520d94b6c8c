import { describe, expect, test } from 'vitest';
import type { EventBody, RunEvent } from '../../../src/events/event.ts';
import { Recorder } from '../../../src/orchestrator/recorder.ts';

const notice = (message: string): EventBody => ({ type: 'unit.notice', unit: 'a', code: 'x', message });

/** A store that says what was appended together, and fails when it is told to. */
function appender() {
  const batches: string[][] = [];
  const state = { fail: false };
  const append = async (
    _: string,
    expected: number,
    events: readonly EventBody[],
  ): Promise<readonly RunEvent[]> => {
    if (state.fail) throw new Error('the disk is full');
    batches.push(events.map((event) => ('message' in event ? event.message : event.type)));
    await new Promise((resolve) => setImmediate(resolve));
    return events.map((event, index) => ({ ...event, seq: expected + index + 1, at: 0 }));
  };
  return { batches, state, append };
}

function record(append: ReturnType<typeof appender>['append'], onFailure = (): void => {}): Recorder {
  return new Recorder({ append }, 'run0000001', undefined, {
    redact: (text) => text.replaceAll('hush', '[secret]'),
    onEvents: () => {},
    onFailure,
  });
}

describe('the recorder', () => {
  test('writes in order, what comes together in one go, and what comes meanwhile in the next', async () => {
    const { batches, append } = appender();
    const recorder = record(append);
    recorder.append(notice('1'));
    recorder.append(notice('2'));
    while (batches.length === 0) await new Promise((resolve) => setImmediate(resolve));
    recorder.append(notice('3'));
    recorder.append(notice('4'));
    await recorder.recorded();
    expect(batches).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
  });

  test('says recorded only when all that was noted is safe', async () => {
    const { batches, append } = appender();
    const recorder = record(append);
    for (let index = 0; index < 50; index += 1) {
      recorder.append(notice(String(index)));
      await recorder.recorded();
      expect(batches.flat()).toHaveLength(index + 1);
    }
  });

  test('says recorded as soon as that is safe which was noted before, whatever follows', async () => {
    const { batches, append } = appender();
    const recorder = record(async (run, expected, events) => {
      const written = await append(run, expected, events);
      if (batches.length < 20) recorder.append(notice('another')); // there is always more to come
      return written;
    });
    recorder.append(notice('first'));
    await recorder.recorded();
    expect(batches.length).toBeLessThan(3);
  });

  test('takes secrets out of every text, wherever in an event it stands', async () => {
    const { append, batches } = appender();
    const recorder = record(append);
    recorder.append(notice('a hush value'));
    recorder.append({
      type: 'orch.failed',
      branch: 'b',
      head: null,
      unmerged: [{ unit: 'u', files: ['hush.txt'] }],
    });
    const appended: unknown[] = [];
    const spy = record(async (_, expected, events) => {
      appended.push(...events);
      return events.map((event, index) => ({ ...event, seq: expected + index + 1, at: 0 }));
    });
    spy.append({
      type: 'orch.failed',
      branch: 'b',
      head: null,
      unmerged: [{ unit: 'u', files: ['hush.txt'] }],
    });
    await Promise.all([recorder.recorded(), spy.recorded()]);
    expect(batches.flat()[0]).toBe('a [secret] value');
    expect(appended).toEqual([
      { type: 'orch.failed', branch: 'b', head: null, unmerged: [{ unit: 'u', files: ['[secret].txt'] }] },
    ]);
  });

  test('lets nobody build on what could not be written', async () => {
    const { state, append } = appender();
    const told = Promise.withResolvers<void>();
    const recorder = record(append, told.resolve);
    state.fail = true;
    recorder.append(notice('1'));
    await told.promise; // before anybody asks
    await expect(recorder.recorded()).rejects.toThrow('the disk is full');
    state.fail = false;
    recorder.append(notice('2'));
    await expect(recorder.recorded()).rejects.toThrow('the disk is full');
  });
});
