import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BoxPlace, mergeBoxes, tickBoxes } from '../../../../src/discovery/formats/boxes.ts';
import { readOutline } from '../../../../src/discovery/formats/outline.ts';
import { ChooError } from '../../../../src/errors.ts';

const PIECES = [
  '- [ ] one',
  '- [x] one',
  '* [X] two',
  '1. [ ] three',
  '\t- [ ]* four',
  '```',
  '- [] five',
  'ä',
];
const lines = fc.array(
  fc.tuple(fc.oneof(fc.constantFrom(...PIECES), fc.string()), fc.constantFrom('\n', '\r\n')),
  { maxLength: 30 },
);
const texts = lines.map((all) => all.map(([line, end]) => line.replaceAll(/[\r\n]/g, '') + end).join(''));

function boxesOf(text: string) {
  return readOutline(text).flatMap(({ number, text: line, box }) =>
    box === undefined ? [] : [{ line: number, text: line, box }],
  );
}

function tick(text: string, boxes: readonly BoxPlace[] = boxesOf(text)): string {
  return tickBoxes(Buffer.from(text), boxes).toString();
}

describe('ticking boxes', () => {
  test('changes one byte of each empty box and no other one', () => {
    fc.assert(
      fc.property(fc.boolean(), texts, fc.nat(), (mark, rest, which) => {
        const text = (mark ? '\uFEFF' : '') + rest;
        const boxes = boxesOf(text);
        const chosen = boxes.filter((_, index) => index % 2 === which % 2);
        const [before, after] = [Buffer.from(text), tickBoxes(Buffer.from(text), chosen)];
        const differing = [...before.keys()].filter((at) => before[at] !== after[at]);
        expect(after).toHaveLength(before.length);
        expect(differing).toHaveLength(chosen.filter(({ box }) => !box.done).length);
        for (const at of differing) expect([before[at], after[at]]).toEqual([0x20, 0x78]);
        const done = new Set(chosen.map(({ line }) => line));
        expect(boxesOf(after.toString()).map(({ box }) => box.done)).toEqual(
          boxes.map(({ line, box }) => box.done || done.has(line)),
        );
      }),
    );
  });

  test('leaves bytes that are no text, and a byte order mark', () => {
    const content = Buffer.concat([Buffer.from('\uFEFF- [ ] ä\r\n'), Buffer.of(0xff, 0x00, 0x0a)]);
    const ticked = tickBoxes(content, [{ line: 1, text: '- [ ] ä' }]);
    expect(
      ticked.equals(Buffer.concat([Buffer.from('\uFEFF- [x] ä\r\n'), Buffer.of(0xff, 0x00, 0x0a)])),
    ).toBe(true);
  });

  test('finds a line that moved, the nearest of several', () => {
    const box = { line: 2, text: '- [x] one' };
    expect(tick('\n\n- [ ] one\n\n\n- [ ] one', [box])).toBe('\n\n- [x] one\n\n\n- [ ] one');
  });

  test('refuses a line that is there no more', () => {
    expect(() => tick('- [ ] other\n', [{ line: 1, text: '- [ ] one' }])).toThrow(ChooError);
    expect(() => tick('one\n', [{ line: 1, text: 'one' }])).toThrow('there is no box');
  });
});

describe('merging boxes', () => {
  const merge = (...texts: readonly [string, string, string]): string | undefined => {
    const [base, one, other] = texts.map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
    return mergeBoxes(base, one, other)?.toString();
  };

  test.each([
    ['both tick', '- [ ] 1\n- [ ] 2', '- [x] 1\n- [ ] 2', '- [ ] 1\n- [x] 2', '- [x] 1\n- [x] 2'],
    [
      'one ticks, one edits',
      '- [ ] 1\n- [ ] 2',
      '- [x] 1\n- [ ] 2',
      '# A\n- [ ] 1\n- [ ] 3',
      '# A\n- [x] 1\n- [ ] 3',
    ],
    ['one edits, one ticks', '- [ ] 1\n- [ ] 2', 'x\n- [ ] 1', '- [x] 1\n- [ ] 2', 'x\n- [x] 1'],
    ['one empties', '- [x] 1', '- [ ] 1', '- [x] 1\nx', '- [ ] 1\nx'],
    ['what was ticked is gone', '- [ ] 1', '- [x] 1', '- [ ] 2', '- [ ] 2'],
    [
      'equal lines keep their order',
      '- [ ] 1\n- [ ] 1',
      '- [ ] 1\n- [x] 1',
      '- [ ] 1\n\n- [ ] 1',
      '- [ ] 1\n\n- [x] 1',
    ],
    ['both edit', '- [ ] 1', '- [ ] 2', '- [ ] 3', undefined],
  ])('%s', (_, base, one, other, merged) => {
    expect(merge(base, one, other)).toBe(merged);
  });

  test('never grows, and a side that changed nothing gives the other one', () => {
    fc.assert(
      fc.property(texts, texts, (base, other) => {
        expect(merge(base, base, other)).toBe(other);
        expect(merge(base, other, base)).toBe(other);
        expect(merge(base, tick(base), other)?.length).toBe(other.length);
      }),
    );
  });
});
