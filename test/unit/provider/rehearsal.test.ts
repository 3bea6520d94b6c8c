import { describe, expect, test } from 'vitest';

import type { Invocation } from '../../../src/provider/provider.ts';
import { createProvider } from '../../../src/provider/by-name.ts';
import { taskFile } from './task-file.ts';

/** The invocation for a task whose file has this body. */
function rehearse(body: string, args?: readonly string[]): Invocation {
  const task = { title: 'A task', file: taskFile(body) };
  return createProvider('rehearsal').invocation({ ...ASSIGNMENT, task, args });
}

const ASSIGNMENT = {
  prompt: 'Do it.',
  cwd: '/work',
  stateDirectory: '/state',
  variables: {},
  sandboxed: true,
} as const;

const fence = (info: string, ...lines: readonly string[]) => ['```' + info, ...lines, '```', ''].join('\n');

describe('a rehearsal', () => {
  test('runs a block of sh by bash, which stops at the first failure', () => {
    expect(rehearse(`# A task\n\n${fence('sh rehearsal', 'echo one', '', '  echo two')}`)).toEqual({
      executable: 'bash',
      args: ['--norc', '-eu', '-s', '--'],
      env: {},
      stdin: '{ :\necho one\n\n  echo two\n\n} </dev/null\n',
      files: {},
    });
  });

  test('applies a block of diff by git, which looks for no repository', () => {
    const { executable, args, env, stdin } = rehearse(fence('diff rehearsal', '--- a/x', '+++ b/x'));
    expect([executable, ...args]).toEqual([
      'bash',
      '--norc',
      '-eu',
      '-c',
      'exec git apply --whitespace=nowarn -',
    ]);
    expect(env).toEqual({ GIT_DIR: '/dev/null' });
    expect(stdin).toBe('--- a/x\n+++ b/x\n');
  });

  test.each([
    ['more backticks', '`````sh rehearsal\n```\necho\n`````\n', '```\necho\n'],
    ['tildes', '~~~ sh rehearsal\necho\n~~~\n', 'echo\n'],
    ['tildes around backticks', '~~~sh rehearsal\n```\n~~~\n', '```\n'],
    ['a closing fence that is longer', '```sh rehearsal\necho\n`````\n', 'echo\n'],
    ['blanks around the words', '```  sh   rehearsal  \necho\n```   \n', 'echo\n'],
    ['an indented fence', '  ```sh rehearsal\n  echo\n    two\n three\n  ```\n', 'echo\n  two\nthree\n'],
    ['no closing fence', '```sh rehearsal\necho\n', 'echo\n'],
    ['no closing fence and a foreign one in the last line', '```sh rehearsal\necho\n~~~', 'echo\n~~~\n'],
    ['nothing in it', '```sh rehearsal\n```\n', ''],
    ['characters of every size', '```sh rehearsal\necho "é 😀"\n```\n', 'echo "é 😀"\n'],
  ])('takes a block with %s', (_, body, stdin) => {
    expect(rehearse(body).stdin).toBe(`{ :\n${stdin}\n} </dev/null\n`);
  });

  test('reads line ends as those of the file', () => {
    expect(rehearse('```sh rehearsal\r\necho one\r\necho two\r\n```\r\n').stdin).toContain(
      '\necho one\necho two\n',
    );
    expect(rehearse('```diff rehearsal\n+with\r\n+without\n```\n').stdin).toBe('+with\r\n+without\n');
  });

  test('is given what the configuration adds as arguments of its script', () => {
    expect(rehearse(fence('sh rehearsal', 'echo "$1"'), ['one']).args).toEqual([
      '--norc',
      '-eu',
      '-s',
      '--',
      'one',
    ]);
  });

  test.each([
    ['no block', '# A task\n'],
    ['another language', fence('js rehearsal', 'x')],
    ['another word', fence('sh', 'x')],
    ['a word more', fence('sh rehearsal now', 'x')],
    ['an indented block', '    ```sh rehearsal\n    x\n    ```\n'],
    ['a block inside another', '````md\n```sh rehearsal\nx\n```\n````\n'],
  ])('needs a block: %s', (_, body) => {
    expect(() => rehearse(body)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: '`specs/tasks/hello/01-hello.md` has no block for the provider rehearsal',
      }),
    );
  });

  test('needs no more than one block', () => {
    expect(() => rehearse(fence('sh rehearsal', 'x') + fence('diff rehearsal', 'y'))).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining('01-hello.md` has more than one block'),
      }),
    );
  });

  test('looks only behind the front matter', () => {
    const front = fence('sh rehearsal', 'front');
    const file = taskFile(front + fence('sh rehearsal', 'body'));
    const bodyStart = file.frontMatter.bodyStart + front.length;
    const task = { title: 'A task', file: { ...file, frontMatter: { ...file.frontMatter, bodyStart } } };
    expect(createProvider('rehearsal').invocation({ ...ASSIGNMENT, task }).stdin).toContain('body');
  });
});
