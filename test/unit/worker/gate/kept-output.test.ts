import { expect, test } from 'vitest';
import { keepEnds } from '../../../../src/worker/gate/kept-output.ts';

test('of a long output the beginning and the end are kept, in whole lines', () => {
  const kept = keepEnds();
  kept.push('first\n');
  for (let index = 0; index < 100_000; index += 1) kept.push(`line ${index}\n`);
  kept.push('last');
  const lines = kept.text().split('\n');
  expect(kept.text().length).toBeLessThan(400 * 1024);
  expect([lines[0], lines.at(-1), lines.at(-2)]).toEqual(['first', 'last', 'line 99999']);
  expect(lines.filter((line) => !/^(?:first|last|line \d+)$/.test(line)).length).toBeLessThan(3);
});

test('a short one is kept as it came', () => {
  const kept = keepEnds();
  for (const piece of ['a', '\nb', 'c\n']) kept.push(piece);
  expect(kept.text()).toBe('a\nbc\n');
});
