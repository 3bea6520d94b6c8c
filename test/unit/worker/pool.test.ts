import { describe, expect, test } from 'vitest';
import { ChooError } from '../../../src/errors.ts';
import type { Provider } from '../../../src/provider/provider.ts';
import { createProvider } from '../../../src/provider/by-name.ts';
import { Pool, type PoolOptions, type PoolUnit, type WorkContext } from '../../../src/worker/pool.ts';

const unit = (id: string, taskCount = 1): PoolUnit => ({ id, taskCount });

/** Work that ends when the test says so. */
function heldWork() {
  const under = new Map<
    string,
    { end: (how?: 'completed' | 'released' | Error) => void; context: WorkContext }
  >();
  const order: string[] = [];
  const work: PoolOptions<PoolUnit>['work'] = async ({ id }, context) => {
    order.push(id);
    const { promise, resolve, reject } = Promise.withResolvers<'completed' | 'released'>();
    under.set(id, {
      context,
      end: (how = 'completed') => (how instanceof Error ? reject(how) : resolve(how)),
    });
    return promise;
  };
  return {
    work,
    order,
    under,
    end: (id: string, how?: 'completed' | 'released' | Error) => under.get(id)?.end(how),
  };
}

/** Lets everything that can go on without anybody's help go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}

describe('SPEC-FORMAT §4, the factory', () => {
  test('from a unit to its provider: each unit works with the provider the factory chose for it', async () => {
    const seen: [string, string][] = [];
    const pool = new Pool({
      maxWorkers: 2,
      factory: ({ id }) => createProvider(id === 'a' ? 'codex' : 'rehearsal'),
      work: async ({ id }, { provider }) => {
        seen.push([id, provider.name]);
        return 'completed';
      },
    });
    await pool.submit(unit('a'));
    await pool.submit(unit('b'));
    await pool.wait();
    expect(seen).toEqual([
      ['a', 'codex'],
      ['b', 'rehearsal'],
    ]);
  });

  test.each<[string, Provider | undefined, string]>([
    ['the provider handed in', createProvider('gemini'), 'gemini'],
    ['Claude when none is handed in', undefined, 'claude'],
  ])('a default factory gives %s', async (_, provider, expected) => {
    const seen: string[] = [];
    const pool = new Pool<PoolUnit>({
      maxWorkers: 1,
      work: async (_, context) => {
        seen.push(context.provider.name);
        return 'completed';
      },
      ...(provider === undefined ? {} : { provider }),
    });
    await pool.submit(unit('a'));
    await pool.wait();
    expect(seen).toEqual([expected]);
  });

  test('is called once, before anything starts', async () => {
    const calls: string[] = [];
    const { work, order, end } = heldWork();
    const pool = new Pool({
      maxWorkers: 1,
      work,
      factory: async ({ id }) => {
        calls.push(`${id} after ${order.length}`);
        return createProvider('rehearsal');
      },
    });
    const started = pool.submit(unit('a'));
    expect(order).toEqual([]);
    await started;
    const second = pool.submit(unit('b'));
    await settle();
    expect(calls).toEqual(['a after 0', 'b after 1']);
    end('a');
    await second;
    end('b');
    await pool.wait();
    expect(calls).toHaveLength(2);
  });

  test('when it fails, submit fails with the unit and the cause, and nothing of the unit is left behind', async () => {
    let broken = true;
    const cause = new ChooError('usage', 'no such provider', { hint: 'did you mean `codex`?' });
    const { work, order, end } = heldWork();
    const pool = new Pool({
      maxWorkers: 1,
      work,
      factory: () => {
        if (broken) throw cause;
        return createProvider('codex');
      },
    });
    const error = await pool.submit(unit('a', 3)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'usage', hint: 'did you mean `codex`?', cause });
    expect(String(error)).toMatch(/`a`.*no such provider/);
    expect(order).toEqual([]);
    expect(pool.stats()).toEqual({
      activeWorkers: 0,
      completedUnits: 0,
      failedUnits: 0,
      totalTasks: 0,
      completedTasks: 0,
    });
    await pool.wait(); // nobody waits for it
    broken = false;
    await pool.submit(unit('a')); // and its id is free
    end('a');
    await pool.wait();
  });
});

describe('SPEC-FORMAT §4, submit', () => {
  const provider = createProvider('rehearsal');

  test('refuses an id already submitted, also after its end; ended ids can be forgotten by name, and totals stay', async () => {
    const { work, end } = heldWork();
    const pool = new Pool({ maxWorkers: 2, provider, work });
    await pool.submit(unit('a', 2));
    await expect(pool.submit(unit('a'))).rejects.toThrow('submitted already');
    pool.forget('a'); // it has not ended
    await expect(pool.submit(unit('a'))).rejects.toThrow('submitted already');
    end('a');
    await pool.wait();
    await expect(pool.submit(unit('a'))).rejects.toThrow('submitted already');
    pool.forget('a', 'never-seen');
    await pool.submit(unit('a', 2));
    expect(pool.stats()).toMatchObject({ completedUnits: 1, totalTasks: 4 });
    end('a');
    await pool.wait();
    expect(pool.stats()).toMatchObject({ completedUnits: 2, totalTasks: 4 });
  });

  test('refuses the second of two with one id while the factory is still thinking', async () => {
    const answer = Promise.withResolvers<Provider>();
    const { work, end } = heldWork();
    const pool = new Pool({ maxWorkers: 2, work, factory: () => answer.promise });
    const first = pool.submit(unit('a'));
    await expect(pool.submit(unit('a'))).rejects.toThrow('submitted already');
    answer.resolve(provider);
    await first;
    end('a');
    await pool.wait();
  });

  test('waits while the pool is at capacity and resolves once the unit has started', async () => {
    const { work, order, end } = heldWork();
    const pool = new Pool({ maxWorkers: 2, provider, work });
    const resolved: string[] = [];
    const submits = ['a', 'b', 'c', 'd'].map((id) => pool.submit(unit(id)).then(() => resolved.push(id)));
    await settle();
    expect(order).toEqual(['a', 'b']);
    expect(resolved).toEqual(['a', 'b']);
    end('b');
    await settle();
    expect(order).toEqual(['a', 'b', 'c']);
    expect(resolved).toEqual(['a', 'b', 'c']);
    for (const id of ['a', 'c']) end(id);
    await settle();
    end('d');
    await Promise.all(submits);
    await pool.wait();
  });

  test('more than maxWorkers never run at once', async () => {
    let [running, most] = [0, 0];
    const pool = new Pool<PoolUnit>({
      maxWorkers: 3,
      provider,
      work: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return 'completed';
      },
    });
    await Promise.all(Array.from({ length: 50 }, (_, index) => pool.submit(unit(`u${index}`))));
    await pool.wait();
    expect(most).toBe(3);
    expect(pool.stats().completedUnits).toBe(50);
  });
});

describe('SPEC-FORMAT §4, wait and stats', () => {
  const provider = createProvider('rehearsal');

  test('wait: until every submitted unit has ended, also those that came while it waited', async () => {
    const { work, end } = heldWork();
    const pool = new Pool({ maxWorkers: 1, provider, work });
    await pool.submit(unit('a'));
    let over = false;
    const waiting = pool.wait().then(() => (over = true));
    const late = pool.submit(unit('b'));
    end('a');
    await late;
    await settle();
    expect(over).toBe(false);
    end('b');
    await waiting;
  });

  test('wait rejects with the first error, when all have ended', async () => {
    const { work, end } = heldWork();
    const pool = new Pool({ maxWorkers: 3, provider, work });
    for (const id of ['a', 'b', 'c']) await pool.submit(unit(id));
    const [first, second] = [new Error('first'), new Error('second')];
    let failed: unknown;
    const waiting = pool.wait().catch((error: unknown) => (failed = error));
    end('b', first);
    await settle();
    end('a', second);
    await settle();
    expect(failed).toBeUndefined();
    end('c');
    await waiting;
    expect(failed).toBe(first);
  });

  test('all five numbers are true at any moment', async () => {
    const { work, under, end } = heldWork();
    const pool = new Pool({ maxWorkers: 2, provider, work });
    const numbers = () => Object.values(pool.stats());
    const atFirst = pool.stats();
    expect(numbers()).toEqual([0, 0, 0, 0, 0]);
    await pool.submit(unit('a', 3));
    await pool.submit(unit('b', 2));
    void pool.submit(unit('c', 4));
    await settle();
    expect(numbers()).toEqual([2, 0, 0, 9, 0]);
    under.get('a')?.context.taskCompleted();
    under.get('b')?.context.taskCompleted();
    expect(numbers()).toEqual([2, 0, 0, 9, 2]);
    end('a');
    await settle();
    expect(numbers()).toEqual([2, 1, 0, 9, 2]);
    end('b', new Error('red'));
    await settle();
    expect(numbers()).toEqual([1, 1, 1, 9, 2]);
    end('c', 'released');
    await pool.wait().catch(() => {});
    expect(numbers()).toEqual([0, 1, 1, 9, 2]);
    expect(Object.values(atFirst)).toEqual([0, 0, 0, 0, 0]); // what was true then
  });
});

describe('SPEC-FORMAT §4, shutdown', () => {
  const provider = createProvider('rehearsal');

  test('cancels, waits, and refuses what is submitted afterwards', async () => {
    const asked: string[] = [];
    const pool = new Pool<PoolUnit>({
      maxWorkers: 2,
      factory: ({ id }) => {
        asked.push(id);
        return provider;
      },
      work: async (_, { signal }) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        return 'released';
      },
    });
    await pool.submit(unit('a'));
    await pool.submit(unit('b'));
    await pool.shutdown({ timeoutMs: 1_000 });
    expect(pool.stats().activeWorkers).toBe(0);
    await expect(pool.submit(unit('c'))).rejects.toMatchObject({
      code: 'conflict',
      message: 'unit `c` was submitted after the pool was shut down',
    });
    expect(asked).toEqual(['a', 'b']);
    expect(pool.stats().totalTasks).toBe(2);
  });

  test('a unit that was waiting for a worker never starts', async () => {
    const { work, order, end } = heldWork();
    const pool = new Pool({ maxWorkers: 1, provider, work });
    await pool.submit(unit('a'));
    const waiting = pool.submit(unit('b', 5)).catch((error: unknown) => error);
    await settle();
    const down = pool.shutdown();
    end('a');
    await down;
    expect(String(await waiting)).toContain('before unit `b` started');
    expect(order).toEqual(['a']);
    expect(pool.stats()).toMatchObject({ totalTasks: 1, completedUnits: 1 });
  });

  test.each<[string, () => { timeoutMs?: number; signal?: AbortSignal }]>([
    ['its time is over', () => ({ timeoutMs: 20 })],
    ['its signal comes', () => ({ signal: AbortSignal.timeout(20) })],
    ['its signal came before', () => ({ signal: AbortSignal.abort() })],
  ])('fails with a time-out error when workers do not end and %s', async (_, options) => {
    const { work, end } = heldWork();
    const pool = new Pool({ maxWorkers: 1, provider, work });
    await pool.submit(unit('a'));
    await expect(pool.shutdown(options())).rejects.toThrow('timed out: 1 units did not end');
    end('a');
    await pool.wait();
  });
});
