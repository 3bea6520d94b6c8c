import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCommands } from '../../../../src/github/commands/parse-commands.ts';

const RUN = { kind: 'run', commit: null, units: [], provider: null, forceProvider: null };

/** The commands of a comment without their lines. */
const read = (body: string) => parseCommands(body).map(({ line: _line, ...command }) => command);
/** `line: kind` of each command. */
const kinds = (body: string) => parseCommands(body).map(({ line, kind }) => `${line}: ${kind}`);

describe('a comment', () => {
  test('has as many commands as it has such lines', () => {
    expect(kinds('Thanks!\r\n/choo run a\r\n/choo oops\r\rtext\n\n/choo status')).toEqual([
      '2: run',
      '3: problem',
      '7: status',
    ]);
  });

  test('is obeyed up to ten commands', () => {
    const found = parseCommands('/choo plan\n'.repeat(30));
    expect(found.map(({ kind }) => kind)).toEqual([...Array.from({ length: 10 }, () => 'plan'), 'problem']);
    expect(found[10]).toMatchObject({ line: 11, message: expect.stringContaining('more than 10') as string });
  });

  test.each([
    ['', 'nothing'],
    [' /choo run', 'a space in front'],
    ['please /choo run', 'words in front'],
    ['/choose run', 'another word'],
    ['/choo-run', 'another word'],
    ['/choo/run', 'a path'],
    ['```\n/choo run\n```', 'a fence'],
    ['~~~ sh\n/choo run\n```\n/choo run', 'a fence of tildes that backticks do not close'],
    ['````\n```\n/choo run\n````', 'a longer fence'],
    ['```\n``` x\n/choo run\n```', 'a fence whose end has words behind it'],
    ['```\n    ```\n/choo run\n```', 'a fence whose end is indented as code'],
    ['\uFEFF```\n/choo run\n```', 'a fence behind a byte order mark'],
    ['> a\n```\n\n/choo run', 'a fence that ends a quote'],
    ['-\n\n  ```\n/choo run\n  ```', 'a fence behind an item without words'],
    ['- a\n\n```\n/choo run', 'a fence behind a list'],
    ['text\n    ```\n```\n/choo run\n', 'a fence behind what is no fence'],
    ['    /choo run', 'indented code'],
    ['\t/choo run', 'indented code'],
    ['> /choo run', 'a quote'],
    ['> a\n/choo run\n/choo plan', 'a quote that goes on without its mark'],
    ['> - a\n/choo run', 'a quoted list that goes on'],
    ['- > a\n/choo run', 'a quote in a list that goes on'],
    ['1. > > a\nb\n/choo run', 'quotes in a list that go on'],
    ['- a\n\n  /choo run', 'an item'],
    ['- /choo run', 'an item'],
    ['# /choo run', 'a heading'],
    ['<!--\n\n/choo run\n-->', 'an HTML comment'],
    ['<!-- a\n```\n-->\n```\n/choo run\n```', 'a fence behind a comment with a fence in it'],
    ['text <!--\n\n/choo run', 'an HTML comment that nothing closes'],
    ['text <!-- a\n/choo run\n-->', 'an HTML comment in a paragraph'],
    ['text <!-- a\n\n```\n-->\n/choo run\n```', 'a fence in what may be an HTML comment'],
    ['- <!--\n\n-->\n\n/choo run', 'an HTML comment that browsers do not see the end of'],
    ['<details>\n/choo run\n</details>', 'raw HTML'],
    ['<details>\n\n/choo run\n\n</details>', 'what is folded away'],
    ['<details><summary>x</summary>\n\n<details>\n\n</details>\n\n/choo run', 'what is folded away in part'],
    ['text\n<div>\n/choo run\n</div>', 'raw HTML that ends a paragraph'],
    ['text\n<source>\n/choo run', "raw HTML by GitHub's rules, and not by later ones of CommonMark"],
    ['<pre>\n\n/choo run\n</pre>', 'raw HTML up to its end'],
    ['<script>\n\n/choo run\n\n</script>', 'a script'],
    ['<style>\n\n/choo run', 'a style that nothing closes'],
    ['<?php\n\n/choo run\n?>', 'an instruction'],
    ['<![CDATA[\n\n/choo run\n]]>', 'character data'],
    ['<x-y a="b">\n/choo run', 'a tag alone on its line'],
    ['a `b\n/choo run\nc` d', 'a code span'],
    ['a ``b `\n/choo run\n` c`` d', 'a code span with backticks in it'],
    [`${'>'.repeat(60)} a\n\n/choo run`, 'what follows nesting that nobody writes'],
  ])('%j has none: %s', (body) => {
    expect(read(body)).toEqual([]);
  });

  test.each([
    ['```\ncode\n```\n/choo run', 'the end of a fence'],
    ['~~~\n```\n~~~~\n/choo run', 'the end of a fence of tildes'],
    ['``` a`b\n/choo run', 'what looks like a fence'],
    ['> ```\n/choo run', 'a fence in a quote, which ends with it'],
    ['> a\n\n/choo run', 'a quote and an empty line'],
    ['> a\n>\n/choo run', 'a quote that ends with its own empty line'],
    ['> # a\n/choo run', 'a quoted heading, which nothing goes on with'],
    ['- a\n/choo run', 'a list'],
    ['- ```\n  b\n/choo run', 'a fence in a list, which ends with it'],
    ['<!-- a -->\n/choo run', 'an HTML comment'],
    ['<!--\n-->\n/choo run', 'an HTML comment'],
    ['a <!-- b --> c\n/choo run', 'an HTML comment'],
    ['`<!--`\n/choo run', 'what code says of HTML comments'],
    ['<!-- <details> -->\n\n/choo run', 'a fold that a comment speaks of'],
    ['<details>\n\na\n\n</details>\n\n/choo run', 'what is folded away'],
    ['<b>a</b>\n/choo run', 'a tag that is not alone'],
    ['a `b` c\n/choo run', 'a code span'],
    ['a ` b\n/choo run', 'a backtick alone'],
    ['[a](https://example.com) and [ ] <b> x < y\n/choo run', 'links and tags that end on their line'],
    ['a\n---\n/choo run', 'a heading'],
    ['* * *\n/choo run', 'a rule'],
    ['    <!--\n/choo run', 'indented code'],
    ['2. a\n\n   b\n\n/choo run', 'an item'],
  ])('%j has one, after %s', (body) => {
    expect(read(body)).toEqual([RUN]);
  });

  test.each([
    '<a title="\n/choo run\n">',
    '[x](/u "\n/choo run\n")',
    '[x]: /u "\n/choo run\n"',
    '\\` `\n/choo run\n`',
  ])('%j may hide a command, which is told', (body) => {
    expect(read(body)).toMatchObject([{ kind: 'problem', hint: 'put an empty line above the command' }]);
  });

  const command = fc.constantFrom(
    '/choo run',
    '/choo plan',
    '/Choo retry a/1 --fresh',
    '/choo skip b',
    '/choo oops',
  );
  const prose = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '*', '#', '_', '.', '/choo run\n') });

  test('has no command wherever it is wrapped as a whole', () => {
    const wraps: readonly ((text: string) => string)[] = [
      (text) => `\`\`\`\n${text}\n\`\`\``,
      (text) => `~~~\n${text}`,
      (text) => text.replaceAll(/^/gm, '> '),
      (text) => text.replaceAll(/^/gm, '    '),
      (text) => `- a\n\n${text.replaceAll(/^/gm, '  ')}`,
      (text) => `<!--\n${text}\n-->`,
      (text) => `a <!-- ${text}`,
      (text) => `<pre>\n${text}\n</pre>`,
      (text) => `<details>\n${text}\n</details>`,
      (text) => `\`\`\`\`\`\n> <!--\n${text}`,
    ];
    fc.assert(
      fc.property(prose, command, prose, fc.constantFrom(...wraps), (before, line, after, wrap) => {
        expect(parseCommands(wrap(`${before}\n${line}\n${after}`))).toEqual([]);
      }),
    );
  });

  test('has its command wherever empty lines set it apart from closed blocks', () => {
    const closed = fc.constantFrom(
      'a',
      '> b',
      '- c',
      '```\nd\n```',
      '<!-- e -->',
      '<div>\nf',
      '# g',
      '`h`',
      '[i',
      '1. > j',
    );
    fc.assert(
      fc.property(
        fc.array(closed),
        fc.array(closed),
        fc.constantFrom('\n', '\r\n', '\r'),
        (before, after, end) => {
          const body = [...before, '/choo status', ...after].join('\n\n').replaceAll('\n', end);
          expect(read(body)).toEqual([{ kind: 'status' }]);
        },
      ),
    );
  });
});
