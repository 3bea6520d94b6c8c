import { describe, expect, test } from 'vitest';
import { isDoubtfulName } from '../../../../src/git/staging/look.ts';

const bytes = (text: string): string => Buffer.from(text).toString('latin1');

describe('names that git is asked for', () => {
  test.each([
    ...[
      '.git',
      '.GIT',
      '.git ',
      '.git.',
      '.git::$INDEX_ALLOCATION',
      'git~1',
      'GIT~2',
      '.gitmodules',
      '.GITMODULES',
    ],
    ...[
      'gitmod~1',
      'gi7eba~1',
      '.gitattributes',
      '.gitx',
      'a\\.git',
      'a\\b',
      'a:b',
      '.g\u200cit',
      '\ufeff.git',
      '\xff.git',
    ],
  ])('`%s`', (name) => expect(isDoubtfulName(bytes(name))).toBe(true));
});

describe('names that are only names', () => {
  test.each([
    ...[
      'a',
      'digit.ts',
      'git',
      'git.ts',
      'legit',
      '.gitignore',
      '.gitkeep',
      '.github',
      'file~',
      'ä',
      '💀',
      '-x',
      'a b',
    ],
  ])('`%s`', (name) => expect(isDoubtfulName(bytes(name))).toBe(false));
});
