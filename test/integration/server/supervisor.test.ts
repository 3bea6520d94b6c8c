import { execa } from 'execa';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Supervisor } from '../../../src/server/supervisor.ts';
import { startChildProgram } from '../../../src/system/child-program.ts';

const PLAY = fileURLToPath(new URL('../../fixtures/play-worker.ts', import.meta.url));
const KEEP_DEAF = fileURLToPath(new URL('../../fixtures/keep-deaf.ts', import.meta.url));

function supervise(part: string): {
  readonly supervisor: Supervisor;
  readonly log: Record<string, unknown>[];
} {
  const log: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const start = async (onMessage: (message: unknown) => void) => startChildProgram(PLAY, [part], onMessage);
  return { supervisor: new Supervisor(logger, start), log };
}

test('a worker that dies again and again is started after growing pauses, and that is said', async () => {
  const { supervisor, log } = supervise('dies');
  expect(await supervisor.sandbox).toBe('host');
  await expect.poll(() => log.length, { timeout: 30_000 }).toBe(5);
  expect(await supervisor.readiness()).toEqual({ ready: false, reason: 'the worker died 5 times in a row' });
  expect(log).toEqual(
    [250, 500, 1_000, 2_000, 4_000].map((pauseMs, index) =>
      expect.objectContaining({
        msg: 'the worker died; restarting',
        reason: 'exit code 3',
        deaths: index + 1,
        pauseMs,
      }),
    ),
  );
  const asked = performance.now();
  await supervisor[Symbol.asyncDispose]();
  expect(performance.now() - asked).toBeLessThan(3_500); // it does not wait for the end of a pause
});

test('a first worker that cannot begin says why, and there is no other', async () => {
  const { supervisor, log } = supervise('fails');
  await expect(supervisor.sandbox).rejects.toMatchObject({
    code: 'environment',
    message: 'there is no sandbox',
    hint: 'bring one',
  });
  await supervisor[Symbol.asyncDispose]();
  expect(log).toEqual([]);
});

test('a worker that hears nothing ends with the process that started it', async () => {
  const parent = execa(process.execPath, [KEEP_DEAF], { reject: false, buffer: false, stderr: 'inherit' });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const isAlive = (): boolean => {
    try {
      return process.kill(Number(line), 0);
    } catch {
      return false;
    }
  };
  try {
    expect(isAlive()).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(isAlive, { timeout: 10_000 }).toBe(false);
  } finally {
    if (isAlive()) process.kill(Number(line), 'SIGKILL');
  }
});
