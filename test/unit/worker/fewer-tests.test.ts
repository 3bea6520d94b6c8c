import { expect, test } from 'vitest';
import { describeFewerTests } from '../../../src/worker/task-loop.ts';

const counts = (passed: number, failed = 0, skipped = 0) => ({ passed, failed, skipped });

test.each([
  [counts(3, 2), counts(5), undefined],
  [counts(3, 2), counts(9), undefined],
  [undefined, counts(1), undefined],
  [counts(0), undefined, undefined],
  [counts(3, 2), counts(4), 'the gate of task 2 ran 5 tests before any work, and now runs 4'],
  [counts(3, 2), counts(4, 0, 1), 'the gate of task 2 ran 5 tests before any work, and now runs 4'],
  [counts(1), undefined, 'the gate of task 2 ran 1 test before any work, and now names no number'],
])('of %o before and %o now it is said: %s', (before, now, message) => {
  expect(describeFewerTests(2, before, now)).toBe(message);
});
