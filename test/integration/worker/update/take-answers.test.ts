import { execFileSync } from 'node:child_process';
import { link, lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { takeAnswers } from '../../../../src/worker/update/answers.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const GOOD = JSON.stringify({ answers: [{ thread: 'a', kind: 'fixed', text: 'x' }], summary: 'secret' });

describe('the file of the answers', () => {
  test.each<[string, (path: string, other: string) => unknown, string]>([
    ['that is missing', () => {}, 'the agent wrote none'],
    ['that is a link', async (path, other) => symlink(other, path), 'no file'],
    ['that is another name of a file', async (path, other) => link(other, path), 'no file of its own'],
    [
      'that is a directory',
      async (path) => mkdir(join(path, 'deep'), { recursive: true }),
      'no file of its own',
    ],
    ['that is a pipe nobody writes to', (path) => execFileSync('mkfifo', [path]), 'no file of its own'],
    ['of ten megabytes', async (path) => writeFile(path, `${GOOD}${' '.repeat(10_000_000)}`), 'too large'],
  ])('%s counts for nothing, and is removed', async (_, leave, reason) => {
    await using place = await temporaryDirectory();
    const [path, other] = [join(place.path, 'answers.json'), join(place.path, 'other.json')];
    await writeFile(other, GOOD);
    await leave(path, other);
    expect(await takeAnswers(path)).toEqual({ kind: 'none', reason: expect.stringContaining(reason) });
    await expect(lstat(path)).rejects.toThrow('ENOENT');
    expect(await readFile(other, 'utf8')).toBe(GOOD);
  });

  test('that is a file is read, and removed', async () => {
    await using place = await temporaryDirectory();
    const path = join(place.path, 'answers.json');
    await writeFile(path, GOOD);
    expect(await takeAnswers(path)).toMatchObject({ kind: 'written', summary: 'secret' });
    await expect(lstat(path)).rejects.toThrow('ENOENT');
  });
});
