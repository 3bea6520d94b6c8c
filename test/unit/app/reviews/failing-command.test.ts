import { expect, test } from 'vitest';
import { namesFailingCommand, onlyFailing } from '../../../../src/app/reviews/failing-command.ts';

test.each([
  'This fails:\n\n```console\n$ npm test\n```',
  'Exit 1 of\n~~~sh\nmake check\n~~~',
  '`npm test` fails on Windows.',
  'I see a failure with ``node --test a.ts``.',
])('names a failing command: %j', (text) => {
  expect(namesFailingCommand(text)).toBe(true);
});

test.each([
  'This fails.',
  'The name `data` is an error.',
  '`npm test` is slow.',
  '```ts\nthrow new Error();\n```',
  'Consider a better name.',
  '',
])('names none: %j', (text) => {
  expect(namesFailingCommand(text)).toBe(false);
});

test('leaves of what a bot asks for only what names one', () => {
  const thread = (id: string, ...bodies: readonly string[]) => ({
    ...{ id, path: 'a', line: 1, hunk: null },
    comments: bodies.map((body) => ({ author: 'bot', body })),
  });
  const proof = '`npm test` fails.';
  const content = { words: 'Nits.', checks: [], threads: [thread('1', proof), thread('2', proof, 'Nice.')] };
  expect(onlyFailing(content)).toEqual({ ...content, words: null, threads: [thread('1', proof)] });
  expect(onlyFailing({ ...content, threads: [] })).toBeUndefined();
});
