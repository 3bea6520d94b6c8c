import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { setField } from '../../../src/discovery/front-matter-edit.ts';
import { readFrontMatter } from '../../../src/discovery/front-matter-read.ts';
import { ChooError } from '../../../src/errors.ts';

describe('setting a field', () => {
  test.each([
    ['a plain value', '---\nstatus: pending\n---\n', '---\nstatus: complete\n---\n'],
    ['a comment behind it', '---\nstatus:   pending  # yes\n---\n', '---\nstatus:   complete  # yes\n---\n'],
    ['double quotes', '---\nstatus: "pending"\n---\n', '---\nstatus: "complete"\n---\n'],
    ['single quotes', "---\nstatus: 'pending'\n---\n", "---\nstatus: 'complete'\n---\n"],
    ['no value', '---\nstatus:\ntask: 1\n---\n', '---\nstatus: complete\ntask: 1\n---\n'],
    ['null', '---\nstatus: ~\n---\n', '---\nstatus: complete\n---\n'],
    ['no field, LF', '---\ntask: 1\n---\nstatus: x\n', '---\ntask: 1\nstatus: complete\n---\nstatus: x\n'],
    [
      'no field, CRLF and a mark',
      '\uFEFF---\r\ntask: 1\r\n---',
      '\uFEFF---\r\ntask: 1\r\nstatus: complete\r\n---',
    ],
    ['braces', '---\n{task: 1, status: pending}\n---\n', '---\n{task: 1, status: complete}\n---\n'],
    ['braces without it', '---\n{task: 1}\n---\n', '---\n{task: 1, status: complete}\n---\n'],
    ['empty braces', '---\n{}\n---\n', '---\n{status: complete}\n---\n'],
    ['nothing at all', '---\n---\n', '---\nstatus: complete\n---\n'],
    [
      'a folded value',
      '---\nstatus: >-\n  pen\n  ding\ntask: 1\n---\n',
      '---\nstatus: complete\ntask: 1\n---\n',
    ],
  ])('with %s changes nothing else', (_, before, after) => {
    expect(setField(before, 'status', 'complete')).toBe(after);
  });

  test.each([
    ['2026-11-22T10:00:00Z', '"2026-11-22T10:00:00Z"'],
    ['choo/unit/main/api', 'choo/unit/main/api'],
    ['true', '"true"'],
    ['a: b # c', '"a: b # c"'],
    ['', '""'],
  ])('writes `%s` so that it reads back as text', (value, written) => {
    expect(setField('---\ntask: 1\n---\n', 'orch_x', value)).toBe(`---\ntask: 1\norch_x: ${written}\n---\n`);
  });

  test.each([
    ['a list', '---\nstatus: [a]\n---\n'],
    ['a mapping', '---\nstatus: {a: b}\n---\n'],
    ['no front matter', '# Title\n'],
    ['broken YAML', '---\nstatus: "x\n---\n'],
  ])('refuses %s', (_, text) => {
    expect(() => setField(text, 'status', 'complete')).toThrow(ChooError);
  });

  test('leaves every other character of any file as it was, and says exactly the new value', () => {
    const fields = fc.uniqueArray(
      fc.tuple(
        fc.constantFrom('task', 'status', 'backpressure', 'depends_on', 'owner'),
        fc.constantFrom(
          '1',
          'pending',
          '"a # b"',
          "'c'",
          '[1, 2]',
          '',
          'go test ./... ',
          'x # note',
          '>\n  folded\n  text',
        ),
      ),
      { selector: ([name]) => name, maxLength: 5 },
    );
    const world = fc.record({
      fields,
      end: fc.constantFrom('\n', '\r\n'),
      mark: fc.constantFrom('', '\uFEFF'),
      comment: fc.constantFrom('', '# a comment\n', '\n'),
      body: fc.string({ unit: 'grapheme', maxLength: 40 }),
      last: fc.constantFrom('', '\n'),
    });
    fc.assert(
      fc.property(
        world,
        fc.constantFrom('complete', 'failed', 'in_progress'),
        ({ fields, end, mark, comment, body, last }, status) => {
          const yaml = comment + fields.map(([name, value]) => `${name}: ${value}\n`).join('');
          const text = `${mark}---\n${yaml}---\n${body}${last}`.replaceAll('\n', end);
          const current = fields.find(([name]) => name === 'status');
          if (current?.[1] === '[1, 2]') return;
          const edited = setField(text, 'status', status);

          const before = readFrontMatter(text);
          const after = readFrontMatter(edited);
          if ('faults' in before || 'faults' in after) throw new Error('expected front matter');
          expect(after.fields.get('status')?.value).toMatchObject({ kind: 'scalar', text: status });
          const old = before.fields.get('status')?.value;
          const changed = after.fields.get('status');
          if (changed === undefined) throw new Error('expected the field');
          // Cutting the new value (or the new line) out and the old one back in gives the old file.
          const restored =
            old === undefined
              ? edited.slice(0, before.end) + edited.slice(before.end + edited.length - text.length)
              : edited.slice(0, old.start) +
                text.slice(old.start, old.end) +
                edited.slice(old.start + (edited.length - text.length) + (old.end - old.start));
          expect(restored).toBe(text);
          expect(setField(edited, 'status', status)).toBe(edited);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
