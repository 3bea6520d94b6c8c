import { expect, test } from 'vitest';
import { lastOutput } from '../../../../src/worker/gate/last-output.ts';

test.each([
  ['one\ntwo\n', 'two'],
  ['one\ntwo\n\n  \r\n', 'two'],
  ['10 %\r20 %\r', '20 %'],
  ['Password: ', 'Password:'],
  ['\u001b[32mgreen\u001b[0m\n\u001b[2K\u001b[1G', 'green'],
  [`${'x'.repeat(100_000)}end`, 'x'.repeat(300)],
  [' \n', undefined],
  ['', undefined],
])('finds the last line that says something in %j', (text, expected) => {
  expect(lastOutput(text)).toBe(expected);
});
