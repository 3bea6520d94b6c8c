import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundedTail } from '../../../../src/sandbox/process/bounded-tail.ts';

describe('a bounded tail', () => {
  test('is the end of everything, however it came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 20 })),
        fc.integer({ min: 1, max: 30 }),
        (pieces, limit) => {
          const tail = boundedTail(limit);
          for (const piece of pieces) tail.push(piece);
          expect(tail.text()).toBe(pieces.join('').slice(-limit));
        },
      ),
    );
  });

  test('does not begin with half a character', () => {
    const tail = boundedTail(3);
    tail.push('a😀😀');
    expect(tail.text()).toBe('😀');
  });

  test('keeps a lone half that was printed as such', () => {
    const tail = boundedTail(3);
    tail.push('\udc00ab');
    expect(tail.text()).toBe('\udc00ab');
  });

  test('holds little, whether it comes in large pieces or in small ones', () => {
    const tail = boundedTail(1_000);
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 200_000; count += 1) tail.push(`${count} x\n`);
    for (let count = 0; count < 100; count += 1) tail.push('y'.repeat(1_000_000));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
    expect(tail.text()).toBe('y'.repeat(1_000));
  });
});
