import fc from 'fast-check';
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  paragraphs,
  refusal,
  sentence,
  sentenceAbove,
  sentences,
  sentenceWithLink,
} from '../../../../src/app/repository/answers.ts';
import { COMMAND_NAMES } from '../../../../src/github/commands/commands.ts';

/** Begins with a capital where the letter has one, and ends as a sentence does. */
const isSentence = (text: string): boolean => {
  const [first = ''] = text;
  return first === first.toUpperCase() && /[.!?]$/.test(text);
};

const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('a', '`', ' ', '.', 'ß') }),
);

test('every answer is made of sentences, whatever is in it', () => {
  fc.assert(
    fc.property(texts, texts, (text, hint) => {
      expect(sentence(text)).toSatisfy(isSentence);
      expect(sentences(text, hint)).toSatisfy(isSentence);
      expect(refusal(text, { message: text, hint })).toSatisfy(isSentence);
      expect(sentenceWithLink(text, 'https://host/path')).toSatisfy(isSentence);
      expect(paragraphs([sentence(text), sentence(hint)])).toSatisfy(isSentence);
      expect(sentenceAbove(text, '| a |').split('\n\n')[0]).toSatisfy(isSentence);
    }),
  );
});

test('every letter that has a capital begins a sentence with it, circled ones and those that become two included', () => {
  const letters = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).filter(
    (character) => character.toUpperCase() !== character,
  );
  expect(letters.length).toBeGreaterThan(1_000);
  expect(letters.filter((letter) => !isSentence(sentence(letter)))).toEqual([]);
});

test('no answer is made anywhere else', async () => {
  const files = await readdir('src', { recursive: true });
  const makers = [];
  for (const file of files.filter((name) => name.endsWith('.ts')))
    if (/\bas (?:unknown as )?Answer\b/.test(await readFile(`src/${file}`, 'utf8'))) makers.push(file);
  expect(makers).toEqual(['app/repository/answers.ts']);
});

test.each([
  ['wait, or cancel it: `choo cancel 4k2j9x0q7a`', 'Wait, or cancel it: `/choo cancel 4k2j9x0q7a`.'],
  ['`choo / api` is red', '`choo / api` is red.'],
  ['did you mean `api`?', 'Did you mean `api`?'],
])('%s', (text, said) => {
  expect(sentence(text)).toBe(said);
});

test('a refusal gives the hint that was made for a terminal as it is written in a comment, or not at all', () => {
  const say = (hint: string): string => refusal('Nothing was done', { message: 'no run `x`', hint });
  expect(say('`choo status` shows the newest')).toBe(
    'Nothing was done: no run `x`. `/choo status` shows the newest.',
  );
  expect(say('write them, or try `choo init`')).toBe('Nothing was done: no run `x`.');
  for (const name of COMMAND_NAMES) expect(say(`\`choo ${name}\``)).toContain(`\`/choo ${name}\``);
});
