import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Budget, type Refusal } from '../../../../src/worker/agent/budget.ts';
import type { Reservation } from '../../../../src/worker/agent/reservation.ts';

const ENDLESS = Number.POSITIVE_INFINITY;
const never = new AbortController().signal;

async function reserve(budget: Budget, unit: string): Promise<Reservation> {
  const reserved = await budget.reserve(unit, never);
  if ('refused' in reserved) throw new Error(`refused by the ${reserved.refused}`);
  return reserved;
}

const limits = (unit: number, run: number) => ({
  unit: { tokens: unit, cost: ENDLESS },
  run: { tokens: run, cost: ENDLESS },
});

describe('a budget', () => {
  test('is set aside before an attempt and counted after it', async () => {
    const budget = new Budget(limits(100, 1_000));
    const first = await reserve(budget, 'a');
    expect(first).toMatchObject({ tokens: 10, cost: null });
    first.settle({ tokens: 99, cost: null });
    const second = await reserve(budget, 'a');
    expect(second.tokens).toBe(1);
    second.settle({ tokens: 1, cost: null });
    expect(await budget.reserve('a', never)).toEqual({
      refused: 'unit',
      what: 'tokens',
      limit: 100,
      until: null,
    });
    expect(await budget.reserve('b', never)).not.toHaveProperty('refused');
  });

  test('lets an attempt go on to 1.2 times what is left, and no further', async () => {
    const budget = new Budget(limits(100, 1_000));
    const held = await reserve(budget, 'a');
    expect(held.use({ tokens: 100, cost: null })).toBe(true);
    expect(held.use({ tokens: 120, cost: null })).toBe(true);
    expect(held.use({ tokens: 121, cost: null })).toBe(false);
  });

  test('counts what earlier processes spent', async () => {
    const spent = new Map([
      ['a', { tokens: 60, cost: 0 }],
      ['b', { tokens: 40, cost: 0 }],
    ]);
    const budget = new Budget(limits(60, 101), spent);
    expect(await budget.reserve('a', never)).toMatchObject({ refused: 'unit' });
    expect(await reserve(budget, 'c')).toMatchObject({ tokens: 1 });
    const usedUp = new Budget(limits(60, 100), spent);
    expect(await usedUp.reserve('c', never)).toMatchObject({ refused: 'run', limit: 100 });
    expect(await usedUp.reserve('a', never)).toMatchObject({ refused: 'run' }); // raising its own would not help
  });

  test('binds money where it is known, and tokens where it is not', async () => {
    const budget = new Budget({ unit: { tokens: 1_000, cost: 10 }, run: { tokens: 10_000, cost: 15 } });
    const a = await reserve(budget, 'a');
    expect(a.cost).toBe(1);
    expect(a.use({ tokens: 1, cost: 12 })).toBe(true);
    expect(a.use({ tokens: 1, cost: 12.1 })).toBe(false);
    a.settle({ tokens: 1, cost: 12.1 });
    expect(await budget.reserve('a', never)).toEqual({
      refused: 'unit',
      what: 'cost',
      limit: 10,
      until: null,
    });
    const b = await reserve(budget, 'b');
    expect(b.use({ tokens: 1_200, cost: null })).toBe(true);
    expect(b.use({ tokens: 1_201, cost: null })).toBe(false);
    b.settle({ tokens: 1_201, cost: null });
  });

  test('makes a unit wait for the last of the run while others hold it, and tells it when it is gone', async () => {
    const budget = new Budget(limits(100, 100));
    const a = await reserve(budget, 'a');
    a.use({ tokens: 100, cost: null }); // now it holds all
    let answer: Reservation | Refusal | undefined;
    const waiting = budget.reserve('b', never).then((reserved) => (answer = reserved));
    await new Promise((resolve) => setImmediate(resolve));
    expect(answer).toBeUndefined();
    a.settle({ tokens: 40, cost: null });
    await waiting;
    expect(answer).toMatchObject({ tokens: 10 });
    (answer as unknown as Reservation).settle({ tokens: 60, cost: null });
    expect(await budget.reserve('b', never)).toMatchObject({ refused: 'run' });
  });

  test('stops waiting when it is told to', async () => {
    const budget = new Budget(limits(10, 10));
    (await reserve(budget, 'a')).use({ tokens: 10, cost: null });
    const stop = new AbortController();
    const waiting = budget.reserve('b', stop.signal);
    stop.abort();
    await expect(waiting).rejects.toThrow('aborted');
  });

  test('is never overspent by more than its grace, however units race', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 8 }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: 1, max: 200 }),
        async (units, run) => {
          const budget = new Budget(limits(150, run));
          let spent = 0;
          const work = async (id: string, steps: readonly number[]): Promise<void> => {
            const reserved = await budget.reserve(id, never);
            if ('refused' in reserved) return;
            let used = 0;
            for (const step of steps) {
              await Promise.resolve();
              if (!reserved.use({ tokens: used + step, cost: null })) break; // it is stopped before it spends that
              used += step;
            }
            spent += used;
            reserved.settle({ tokens: used, cost: null });
          };
          await Promise.all(
            units.map(async (steps, index) => {
              await work(`u${index}`, steps);
              await work(`u${index}`, steps);
            }),
          );
          expect(spent).toBeLessThanOrEqual(run * 1.2);
        },
      ),
    );
  });
});
