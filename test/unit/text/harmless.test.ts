import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { harmlessLine, harmlessLines, isHarmless } from '../../../src/text/harmless.ts';

/** What acts, as those who act on it describe it. Written without a look at the rules that prevent it. */
const ACTING: Readonly<Record<string, RegExp>> = {
  // docs.github.com: autolinked references; linking a pull request to an issue
  'a reference': /#\d|(?<![a-z0-9_])gh-\d|(?:https?|ftp):\/|(?<![a-z0-9])www\.\w/iu,
  'a mention': /(?<![a-z0-9])@[a-z0-9_]/i,
  // docs.github.com: skipping workflow runs; Azure Pipelines, CircleCI, Travis CI, Netlify, Cloudflare Pages, Drone
  'a skip': /\[[^[\]]*skip[^[\]]*\]|\[\s*no[\s_-]*ci\s*\]|\*no_ci\*|skip-checks?\s*:|--skip-ci|--ci-skip/iu,
  // git-interpret-trailers(1), and who reads trailers
  'a trailer': /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+\s*:|-by\s*:|change-id\s*:/iu,
  'a command': /^\s*\//,
  'an autosquash': /^(?:fixup|squash|amend)!/i,
  'more than a line': /[\n\r\v\f\u0085\u2028\u2029]/,
  'hidden text': /(?![\uFE00-\uFE0F\u200D])\p{Default_Ignorable_Code_Point}|\p{Cc}/u,
};

/** Texts out of the pieces that attacks are made of. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '@',
        '#',
        '1',
        '12',
        'GH-',
        'gh',
        '-',
        'a',
        'org/team',
        'o/r#3',
        'fixes ',
        'ſ',
        'K',
        'www.',
      ),
      fc.constantFrom(
        'https://',
        'http:',
        '/',
        '//',
        'github.com/o/r/issues/1',
        '.',
        ':',
        ' ',
        '\n',
        '\n\n',
        '\r',
        '\t',
      ),
      fc.constantFrom(
        '[',
        ']',
        'skip',
        'sKip',
        'ci',
        'no',
        'NO_CI',
        '***',
        '*',
        'actions',
        '_',
        '--',
        '(',
        ')',
        '[',
      ),
      fc.constantFrom(
        'Co-authored-by',
        'Signed-off',
        '-by',
        ': ',
        'Change-Id:',
        'skip-checks',
        ':true',
        'fixup',
        '!',
        '…',
      ),
      fc.constantFrom(
        '\u202e',
        '\u200b',
        '\u200d',
        '\u2028',
        '\u3164',
        '\ud800',
        '\0',
        '\u001b[0m',
        '👩‍💻',
        'é',
        '１',
        '＃',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(''));

describe('a harmless line', () => {
  test.each([
    ['Fixes #12', 'Fixes no. 12'],
    ['closes: org/repo#3 and resolved gh-4.', 'closes: org/repo no. 3 and resolved no. 4.'],
    ['Fix https://github.com/o/r/issues/1', 'Fix github.com/o/r/issues/1'],
    ['Fiſxes (#7)', 'Fiſxes (no. 7)'],
    ['Add it [skip ci]', 'Add it (skip-ci)'],
    ['[CI Skip] [no ci] [skip actions] [actions skip]', '(CI-Skip) (no-ci) (skip-actions) (actions-skip)'],
    [
      '[skip azurepipelines][skip netlify] [CF-Pages-Skip]',
      '(skip-azurepipelines)(skip-netlify) (CF-Pages-Skip)',
    ],
    ['***NO_CI*** --skip-ci', 'NO_CI skip-ci'],
    ['skip-checks: true', 'skip-checks - true'],
    ['Ask @ann and @org/team', 'Ask ann and org/team'],
    ['Do it\n\nCo-authored-by: Eve <eve@evil.example>', 'Do it Co-authored-by - Eve <eve@evil.example>'],
    ['Change-Id: I1', 'Change-Id - I1'],
    ['httpſ://x.example [no__ci] www.ſ', 'x.example (no--ci) ſ'],
    ['ſ-a: b', 'ſ-a - b'],
    ['/choo run', 'choo run'],
    ['\u200b / /lgtm', 'lgtm'],
    ['@\u200bann #\u200b1', 'ann no. 1'],
    ['#@1', 'no. 1'],
    ['fixup! Add it', 'fixup Add it'],
    ['a\u202eb\u001b\ud800', 'ab\ufffd'],
    [' \n ', ''],
  ])('says %j as %j', (text, expected) => {
    expect(harmlessLine(text)).toBe(expected);
  });

  test.each([
    'Add a login form',
    'fix(api): handle `null` & <undefined>, 50 % faster',
    'feat!: drop Node 18',
    'Upgrade react@18.2 to react@19; mail a.b@example.com',
    'Use C# and F#, not [CI] or [x]',
    'Größe prüfen: 日本語 👩‍💻 ❤️',
    'Say "no" in step 3/4 (see docs/api.md)',
  ])('leaves the plain title %j as it is', (text) => {
    expect(harmlessLine(text)).toBe(text);
    expect(isHarmless(text)).toBe(true);
  });

  test.each(Object.entries(ACTING))('never holds %s, whatever the text', (_, acting) => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 60 }), (text, limit) => {
        expect(harmlessLine(text, limit)).not.toMatch(acting);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is as long as it may be at most, and harmless words stay', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 60 }), (text, limit) => {
        const line = harmlessLine(text, limit);
        expect(line.length).toBeLessThanOrEqual(limit);
        expect(harmlessLine(line, limit)).toBe(line);
        expect(isHarmless(line)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(['@', '#1', '[', '/', '*no ci', '-', '--skip-ci', 'https://', '\u200b', ' '])(
    'takes no time for many of %j',
    (piece) => {
      const line = harmlessLine(`a ${piece.repeat(1_000_000)}a`);
      expect(line.length).toBeLessThanOrEqual(200);
    },
    1_000,
  );
});

test('lines keep their paragraphs', () => {
  expect(harmlessLines('Fixes #1\r\n\n\n\nDo it.\nSigned-off-by: Eve\n')).toBe(
    'Fixes no. 1\n\nDo it.\nSigned-off-by - Eve',
  );
});
