import { describe, expect, test } from 'vitest';
import { judgeChange, leadsOut } from '../../../src/git/forbidden-changes.ts';
import { isGitName } from '../../../src/git/objects/git-name.ts';
import { cpuMs } from '../../helpers/cpu-time.ts';

const FILE = { mode: '100644', id: 'a' };

describe('a change that must not be committed', () => {
  test.each([
    ['a file', 'a/b', undefined, FILE, undefined],
    ['an executable', 'a', FILE, { mode: '100755', id: 'a' }, undefined],
    ['a link (its target is looked at elsewhere)', 'a', FILE, { mode: '120000', id: 'a' }, undefined],
    ['a file that is gone', 'a', FILE, undefined, undefined],
    [
      'odd but honest names',
      'a b/\n"ü"\\/-x/:(top)/.gitignore/.gitattributes/git',
      undefined,
      FILE,
      undefined,
    ],
    ['a new gitlink', 'a', undefined, { mode: '160000', id: 'a' }, 'gitlink'],
    ['another commit of a gitlink', 'a', { mode: '160000', id: 'b' }, { mode: '160000', id: 'a' }, 'gitlink'],
    ['a gitlink that is gone', 'a', { mode: '160000', id: 'b' }, undefined, 'gitlink'],
    ['.gitmodules', '.gitmodules', FILE, { mode: '100644', id: 'b' }, 'submodules'],
    ['.gitmodules that is gone', '.gitmodules', FILE, undefined, 'submodules'],
    ['.gitmodules on Windows', '.GitModules. ', undefined, FILE, 'submodules'],
    ['.gitmodules by its short name', 'GITMOD~1', undefined, FILE, 'submodules'],
    ['.gitmodules on macOS', '.git\u200cmodules', undefined, FILE, 'submodules'],
    ['.gitmodules below, which git does not read', 'a/.gitmodules', undefined, FILE, undefined],
    ['a mode git does not write', 'a', undefined, { mode: '100664', id: 'a' }, 'mode'],
    ['another one', 'a', undefined, { mode: '140000', id: 'a' }, 'mode'],
    ['a name that is no text', 'a/\udcff', undefined, FILE, 'name'],
    ['a name that is no text and is gone', 'a/\udcff', FILE, undefined, undefined],
    ['a repository', 'a/.git/config', undefined, FILE, 'name'],
    ['a repository on Windows', 'a/GIT~1/config', undefined, FILE, 'name'],
    ['a way out', 'a/../b', undefined, FILE, 'name'],
    ['an empty name', 'a//b', undefined, FILE, 'name'],
  ] as const)('%s', (_, path, before, after, reason) => {
    expect(judgeChange({ path, before, after })?.reason).toBe(reason);
  });

  test('takes no time to judge, with 60,000 dots in its name', async () => {
    const path = `a${'. '.repeat(30_000)}git`;
    expect(await cpuMs(() => judgeChange({ path, before: undefined, after: FILE }))).toBeLessThan(200);
  }, 60_000);
});

test.each([
  '.git',
  '.GIT',
  '.gIt ',
  '.git.',
  '.git . .',
  '.git::$INDEX_ALLOCATION',
  '.git:x',
  'git~1',
  'GIT~1',
  '.g\u200cit',
  '.git\ufeff',
  '\u206a.git',
  'a\\.git\\b',
  '.git\\x',
  'x\\GIT~1',
])('`%s` is a name of git’s own', (name) => expect(isGitName(name)).toBe(true));

test.each([
  'git',
  '.gi',
  '.gitignore',
  '.github',
  '.git-x',
  'x.git',
  'git~2',
  'git~10',
  '..git',
  ' .git',
  '.git~1',
  'ü',
  '',
  '.gít',
])('`%s` is not', (name) => expect(isGitName(name)).toBe(false));

describe('a link leads out', () => {
  const links = {
    'to-root': '.',
    down: 'a/b/c',
    'a/up': '..',
    'a/b/top': '../..',
    self: 'self',
    ping: 'pong',
    pong: 'ping',
    wide0: 'wide1/wide1',
    wide1: 'wide2/wide2',
    wide2: 'wide3/wide3',
    wide3: 'wide4/wide4',
    wide4: 'wide5/wide5',
    wide5: '.',
    out: '/etc',
  };
  test.each([
    ['a', 'b', false],
    ['a', 'nowhere/at/all', false],
    ['a/x', '../b', false],
    ['a/x', './/.././b/', false],
    ['a/b/x', '../../c', false],
    ['a', '..', true],
    ['a', '.', false],
    ['a', '../user/b', true],
    ['a/x', '../../b', true],
    ['a', 'b/../../c', true],
    ['a', 'b/c/../../..', true],
    ['a', '/etc/passwd', true],
    ['a', '/', true],
    ['a', 'C:\\x', true],
    ['a', 'c:x', true],
    ['a', '\\\\host\\share', true],
    ['a/x', '..\\..\\b', true],
    ['a/x', '..\\b', false],
    ['a', '', true],
    ['a', 'b\0c', true],
    ['a', '.git/hooks', true],
    ['a', 'x/.GIT/config', true],
    ['a', '.gitignore', false],
    // Through other links.
    ['x', 'down/..', false],
    ['x', 'down/../../../..', true],
    ['x', 'a/up/b', false],
    ['x', 'a/up/../b', true],
    ['x', 'a/b/top/..', true],
    ['x', 'a/b/top/a/b/top/y', false],
    ['x', 'to-root/to-root/y', false],
    ['x', 'out', true],
    ['x', 'out/more', true],
    ['x', 'self', true],
    ['x', 'ping/y', true],
    ['x', 'wide0', true],
    ['x', 'wide3', false],
  ] as const)('`%s` -> `%s`: %s', (path, target, expected) => {
    expect(leadsOut(path, new Map([...Object.entries(links), [path, target]]))).toBe(expected);
  });
});
