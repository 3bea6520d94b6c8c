import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPlainFields } from '../../../src/discovery/front-matter-plain.ts';
import { readFrontMatter } from '../../../src/discovery/front-matter-read.ts';
import { readYamlFields } from '../../../src/discovery/front-matter-yaml.ts';

const SPEC_LIKE = [
  '1',
  'pending',
  'go test ./... -run X',
  'a#b',
  '"a b"',
  "'x: y'",
  '[1, 2]',
  '[]',
  '[ a,b ]',
  '["a", b]',
  'null',
  '',
  '.5',
  'x # note',
  '"a" # note',
  '[1, 2] #',
  '# only a note',
];
const ODD = [
  ...[
    '-1',
    'a: b',
    'a #b',
    'x:',
    "'it''s'",
    '"\\t"',
    '[a, [b]]',
    '[a,]',
    '{a: b}',
    '~',
    'null ',
    '*a',
    '&a x',
    '!!str 1',
    '|',
    '>-',
  ],
  ...[
    '- a',
    '[null]',
    '"unclosed',
    'a, b',
    '%x',
    '@x',
    '`x`',
    '...',
    '---',
    '0x1',
    'no',
    '"a" b',
    '[a] b',
    'ä',
  ],
];
const NAMES = ['task', 'status', 'backpressure', 'depends_on', 'null', 'true', 'x1'];

const value = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...SPEC_LIKE) },
  { weight: 2, arbitrary: fc.constantFrom(...ODD) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...' -:#[]{},"\'ab1.'), maxLength: 8 }) },
);
const separator = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(': ', ':   ') },
  { weight: 1, arbitrary: fc.constantFrom(':', ' : ', ':\t') },
);
const dash = fc.oneof(
  { weight: 9, arbitrary: fc.constant('  - ') },
  { weight: 1, arbitrary: fc.constantFrom('- ', ' -  ', '-', '   - ') },
);
const line = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constantFrom(...NAMES), separator, value).map((parts) => parts.join('')),
  },
  { weight: 3, arbitrary: fc.tuple(dash, value).map((parts) => parts.join('')) },
  { weight: 3, arbitrary: fc.constantFrom(...NAMES).map((name) => `${name}:\n  - a\n  - b`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '   ',
      '# comment',
      '  # comment',
      'continued',
      '  continued',
      '\t',
      '---x',
      '...',
    ),
  },
);

describe('the plain reader', () => {
  test('says what the YAML parser says about everything it does not leave to it', () => {
    let plain = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(line, { maxLength: 5, selector: (each) => each.split(':')[0] }),
        fc.constantFrom('\n', '\r\n'),
        (lines, end) => {
          const opening = `---${end}`;
          const yaml = lines.map((each) => each + end).join('');
          const text = `${opening}${yaml}---${end}body\n`;
          const fences = {
            start: opening.length,
            end: opening.length + yaml.length,
            bodyStart: text.length - 5,
          };
          const own = readPlainFields(text, fences);
          if (own === undefined) return;
          plain += 1;
          expect(own).toEqual(readYamlFields(text, fences));
        },
      ),
      { numRuns: 4_000 },
    );
    expect(plain).toBeGreaterThan(500); // else the property says nothing
  });

  test('reads the shapes that specs have without the YAML parser', () => {
    const yaml =
      'task: 3\r\nstatus: complete\nbackpressure: "go test ./internal/... -run Pool"\ndepends_on: [1, 2]\n# note\nlist:\n  - a\n  - "b"\nempty:\n';
    const text = `---\n${yaml}---\n`;
    const read = readPlainFields(text, { start: 4, end: 4 + yaml.length, bodyStart: text.length });
    expect([...(read?.fields.keys() ?? [])]).toEqual([
      'task',
      'status',
      'backpressure',
      'depends_on',
      'list',
      'empty',
    ]);
  });
});

describe('front matter', () => {
  test('that only the YAML parser understands is read with the places of the file', () => {
    const text =
      '\uFEFF---\r\ngate: > # folded\r\n  a\r\n  b\r\nlist: # of two\r\n- "\\u0041"\r\n- b # second\r\n---\r\nbody';
    const read = readFrontMatter(text);
    if ('faults' in read) throw new Error('expected fields');
    expect(read.fields.get('gate')?.value).toMatchObject({
      kind: 'scalar',
      text: 'a b\n',
      quoted: true,
      at: { line: 2, column: 7 },
    });
    expect(read.fields.get('list')?.value).toMatchObject({
      kind: 'list',
      items: [
        { text: 'A', at: { line: 6, column: 3 } },
        { text: 'b', at: { line: 7, column: 3 } },
      ],
    });
    expect(text.slice(read.bodyStart)).toBe('body');
    for (const field of read.fields.values())
      expect(text.slice(field.start).startsWith(field.name)).toBe(true);
  });

  test.each([
    ['anchors', 'a: &x 1\nb: *x\n', ['a YAML anchor', 'a YAML alias']],
    [
      'mappings and nested lists',
      'a: {b: c}\nb: [[1]]\n',
      ['a mapping', 'a list with values other than words'],
    ],
    ['tags', 'a: !secret x\nb: !own [x]\n', ['a YAML tag', 'a marked list']],
  ])('with %s says so instead of guessing', (_, yaml, kinds) => {
    const read = readFrontMatter(`---\n${yaml}---\n`);
    if ('faults' in read) throw new Error('expected fields');
    expect([...read.fields.values()].map((field) => field.value)).toMatchObject(
      kinds.map((what) => ({ kind: 'unsupported', what })),
    );
  });

  test.each([
    ['', 'front-matter-missing', 1],
    ['\n---\ntask: 1\n---\n', 'front-matter-missing', 1],
    ['---\ntask: 1\n ---\n', 'front-matter-unclosed', 1],
    ['---\n- a\n---\n', 'front-matter-shape', 2],
    ['---\na: 1\nb: 2\na: 3\n---\n', 'yaml-syntax', 4],
    ['---\na: "x\n---\n', 'yaml-syntax', 3],
    ['---\n\tb: 1\n---\n', 'yaml-syntax', 2],
  ])('of %j is a fault: %s', (text, code, lineNumber) => {
    const read = readFrontMatter(text);
    expect('faults' in read ? read.faults[0] : read).toMatchObject({ code, line: lineNumber });
  });

  test('longer than any spec needs is refused before a parser sees it', () => {
    const read = readFrontMatter(`---\nx: ${'y'.repeat(300_000)}\n---\n`);
    expect('faults' in read ? read.faults : read).toMatchObject([
      { code: 'front-matter-too-large', line: 1 },
    ]);
  });
});
