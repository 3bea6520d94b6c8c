import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  code,
  fenced,
  fit,
  inline,
  listed,
  MAX_BODY_LENGTH,
  preformatted,
  rowsWithin,
  type Section,
  table,
} from '../../../../src/github/render/markdown.ts';
import { cut } from '../../../../src/text/cut.ts';

/** What GitHub shows of a text without markup: no backslash that escapes, and nothing that has no width. */
function shown(markdown: string): string {
  return markdown.replaceAll(/\\([!-/:-@[-`{-~])/g, '$1').replaceAll('\u200b', '');
}

/** What GitHub makes links of in the page that it rendered, whatever was escaped before. */
const LIVE = /@[a-z0-9]|#\d|GH-\d|www\.|(?:https?|ftp):\/|:[a-z0-9_+-]+:/i;

/** The text of the page: backslashes that escape are gone, what has no width is not. */
function onPage(markdown: string): string {
  return markdown.replaceAll(/\\([!-/:-@[-`{-~])/g, '$1');
}

/** Texts out of the pieces that attacks are made of. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '@',
        '#',
        '1',
        'GH-',
        'www.',
        'https://',
        'ftp:',
        '/',
        'choo run',
        '\n',
        '\r',
        ' ',
        '\t',
      ),
      fc.constantFrom(
        '`',
        '``',
        '|',
        '\\',
        '<!--',
        '-->',
        '*',
        '_',
        '[',
        ']',
        '(',
        ')',
        '~',
        '>',
        '- ',
        '1.',
      ),
      fc.constantFrom('\u202e', '\u200b', '\u2028', '\u3164', '\ud800', '&#64;', ':tada:', '$', 'ä', '👍'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

describe('inline', () => {
  test.each([
    ['**bold** _it_ ~~no~~ $x$', '\\*\\*bold\\*\\* \\_it\\_ \\~\\~no\\~\\~ \\$x\\$'],
    ['<b> & &#64;ann <!-- x -->', '\\<b\\> \\& \\&\\#\u200b64;ann \\<\\!\\-\\- x \\-\\-\\>'],
    ['@ann and @org/team', '@\u200bann and @\u200borg/team'],
    ['fixes #12, a/b#3 and gh-4', 'fixes \\#\u200b12, a/b\\#\u200b3 and gh\\-\u200b4'],
    ['C# is #one', 'C\\# is \\#one'],
    ['https://e.com _www.e.com', 'https\\:\u200b//e.com \\_www\u200b.e.com'],
    [':tada: at 12:30', '\\:\u200btada\\: at 12\\:30'],
    ['a | b \\', 'a \\| b \\\\'],
    ['x\n/choo run\r\u2028y', 'x /choo run y'],
    ['/choo run', '\u200b/choo run'],
    ['    /choo run', '\u200b/choo run'],
    ['\u200b/choo run', '\u200b/choo run'],
    ['1. one', '1\\. one'],
    ['a\u202eb\u200bc\u3164d', 'a b c d'],
    ['\ud800x', '\ufffdx'],
  ])('neutralises %j', (text, expected) => {
    expect(inline(text)).toBe(expected);
  });

  test('cuts what is said, not the signs that keep it harmless', () => {
    expect(inline('*'.repeat(10), 5)).toBe('\\*\\*\\*\\*…');
    expect(inline('ab👍cd', 4)).toBe('ab…');
  });

  test('leaves nothing that is live, on one line, of anything', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = inline(text);
        expect(onPage(line)).not.toMatch(LIVE);
        expect(line).not.toMatch(/[\n\r\u2028\u2029\u202e]|^\s|^\//);
        expect(line.replaceAll(/\\[!-/:-@[-`{-~]/g, '')).not.toMatch(/[\\`*_[\]<>|~$&#]/);
        expect(shown(line)).toBe(shown(inline(shown(line))));
      }),
    );
  });
});

describe('code', () => {
  test.each([
    ['npm test', '`npm test`'],
    ['a`b', '`` a`b ``'],
    ['``', '``` `` ```'],
    ['', '` `'],
    ['\u200b\n', '` `'],
    ['x\n/choo run', '`x /choo run`'],
    ['a | b', '<code>a &#x7c; b</code>'],
    ['test -t @slow', '<code>test &#x2d;t &#x40;slow</code>'],
    ['a: [skip ci]', '<code>a&#x3a; &#x5b;skip ci&#x5d;</code>'],
    ['</code>|@ann', '<code>&#x3c;&#x2f;code&#x3e;&#x7c;&#x40;ann</code>'],
  ])('shows %j', (text, expected) => {
    expect(code(text)).toBe(expected);
  });

  test('nothing breaks out of it, nor out of a cell', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const span = code(text);
        expect(span).not.toMatch(/[\n\r|]/);
        const [fence = ''] = /^`*/.exec(span) ?? [];
        const inside = span.slice(fence.length, span.length - fence.length);
        const runs = fence === '' ? [] : [...inside.matchAll(/`+/g)].map(([run]) => run.length);
        expect(runs).not.toContain(fence.length);
        expect(fence === '' ? inside.slice('<code>'.length, -'</code>'.length) : '').not.toMatch(/[<>`@\\*]/);
      }),
    );
  });
});

describe('fenced', () => {
  test('is longer than any fence inside, and no line begins with a slash', () => {
    expect(fenced('a\n````\n/choo run\n  /lgtm\n\u202eb\u001b\r\n', 'text')).toBe(
      '`````text\na\n````\n\u200b/choo run\n  \u200b/lgtm\nb\n`````',
    );
  });

  test('nothing ends it early', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = fenced(text).split('\n');
        const fence = lines[0] ?? '';
        expect(fence).toMatch(/^`{3,}$/);
        expect(lines.at(-1)).toBe(fence);
        expect(lines.slice(1, -1).filter((line) => line.includes(fence) || /^\s*\//.test(line))).toEqual([]);
      }),
    );
  });
});

describe('preformatted', () => {
  test('spells out what would act in a commit message, and nothing else', () => {
    expect(preformatted('a: `b` & <c>\n\n/lgtm @ann\nfixes #1\n  [skip ci]\n', 'markdown')).toBe(
      '<pre lang="markdown"><code>a: &#x60;b&#x60; &#x26; &#x3c;c&#x3e;\n\n&#x2f;lgtm &#x40;ann\nfixes &#x23;1\n  &#x5b;skip ci&#x5d;\n</code></pre>',
    );
  });

  test('nothing ends it early or acts in a message', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = preformatted(text, 'text');
        const inside = shown.slice('<pre lang="text"><code>'.length, -'\n</code></pre>'.length);
        expect(inside).not.toMatch(/[<>`]|(?<![A-Za-z0-9])@\w|#\d|https?:\/|^\s*\//im);
      }),
    );
  });
});

describe('fit', () => {
  const section = (name: string, size: number, rank: number): Section => ({
    name,
    rank,
    text: name.padEnd(size, '.'),
  });

  test('keeps all that there is room for, in its order', () => {
    expect(fit([section('a', 2, 2), section('b', 2, 0), { text: '', rank: 1, name: 'c' }], 'end')).toBe(
      'a.\n\nb.\n\nend',
    );
  });

  test('leaves out what is too large, and no more than that', () => {
    const text = fit([section('big', 70_000, 1), section('head', 8, 0), section('small', 8, 2)], 'end');
    expect(text).toBe('head....\n\nsmall...\n\n_Left out, because GitHub takes no more: big._\n\nend');
  });

  test('what matters most has room first', () => {
    const text = fit([section('low', 40_000, 3), section('high', 40_000, 1)]);
    expect(text).toMatch(/^high/);
    expect(text).toMatch(/no more: low\._$/);
  });

  test('cuts what may not be left out, and keeps the ending', () => {
    const text = fit([section('head', 90_000, 0)], '<!-- end -->');
    expect(text.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
    expect(text).toMatch(/…\n\n<!-- end -->$/);
  });
});

describe('lists and tables', () => {
  test('a table', () => {
    expect(table(['A', 'B'], [['1', inline('x|y')]])).toBe('| A | B |\n| --- | --- |\n| 1 | x\\|y |');
  });

  test('rows within a size, and how many are missing', () => {
    expect(rowsWithin(['aaaa', 'bbbb', 'cccc'], 20, (item) => [item])).toEqual({
      rows: [['aaaa'], ['bbbb']],
      missing: 1,
    });
  });

  test('some of a list', () => {
    expect(listed(['a', 'b'], 2)).toBe('a, b');
    expect(listed(['a', 'b', 'c'], 1)).toBe('a and 2 more');
  });

  test('cut', () => {
    expect([cut('abc', 3), cut('abcd', 3)]).toEqual(['abc', 'ab…']);
  });
});
