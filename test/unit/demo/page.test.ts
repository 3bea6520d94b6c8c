import { describe, expect, test } from 'vitest';
import { renderPage } from '../../../demo/page.ts';

const shown = (markdown: string): string => renderPage(markdown, { width: 200, paint: (_, text) => text });

describe('a page as the demo shows it', () => {
  test.each([
    ['an underscore', 'set `CHOO_SANDBOX=host`, _please_', 'set CHOO_SANDBOX=host, please'],
    ['stars', 'the files `src/**/*.ts` are **all**', 'the files src/**/*.ts are all'],
    ['a backslash', 'matches `\\d+\\.md`, not 1\\.', 'matches \\d+\\.md, not 1.'],
    ['brackets', '`[a](b)` is a link: [a](b)', '[a](b) is a link: a'],
    ['an underscore, in a link,', 'see [`a_b`](https://example.com)', 'see a_b'],
    ['a backtick', 'type `` a`b_c ``', 'type a`b_c'],
  ])('shows %s in code as it is', (_, markdown, expected) => {
    expect(shown(markdown)).toBe(expected);
  });

  test('does so in a table, too', () => {
    expect(shown('| name | value |\n| --- | --- |\n| _set_ | `A_B_C` |')).toBe(
      ['name  value', 'set   A_B_C'].join('\n'),
    );
  });

  test('shows preformatted text as a browser would', () => {
    const markdown = '<pre lang="md"><code>a &#x60;b&#x60; &lt;c&gt; &amp;amp;\n</code></pre>';
    expect(renderPage(markdown, { width: 80, paint: (_, text) => text })).toContain('a `b` <c> &amp;');
  });
});
