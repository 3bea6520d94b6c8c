import { describe, expect, test } from 'vitest';
import { stripSequences } from '../../../src/text/terminal-sequences.ts';

describe('stripSequences', () => {
  test.each([
    ['plain', 'plain'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b[?25lhidden cursor\u001b[2 q', 'hidden cursor'],
    ['\u001b]8;;https://x\u0007link\u001b]8;;\u0007', 'link'],
    ['\u001b]0;title\u001b\\text', 'text'],
    ['\u001bPdevice\u001b\\text', 'text'],
    ['\u001b]8;;no end', ']8;;no end'],
    ['\u001b]8;;one\u0007a\u001b]8;;two\u0007b', 'ab'],
    ['a\u001b', 'a'],
    ['a\u001b[31', 'a[31'],
    ['a\u009b31mb', 'a31mb'],
  ])('of %j leaves %j', (text, expected) => {
    expect(stripSequences(text)).toBe(expected);
  });

  test('takes time in proportion to the length', () => {
    for (const piece of ['\u001b]8;;', '\u001b[', '\u001b[1;', '\u001b', '\u001bP', '\u001b]\u001b['])
      expect(stripSequences(piece.repeat(200_000))).not.toContain('\u001b');
  });
});
