import { describe, expect, test } from 'vitest';
import { renderTerminalText } from '../../../../src/web/dashboard/ansi.ts';

const render = (text: string): string => String(renderTerminalText(text));

describe('renderTerminalText', () => {
  test.each([
    ['plain text', 'plain text'],
    ['\u001b[31mred\u001b[0m plain', '<span class="ansi-red">red</span> plain'],
    [
      '\u001b[1;32mboth\u001b[22mgreen\u001b[39mnone',
      '<span class="bold ansi-green">both</span><span class="ansi-green">green</span>none',
    ],
    ['\u001b[91mbright\u001b[m', '<span class="ansi-red">bright</span>'],
    ['\u001b[34mblue\non\u001b[0m', '<span class="ansi-blue">blue</span>\n<span class="ansi-blue">on</span>'],
    [
      '\u001b[38;5;31mtable\u001b[38;2;31;32;33mtrue\u001b[48;5;1;1mbold',
      'tabletrue<span class="bold">bold</span>',
    ],
  ])('renders %j', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  test.each([
    ['an element', '<img src=x onerror=alert(1)>', '&lt;img src=x onerror=alert(1)&gt;'],
    ['an element around a colour', '<b\u001b[31m>', '&lt;b<span class="ansi-red">&gt;</span>'],
    ['the end of an attribute', '"\'>', '&quot;&#39;&gt;'],
    ['an entity', '&lt;script&gt;', '&amp;lt;script&amp;gt;'],
    ['a link of a terminal', '\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007', 'click'],
    ['a title of a terminal', '\u001b]0;title\u0007x', 'x'],
    ['a movement of the cursor', 'a\u001b[2K\u001b[1Ab', 'ab'],
    ['a sequence that is cut off', 'a\u001b[3', 'a[3'],
    ['characters that turn the text', 'a\u202eb', 'a&lt;U+202E&gt;b'],
    ['a class of its own', '\u001b[31;"onclick=x m', 'nclick=x m'],
  ])('leaves no power to %s', (_, text, expected) => {
    expect(render(text)).toBe(expected);
  });

  test('takes time in proportion to megabytes of sequences', () => {
    for (const piece of ['\u001b[31m', '\u001b[', '\u001b[1;', '\u001b]8;;', '\u001b[31mx\u001b[0m\n'])
      expect(render(piece.repeat(50_000))).not.toContain('\u001b');
  }, 60_000);
});
