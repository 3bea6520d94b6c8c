import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppWorld, makeAppWorld } from '../../helpers/app-world.ts';
import { deliver, get } from '../../helpers/door-client.ts';
import type { ServerProcess } from '../../helpers/server-project.ts';

const BODY = JSON.stringify({ action: 'opened', repository: { id: 1 }, issue: { number: 1 } });

describe('choo serve', () => {
  let world: AppWorld;
  let server: ServerProcess;

  beforeAll(async () => {
    world = await makeAppWorld({ units: {} });
    server = await world.start();
  });

  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  /** The process that works on units, as it has noted itself. */
  const workerPid = async (): Promise<number> => {
    const [row] = await world.server.rows(
      `select identity::json ->> 'pid' as pid from workers order by number desc limit 1`,
    );
    return Number(row?.['pid']);
  };

  /** The most that healthz and a delivery take while something is wrong with the worker. Milliseconds. */
  const slowest = async (): Promise<number> => {
    const secret = world.github.environment.WEBHOOK_SECRET;
    const answers = await Promise.all([
      get(server.port, '/healthz'),
      deliver(server.port, { secret, body: BODY }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    return Math.max(...answers.map(({ ms }) => ms));
  };

  const ready = async (): Promise<number> => (await get(server.port, '/readyz')).status;

  test('answers while its worker is deaf, and replaces it', async () => {
    const deaf = await workerPid();
    process.kill(deaf, 'SIGSTOP');
    try {
      expect(await slowest()).toBeLessThan(5_000);
      await expect.poll(ready, { interval: 500, timeout: 20_000 }).toBe(503);
      await expect.poll(ready, { interval: 500, timeout: 60_000 }).toBe(200);
      await expect.poll(workerPid, { timeout: 5_000 }).not.toBe(deaf);
      expect(() => process.kill(deaf, 0)).toThrow('ESRCH');
    } finally {
      if (deaf === server.pid) process.kill(deaf, 'SIGCONT');
    }
  });

  test('answers while its worker is dead, and starts another', async () => {
    const dead = await workerPid();
    expect(dead).not.toBe(server.pid);
    process.kill(dead, 'SIGKILL');
    expect(await slowest()).toBeLessThan(5_000);
    await expect.poll(workerPid, { timeout: 20_000 }).not.toBe(dead);
    await expect.poll(ready, { timeout: 20_000 }).toBe(200);
    expect(server.log().map(({ msg }) => msg)).toContain('the worker died; restarting');
  });

  test('leaves no worker behind when it is killed', async () => {
    const worker = await workerPid();
    expect(worker).not.toBe(server.pid);
    server.child.kill('SIGKILL');
    await server.child;
    const gone = (): boolean => {
      try {
        return !process.kill(worker, 0);
      } catch {
        return true;
      }
    };
    await expect.poll(gone, { timeout: 5_000 }).toBe(true);
    server = await world.start();
    await expect.poll(workerPid, { timeout: 5_000 }).not.toBe(worker);
  });

  test('stops its worker in order when it is asked to stop', async () => {
    const worker = await workerPid();
    server.child.kill('SIGTERM');
    expect(await server.child).toMatchObject({ exitCode: 0 });
    expect(() => process.kill(worker, 0)).toThrow('ESRCH');
    const stopped = ['shutting down: nothing new starts', 'choo has stopped'];
    const said = server.log().map(({ msg }) => msg);
    expect(said.filter((msg) => stopped.includes(String(msg)))).toEqual(stopped);
    expect(said.at(-1)).toBe('choo has stopped');
  });
});
