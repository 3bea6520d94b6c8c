import { lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasExactTimes, isSettled, isUnchanged } from '../../../../src/git/staging/file-state.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

describe('a file is settled', () => {
  const now = 1_700_000_010_123;
  test.each([
    ['a moment ago', now - 1, false],
    ['as long ago as a clock may lag', now - 30, false],
    ['longer ago', now - 31, true],
    ['in the future', now + 1_000, false],
    ['at a whole second, where that may be all that is known', 1_700_000_009_000, false],
    ['at a whole second long ago', 1_700_000_008_000, true],
  ])('or not, when it changed %s', (_, ctimeMs, expected) => expect(isSettled(ctimeMs, now)).toBe(expected));
});

test('a file counts as unchanged only when it was settled and nothing of it differs', async () => {
  await using place = await temporaryDirectory();
  const path = join(place.path, 'a');
  writeFileSync(path, 'a');
  const stats = lstatSync(path);
  const seen = { ...stats, isSettled: true };
  expect(isUnchanged(stats, seen)).toBe(true);
  expect(isUnchanged(stats, undefined)).toBe(false);
  for (const change of [{ isSettled: false }, { ino: 1 }, { size: 2 }, { ctimeMs: 1 }, { mtimeMs: 1 }])
    expect(isUnchanged(stats, { ...seen, ...change })).toBe(false);
});

test('only file systems of this machine tell when a file has changed', () => {
  expect(hasExactTimes('/proc')).toBe(false);
  expect(hasExactTimes('/nowhere')).toBe(false);
});
