import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { countTests, findReason } from '../../../../src/worker/gate/gate-reason.ts';
import { cpuMs } from '../../../helpers/cpu-time.ts';

const DIRECTORY = fileURLToPath(new URL('../../../fixtures/gate-outputs/', import.meta.url));
const PROJECT = '/srv/project';

interface Expected {
  readonly runner: string | null;
  readonly text: string;
  /** `file:line:column`, as far as they are known. */
  readonly at: string | null;
  /** Passed, failed, skipped. */
  readonly tests: string | null;
}

const REASONS = JSON.parse(readFileSync(`${DIRECTORY}reasons.json`, 'utf8')) as Record<string, Expected>;
const RECORDED = Object.entries(REASONS).map(
  ([name, expected]) => [name, readFileSync(`${DIRECTORY}${name}.txt`, 'utf8'), expected] as const,
);

function read(output: string, directories: readonly string[] = [PROJECT]): Expected | undefined {
  const reason = findReason(output, directories);
  if (reason === undefined) return undefined;
  const { runner, text, file, line, column } = reason;
  const tests = countTests(output);
  return {
    runner,
    text,
    at: file === null ? null : [file, line, column].filter((each) => each !== null).join(':'),
    tests: tests === undefined ? null : `${tests.passed} ${tests.failed} ${tests.skipped}`,
  };
}

test('every recorded output has its reason', () => {
  const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.txt'));
  expect(files.map((file) => file.slice(0, -'.txt'.length)).sort()).toEqual(Object.keys(REASONS).sort());
  expect(RECORDED.length).toBeGreaterThanOrEqual(40);
});

describe.each(RECORDED)('the reason of %s', (_, output, expected) => {
  test('is its first failure', () => {
    expect(read(output)).toEqual(expected);
  });

  test('is the same in colours, with the line ends of Windows and without a last one', () => {
    const colored = output
      .trimEnd()
      .replaceAll(/^(?=.)/gm, '\u001b[31m\u001b[1m')
      .replaceAll('\n', '\u001b[39m\r\n');
    expect(read(colored)).toEqual(expected);
  });

  test('is the same where a system puts the time before each line', () => {
    const timed = output.trimEnd().replaceAll(/^/gm, '2026-11-29T05:50:32.1234567Z ');
    expect(read(timed)).toEqual(expected);
  });

  test('is the same in a directory of choo', () => {
    const worktree = '/var/lib/choo/worktrees/k3v9x2m1aa.2.sums.verify';
    expect(read(output.replaceAll(PROJECT, worktree), [worktree])).toEqual(expected);
  });

  test('takes no time, however often it is printed', async () => {
    const long = output.repeat(Math.ceil((64 * 1024) / output.length));
    expect(await cpuMs(() => read(long))).toBeLessThan(400);
  });
});
