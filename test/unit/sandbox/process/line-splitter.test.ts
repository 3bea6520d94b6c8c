import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineSplitter } from '../../../../src/sandbox/process/line-splitter.ts';

function split(pieces: readonly string[], maxLength = 1_000): readonly string[] {
  const lines: string[] = [];
  const splitter = lineSplitter((line) => lines.push(line), maxLength);
  for (const piece of pieces) splitter.push(piece);
  splitter.end();
  return lines;
}

describe('a line splitter', () => {
  test.each([
    [[], []],
    [['a\nb\n'], ['a', 'b']],
    [['a\nb'], ['a', 'b']],
    [
      ['a', 'b', '\n', 'c'],
      ['ab', 'c'],
    ],
    [['\n\n'], ['', '']],
    [
      ['a\r', '\nb\rc\r\n'],
      ['a', 'b\rc'],
    ],
  ])('splits %j into %j', (pieces, lines) => {
    expect(split(pieces)).toEqual(lines);
  });

  test('gives the same lines wherever the pieces end', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n'), maxLength: 40 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), fc.integer({ min: 1, max: 10 }), (whole, cuts, maxLength) => {
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const pieces = places.map((place, index) => whole.slice(places[index - 1] ?? 0, place));
        expect(split(pieces, maxLength)).toEqual(split([whole], maxLength));
      }),
    );
  });

  test.each([
    ['abcde\nx', ['abc', 'x']],
    ['abc\nx', ['abc', 'x']],
    ['abc\r\nx', ['abc', 'x']],
    ['abcd\r\nx', ['abc', 'x']],
  ])('cuts a long line in %j', (text, lines) => {
    expect(split([text], 3)).toEqual(lines);
    expect(split([...text], 3)).toEqual(lines);
  });

  test('does not keep what it cuts', () => {
    const splitter = lineSplitter(() => {}, 1_000);
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 200; count += 1) splitter.push(String(count).padEnd(1_000_000, 'x'));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  });
});
