import { execa } from 'execa';
import fc from 'fast-check';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { smudgeRacyEntries } from '../../../../src/git/objects/index-file.ts';
import { git, type GitWorld, gitWorld } from '../../../helpers/git-repository.ts';
import '../../../helpers/property-seed.ts';

/** Names that lead into each other, that are ignored, and that are no plain text. */
const NAMES = [
  ...[
    'a',
    'a.txt',
    'a-',
    'b',
    'dir',
    'deep',
    'build',
    'x.log',
    'keep.log',
    'ä',
    '💀',
    ' ',
    '-x',
    '!x',
    '#x',
    '*',
    '?',
  ],
  ...['new\nline', '"q"', '\xff', '.gitkeep', '.github', '.hidden', 'git', 'x~'],
];
/** Names that git may treat in a way of its own, here or elsewhere. */
const SPECIAL_NAMES = [
  ...['.gitignore', '.gitattributes', '.gitmodules', 'git~1', '.gitx', 'gitmod~1', '.git ', '\xe2\x80\x8c.g'],
  ...['\\', 'a\\b', ':x', 'x~1', '\xe2\x80\x8c.git', 'g\xefi'],
];
const FILES = {
  '.gitignore': '*.tmp\n',
  'a.txt': 'A\n',
  'dir/b': 'B\n',
  'dir/deep/a': 'C\n',
  'x.log': 'L\n',
  'build/b': 'B\n',
};
/** A time of writing. Seconds. */
const OLD = 1_700_000_000;
const RULES = [
  '*.log',
  '!keep.log',
  'build',
  'build/',
  '/dir/',
  'deep/*',
  '!deep/a',
  '\\!x',
  '*',
  '!*/',
  'a*',
  '.*',
];
const ATTRIBUTES = ['* text=auto', '*.txt eol=crlf', 'a -text', '* ident'];
const CONTENTS = ['', 'x\n', 'y\n', 'a\r\nb\r\n', '$Id$\n', 'long '.repeat(2_000)];

const name = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(...SPECIAL_NAMES) },
);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const folder = fc.constantFrom<string[]>([], [], [], ['a'], ['dir'], ['dir', 'deep'], ['build']);

const step = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({ kind: fc.constant('write'), path, content: fc.constantFrom(...CONTENTS) }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('remove'), path }) },
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('link'), path, content: fc.constantFrom('a', 'dir', '../x') }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('mode'), path, content: fc.constantFrom('755', '644', '600') }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('directory'), path }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('move'), path, content: path }) },
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('forge'), path: fc.constantFrom(...Object.keys(FILES)) }),
  },
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant('write'),
      path: folder.map((names) => [...names, '.gitignore'].join('/')),
      content: fc.array(fc.constantFrom(...RULES), { maxLength: 4 }).map((lines) => `${lines.join('\n')}\n`),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('write'),
      path: fc.constantFrom('.gitattributes', 'dir/.gitattributes'),
      content: fc.constantFrom(...ATTRIBUTES),
    }),
  },
);
type Step = { readonly kind: string; readonly path: string; readonly content?: string };

test.each(['sha1', 'sha256'])(
  'whatever is done to a worktree, the tree is the one that git itself would make (%s)',
  async (objectFormat) => {
    await using world = await gitWorld(FILES, { objectFormat });
    let [looks, withoutGit, number] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        async (rounds) => {
          const worktree = await world.worktrees.create(`w${(number += 1)}`, world.head);
          try {
            const reference = referenceIn(world, worktree.path, `${world.path}/index-${number}`);
            await reference('read-tree', world.head);
            for (const each of Object.keys(FILES)) utimesSync(join(worktree.path, each), OLD, OLD);
            for (const steps of rounds) {
              for (const each of steps) attempt(worktree.path, each);
              const look = await worktree.look();
              looks += 1;
              if (look.found !== undefined) withoutGit += 1;
              // git takes a file for unchanged that was forged within the second of its last look.
              await smudgeRacyEntries(`${world.path}/index-${number}`, objectFormat);
              const expected = await reference('add', '--all').then(
                async () => reference('write-tree'),
                () => 'refused',
              );
              expect(await worktree.stage(look).catch(() => 'refused')).toBe(expected);
              if (expected === 'refused') return;
              expect(await worktree.discardChanges()).toEqual([]);
              // And what git goes by, when it is asked next, is the same.
              expect((await worktree.ignored()).toSorted()).toEqual(await ignoredBy(reference));
            }
          } finally {
            await worktree.remove();
          }
        },
      ),
      { numRuns: 15 },
    );
    expect(withoutGit).toBeGreaterThan(looks / 3); // else nothing was tested
    expect(await git(world.user, 'fsck', '--strict', '--no-dangling', '--connectivity-only')).toBe('');
  },
);

type Reference = (...words: string[]) => Promise<string>;

/** git in a worktree with an index of its own, and with choo's settings. */
function referenceIn({ user }: GitWorld, worktree: string, index: string): Reference {
  return async (...words) => {
    const settings = ['core.excludesFile=/dev/null', 'core.attributesFile=/dev/null', 'core.fsmonitor=false'];
    const options = settings.flatMap((setting) => ['-c', setting]);
    const { stdout } = await execa('git', [...options, ...words], {
      cwd: worktree,
      extendEnv: false,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: '/nonexistent',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_DIR: join(user, '.git'),
        GIT_WORK_TREE: worktree,
        GIT_INDEX_FILE: index,
      },
      encoding: 'latin1',
    });
    return stdout.trimEnd();
  };
}

async function ignoredBy(reference: Reference): Promise<readonly string[]> {
  const options = ['-z', '--others', '--ignored', '--exclude-standard', '--directory'];
  const listed = await reference('ls-files', ...options);
  const paths = listed.split('\0').filter((each) => each !== '');
  return paths.map((each) => Buffer.from(each.replace(/\/$/, ''), 'latin1').toString()).toSorted();
}

/** Steps that the file system refuses are no steps. */
function attempt(root: string, { kind, path, content = '' }: Step): void {
  const place = (each: string): Buffer =>
    Buffer.concat([Buffer.from(`${root}/`), Buffer.from(each, 'latin1')]);
  try {
    const at = place(toBytes(path));
    const parent = path.includes('/') ? place(toBytes(path.slice(0, path.lastIndexOf('/')))) : undefined;
    if (parent !== undefined && kind !== 'remove') mkdirSync(parent, { recursive: true });
    if (kind === 'write') {
      if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(at);
      writeFileSync(at, content);
    }
    if (kind === 'remove') rmSync(at, { recursive: true, force: true });
    if (kind === 'link') symlinkSync(content, at);
    if (kind === 'mode') chmodSync(at, Number.parseInt(content, 8));
    if (kind === 'directory') mkdirSync(at, { recursive: true });
    if (kind === 'move') renameSync(at, place(toBytes(content)));
    if (kind === 'forge') {
      // As many other bytes, and the time of writing that it had.
      const stats = lstatSync(at);
      if (!stats.isFile()) return;
      writeFileSync(at, 'z'.repeat(stats.size));
      utimesSync(at, OLD, OLD);
    }
  } catch {
    // There is something else there, or nothing.
  }
}

/** Names are written above as text or as single bytes. */
function toBytes(path: string): string {
  return path
    .split('/')
    .map((each) =>
      /[\x80-\xff]/.test(each) && !/[^\0-\xff]/.test(each) && each !== 'ä'
        ? each
        : Buffer.from(each).toString('latin1'),
    )
    .join('/');
}
