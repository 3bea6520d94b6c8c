import { describe, expect, test } from 'vitest';
import { findReason } from '../../../../src/worker/gate/gate-reason.ts';
import { writeFiles } from '../../../helpers/git-repository.ts';
import { runProgram } from '../../../helpers/run-choo.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const IMPORTS = "import assert from 'node:assert/strict';\nimport { describe, test } from 'node:test';\n";

/** Files, and why `node --test` fails on them. */
const FAILURES: readonly (readonly [what: string, text: string, reason: string])[] = [
  [
    'an assertion in a suite, behind one that holds',
    `${IMPORTS}describe('sum', () => {
      test('adds', () => assert.equal(1 + 1, 2));
      test('takes away', () => assert.equal(3 - 1, 1));
      test('a second', () => assert.ok(false));
    });`,
    'takes away: Expected values to be strictly equal: 2 !== 1',
  ],
  [
    'an assertion with a difference',
    `${IMPORTS}test('lists', () => assert.deepEqual({ a: [1, 2] }, { a: [1, 3] }));`,
    'lists: Expected values to be strictly deep-equal: + actual - expected { a: [ 1, + 2 - 3 ] }',
  ],
  [
    'an assertion with words of its own, behind one that is still to be done',
    `${IMPORTS}test('later', { todo: true }, () => assert.ok(false, 'not yet'));
    test("it's drawn", () => assert.ok(false, "the chart isn't there"));`,
    "it's drawn: the chart isn't there",
  ],
  [
    'an error',
    `${IMPORTS}test('throws', () => { throw new TypeError('x is not a function'); });`,
    'throws: TypeError: x is not a function',
  ],
  [
    'a test that takes too long',
    `${IMPORTS}test('waits', { timeout: 50 }, () => new Promise((done) => setTimeout(done, 500)));`,
    'waits: test timed out after 50ms',
  ],
  [
    'a file that throws',
    "import { readFileSync } from 'node:fs';\nreadFileSync('./not-there.json');\n",
    "it.test.js: Error: ENOENT: no such file or directory, open './not-there.json'",
  ],
  [
    'a file with an error of syntax',
    `${IMPORTS}test('x', () => { const a = ; });`,
    "it.test.js: SyntaxError: Unexpected token ';'",
  ],
];

/** What a command prints in a directory with these files, as a gate's output. */
async function output(files: Readonly<Record<string, string>>, command: string): Promise<string> {
  await using place = await temporaryDirectory();
  await writeFiles(place.path, { 'package.json': '{"type":"module"}', ...files });
  const { stdout } = await runProgram(place.path, ['bash', '--norc', '-c', `{ ${command}; } 2>&1`]);
  return stdout;
}

describe.concurrent.each(['spec', 'tap'])('what node --test prints, reported as %s', (reporter) => {
  test.each(FAILURES)('tells of %s', async (_, text, reason) => {
    const printed = await output(
      { 'it.test.js': text },
      `node --test --test-reporter=${reporter} it.test.js`,
    );
    // The kind of an error is not in what TAP prints for its message.
    const expected = reporter === 'tap' ? reason.replace('throws: TypeError: ', 'throws: ') : reason;
    expect(findReason(printed)?.text).toBe(expected);
    expect(findReason(printed.slice(-6_000))?.text).toBe(expected);
  });
});

describe.concurrent('what a command prints that fails', () => {
  const [, assertion, reason] = FAILURES[0] ?? ['', '', ''];

  test.each([
    ['node --test in colours', 'FORCE_COLOR=1 node --test it.test.js', reason],
    ['node without --test', 'node it.test.js', reason],
    ['npm test', 'npm test', reason],
    ['a script of npm', 'npm run lint', 'src/a.js:3: no semicolon'],
    ['a script that is not there', 'npm run nothing', 'npm error Missing script: "nothing"'],
    ['a program that crashes', 'node crash.js', 'Error: no legend'],
    [
      'an error with properties',
      'node caught.js',
      "no luck: Error: ENOENT: no such file or directory, open 'x'",
    ],
    ['a shell that cannot find', 'cd nowhere', 'bash: line 1: cd: nowhere: No such file or directory'],
    [
      'a shell that says something',
      'echo the chart has no legend; echo; echo "}"; false',
      'the chart has no legend',
    ],
    ['JSON', `echo '{"ok": false,'; echo '"errors": 3'; echo '}'`, '"errors": 3'],
    ['nothing', 'false', undefined],
    ['only braces', 'echo "{"; echo "}"', undefined],
  ])('is told of %s', async (_, command, expected) => {
    const files = {
      'package.json': JSON.stringify({
        type: 'module',
        scripts: { test: 'node --test it.test.js', lint: 'echo src/a.js:3: no semicolon; exit 3' },
      }),
      'it.test.js': assertion,
      'crash.js': "throw Object.assign(new Error('no legend'), { code: 7, list: [1] });",
      'caught.js':
        "import { readFileSync } from 'node:fs';\ntry { readFileSync('x'); } catch (e) { console.log('no luck:', e); process.exit(1); }",
    };
    expect(findReason(await output(files, command))?.text).toBe(expected);
  });
});
