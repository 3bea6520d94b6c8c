import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findReasonFile } from '../../../src/worker/reason-file.ts';
import { writeFiles } from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

test('the file of a reason is one of the project, found by its end where a runner works in a package', async () => {
  await using place = await temporaryDirectory();
  await writeFiles(place.path, {
    'src/sum.js': '',
    'packages/a/test/sum.test.js': '',
    'packages/b/sum_test.go': '',
    'packages/c/twice.js': '',
    'packages/d/twice.js': '',
    'node_modules/x/built.js': '',
  });
  await symlink('/etc', join(place.path, 'link'));
  const reason = { text: 'no', line: 3, column: 1, runner: 'go' };
  const found = async (file: string | null): Promise<unknown> => {
    const { line, ...rest } = await findReasonFile(place.path, { ...reason, file });
    return line === null ? rest.file : `${rest.file}:${line}`;
  };
  expect(await found('src/sum.js')).toBe('src/sum.js:3');
  expect(await found('test/sum.test.js')).toBe('packages/a/test/sum.test.js:3');
  expect(await found('sum_test.go')).toBe('packages/b/sum_test.go:3');
  expect(await found('twice.js')).toBeNull();
  expect(await found('built.js')).toBeNull();
  expect(await found('hostname')).toBeNull();
});
