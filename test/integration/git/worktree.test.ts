import { execa } from 'execa';
import { writeFileSync } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { smudgeRacyEntries } from '../../../src/git/objects/index-file.ts';
import {
  commitFiles,
  git,
  type GitWorld,
  gitWorld,
  snapshot,
  writeFiles,
} from '../../helpers/git-repository.ts';

const FILES = {
  '.gitignore': 'ignored/\n*.log\n',
  'a.txt': 'A\n',
  'run.sh': '#!/bin/sh\n',
  'dir/b.txt': 'B\n',
  'dir/deep/c.txt': 'C\n',
  'specs/plan.md': 'pending\n',
};

/** A world with an executable and a link, and a directory outside that nobody may change. */
async function world(): Promise<GitWorld & { readonly outside: string }> {
  const made = await gitWorld(FILES);
  await chmod(join(made.user, 'run.sh'), 0o755);
  await symlink('a.txt', join(made.user, 'link'));
  const head = await commitFiles(made.user, {});
  const outside = join(made.path, 'outside');
  await writeFiles(outside, { 'b.txt': 'not yours', 'deep/c.txt': 'not yours', 'plan.md': 'not yours' });
  return { ...made, head, outside };
}

describe('making a worktree', () => {
  test.each(['sha1', 'sha256'])(
    'gives what git itself would check out, and git works inside (%s)',
    async (objectFormat) => {
      await using place = await gitWorld(
        {
          ...FILES,
          '-dash': 'x',
          'with space': 'x',
          'new\nline': 'x',
          'ünï/çödé 💀': 'x',
          '"quoted"\\': 'x',
          empty: '',
        },
        { objectFormat },
      );
      const worktree = await place.worktrees.create('one', place.head);
      await git(place.user, 'worktree', 'add', '--quiet', '--detach', join(place.path, 'theirs'), place.head);
      expect(await snapshot(worktree.path)).toEqual(await snapshot(join(place.path, 'theirs')));
      expect(await git(worktree.path, 'status', '--porcelain', '--branch')).toBe('## HEAD (no branch)');
      expect(await git(worktree.path, 'rev-parse', 'HEAD')).toBe(place.head);
      expect(await git(place.repository.git.directory, 'worktree', 'list', '--porcelain')).toContain(
        worktree.path,
      );
      const tree = await git(place.user, 'rev-parse', `${place.head}^{tree}`);
      expect(await worktree.stage()).toBe(tree);
    },
  );

  test('at a commit without files gives an empty one', async () => {
    await using place = await gitWorld({});
    const worktree = await place.worktrees.create('one', place.head);
    expect(await readdir(worktree.path)).toEqual(['.git']);
    expect(await worktree.stage()).toBe(await git(place.user, 'rev-parse', 'HEAD^{tree}'));
    expect(await worktree.discardChanges()).toEqual([]);
  });

  test('works twenty times at once', async () => {
    await using place = await world();
    const trees = await Promise.all(
      Array.from({ length: 20 }, async (_, number) => {
        const worktree = await place.worktrees.create(`w${number}`, place.head);
        const staged = await worktree.stage();
        await worktree.remove();
        return staged;
      }),
    );
    expect(new Set(trees)).toEqual(new Set([await git(place.user, 'rev-parse', 'HEAD^{tree}')]));
    expect(await readdir(place.repository.worktrees)).toEqual([]);
    expect(await readdir(join(place.repository.git.directory, 'worktrees'))).toEqual([]);
  });

  test('of 2,000 files brings them back as they were', async () => {
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`d${n % 50}/f${n}`, `${n}\n`]));
    await using place = await gitWorld(many);
    const worktree = await place.worktrees.create('one', place.head);
    const before = await snapshot(worktree.path);
    const tree = await worktree.stage();
    expect(tree).toBe(await git(place.user, 'rev-parse', 'HEAD^{tree}'));
    await rm(join(worktree.path, 'd7'), { recursive: true });
    for (let n = 0; n < 50; n += 2)
      await writeFiles(worktree.path, { [`d${n}/f${n}`]: 'x', [`new${n}`]: 'x' });
    expect(await worktree.discardChanges()).toHaveLength(50 + 40);
    expect(await snapshot(worktree.path)).toEqual(before);
    expect(await worktree.stage()).toBe(tree);
  });

  test('gives one name to one of two, and nothing is left of a failure', async () => {
    await using place = await world();
    const ends = await Promise.allSettled(
      Array.from({ length: 5 }, () => place.worktrees.create('same', place.head)),
    );
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refusals = ends.filter((end) => end.status === 'rejected').map(({ reason }) => String(reason.code));
    expect(refusals).toEqual(['conflict', 'conflict', 'conflict', 'conflict']);
    await expect(place.worktrees.create('bad', '1'.repeat(40))).rejects.toMatchObject({ code: 'git' });
    expect(await readdir(place.repository.worktrees)).toEqual(['same']);
    for (const name of ['', '..', 'a/b', '-x', '.git'])
      await expect(place.worktrees.create(name, place.head)).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('staging', () => {
  test('writes what git itself would commit, odd names, modes and links included', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    const theirs = join(place.path, 'theirs');
    await git(place.user, 'worktree', 'add', '--quiet', '--detach', theirs, place.head);
    for (const root of [worktree.path, theirs]) {
      await writeFiles(root, {
        '-dash': 'x',
        ':(top)': 'x',
        '*': 'x',
        'new\nline': 'x',
        'ü/💀': 'x',
        'ignored/x': 'x',
        'x.log': 'x',
        'a.txt': 'other',
      });
      await chmod(join(root, 'dir/b.txt'), 0o755);
      await rm(join(root, 'dir/deep'), { recursive: true });
      await symlink('nowhere', join(root, 'dir/deep'));
      await rm(join(root, 'link'));
      await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff, 0xfe)]), 'x');
    }
    const tree = await worktree.stage();
    await git(theirs, 'add', '--all');
    expect(tree).toBe(await git(theirs, 'write-tree'));
    expect(await git(place.user, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  test('goes by what is there, whatever was done to the index and to HEAD inside', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await git(worktree.path, 'update-index', '--skip-worktree', 'a.txt');
    await git(worktree.path, 'update-index', '--assume-unchanged', 'dir/b.txt');
    await writeFiles(worktree.path, { 'a.txt': 'changed', 'dir/b.txt': 'changed' });
    await git(worktree.path, 'rm', '--quiet', '--cached', 'run.sh');
    await git(worktree.path, 'checkout', '--quiet', '--orphan', 'elsewhere');
    await git(worktree.path, 'config', '--worktree', 'core.sparseCheckout', 'true').catch(() => '');
    const changed = await git(place.user, 'diff', '--name-only', place.head, await worktree.stage());
    expect(changed).toBe('a.txt\ndir/b.txt');
  });

  test('anew leaves out what is ignored by now', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await writeFiles(worktree.path, { '.gitignore': '', 'x.log': 'x' });
    await worktree.stage();
    await writeFiles(worktree.path, { '.gitignore': FILES['.gitignore'] });
    const names = async (tree: string): Promise<string> => git(place.user, 'ls-tree', '--name-only', tree);
    expect(await names(await worktree.stage())).toContain('x.log');
    expect(await names(await worktree.restage(`${place.head}^{tree}`))).not.toContain('x.log');
  });

  test('and discarding see a change that keeps size and time', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    const path = join(worktree.path, 'a.txt');
    const writeUnseen = async (content: string): Promise<void> => {
      await writeFile(path, content);
      await utimes(path, new Date('2020-01-01'), new Date('2020-01-01'));
    };
    for (const content of ['1', '2', '3', '4', '5']) {
      await writeUnseen(content);
      const tree = await worktree.stage();
      await writeUnseen('x');
      expect(await worktree.discardChanges()).toEqual(['a.txt']);
      expect(await readFile(path, 'utf8')).toBe(content);
      await writeUnseen('y');
      expect(await worktree.stage()).not.toBe(tree);
    }
  });

  test('an index whose young files are distrusted is one that git accepts', async () => {
    await using place = await gitWorld({ ...FILES, empty: '', '12345678': 'x', '123456789': 'x' });
    const index = join(place.user, '.git/index');
    await writeFiles(place.user, { '+first-of-all-names': 'x' });
    await git(place.user, 'add', '--intent-to-add', '+first-of-all-names'); // version 3
    const before = await readFile(index);
    await smudgeRacyEntries(index, 'sha1', Date.now() + 10_000);
    expect(await readFile(index)).toEqual(before);
    await smudgeRacyEntries(index, 'sha1');
    expect(await readFile(index)).not.toEqual(before);
    const { stderr, stdout } = await execa('git', ['fsck'], { cwd: place.user });
    expect(stdout + stderr).toBe('');
    const sizes = await git(place.user, 'ls-files', '--debug');
    expect(sizes.match(/size: (?!0)/g)).toBeNull();
    expect(await git(place.user, 'status', '--porcelain')).toBe(' A +first-of-all-names');
  });
});

describe('what is too much to stage', () => {
  const hole = async (path: string | Buffer, bytes: number): Promise<void> => {
    await writeFile(path, '');
    await truncate(path, bytes);
  };
  const GIBIBYTE = 1024 ** 3;

  test('is found before git reads it, whatever its name, by the bytes that git would read', async () => {
    await using made = await world();
    const worktree = await made.worktrees.create('a', made.head);
    await writeFile(join(worktree.path, 'small'), 'x');
    await rm(join(worktree.path, 'a.txt'));
    await worktree.stage();
    for (const name of ['plain', 'new\nline', '"quoted"\\', 'ünï 💀', Buffer.from('\xff\xfe', 'latin1')]) {
      const path = Buffer.concat([Buffer.from(`${worktree.path}/`), Buffer.from(name)]);
      await hole(path, 2 * GIBIBYTE);
      await expect(worktree.stage()).rejects.toThrow(
        'there are 2.0 GiB of new or changed files; a task may change 1.0 GiB',
      );
      await rm(path);
    }
    // One that was there, which git reads to compare it, and a new one: together.
    for (const name of ['dir/b.txt', 'other']) await hole(join(worktree.path, name), (5 * GIBIBYTE) / 8);
    await expect(worktree.stage()).rejects.toThrow('there are 1.3 GiB');
  }, 240_000);

  test('is not what is ignored', async () => {
    await using made = await world();
    const worktree = await made.worktrees.create('a', made.head);
    await mkdir(join(worktree.path, 'ignored'));
    await hole(join(worktree.path, 'ignored/cache'), 2 * GIBIBYTE);
    await hole(join(worktree.path, 'run.log'), 2 * GIBIBYTE);
    expect(await worktree.stage()).toBe(await git(made.user, 'rev-parse', `${made.head}^{tree}`));
  });

  test('is more than 20,000 files', async () => {
    await using made = await world();
    const worktree = await made.worktrees.create('a', made.head);
    await mkdir(join(worktree.path, 'many'));
    const names = Array.from({ length: 20_001 }, (_, at) => join(worktree.path, 'many', String(at)));
    for (const name of names) writeFileSync(name, '');
    await expect(worktree.stage()).rejects.toThrow(
      'there are 20001 new or changed files; a task may change 20000',
    );
    await rm(names[0] ?? '');
    const tree = await worktree.stage();
    expect((await git(made.user, 'ls-tree', '--name-only', `${tree}:many`)).split('\n')).toHaveLength(20_000);
  });
});

describe('discarding changes', () => {
  /** What a gate may leave, by name. */
  const LEFT: Readonly<Record<string, (root: string, outside: string) => Promise<unknown>>> = {
    nothing: async () => {},
    'a changed file': async (root) => writeFiles(root, { 'a.txt': 'x' }),
    'a file that is gone': async (root) => rm(join(root, 'dir/b.txt')),
    'an executable': async (root) => chmod(join(root, 'a.txt'), 0o755),
    'no executable': async (root) => chmod(join(root, 'run.sh'), 0o644),
    'a new file': async (root) => writeFiles(root, { 'new\n*': 'x' }),
    'a new file in a new directory': async (root) => writeFiles(root, { 'n/e/w': 'x' }),
    'a new file whose name is no text': async (root) =>
      writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff)]), 'x'),
    'a directory for a file': async (root) => {
      await rm(join(root, 'a.txt'));
      await writeFiles(root, { 'a.txt/x': 'x' });
    },
    'a file for a directory': async (root) => {
      await rm(join(root, 'dir'), { recursive: true });
      await writeFiles(root, { dir: 'x' });
    },
    'a link for a file': async (root, outside) => {
      await rm(join(root, 'a.txt'));
      await symlink(join(outside, 'b.txt'), join(root, 'a.txt'));
    },
    'a file for a link': async (root) => {
      await rm(join(root, 'link'));
      await writeFiles(root, { link: 'x' });
    },
    'a link for a directory': async (root, outside) => {
      await rm(join(root, 'dir'), { recursive: true });
      await symlink(outside, join(root, 'dir'));
    },
    'a link for a directory to one that holds the same': async (root, outside) => {
      await rename(join(root, 'dir'), join(outside, 'moved'));
      await symlink(join(outside, 'moved'), join(root, 'dir'));
    },
    'a link in the way of a deeper file': async (root, outside) => {
      await rm(join(root, 'dir/deep'), { recursive: true });
      await symlink(join(outside, 'deep'), join(root, 'dir/deep'));
      await rm(join(root, 'dir/b.txt'));
    },
    'a new link to a directory outside': async (root, outside) => symlink(outside, join(root, 'new')),
    'a new link in a closed directory': async (root, outside) => {
      await mkdir(join(root, 'closed/more'), { recursive: true });
      await symlink(outside, join(root, 'closed/more/link'));
      await writeFiles(root, { 'closed/x': 'x' });
      await chmod(join(root, 'closed/more'), 0o500);
      await chmod(join(root, 'closed'), 0o500);
    },
    'a changed file in a closed directory': async (root) => {
      await writeFiles(root, { 'dir/b.txt': 'x' });
      await chmod(join(root, 'dir'), 0o500);
    },
    'an ignore file that hides what is new': async (root) =>
      writeFiles(root, { '.gitignore': '*\n', hidden: 'x', 'dir/hidden': 'x' }),
    'new and changed files that are staged': async (root) => {
      await writeFiles(root, { 'a.txt': 'x', new: 'x' });
      await git(root, 'add', '--all');
    },
  };

  test.each(Object.keys(LEFT))('undoes %s, and touches nothing outside', async (name) => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await writeFiles(worktree.path, { 'ignored/kept': 'x', 'from-the-agent': 'x' });
    const tree = await worktree.stage();
    const before = await snapshot(worktree.path);
    await LEFT[name]?.(worktree.path, place.outside);
    const outside = await snapshot(place.outside);
    const changed = await worktree.discardChanges();
    expect(changed.length > 0).toBe(name !== 'nothing');
    const closed = name.endsWith('closed directory'); // it stays open
    const after = await snapshot(worktree.path);
    expect(closed ? Object.keys(after) : after).toEqual(closed ? Object.keys(before) : before);
    expect(await snapshot(place.outside)).toEqual(outside);
    expect(await worktree.stage()).toBe(tree);
    expect(await worktree.discardChanges()).toEqual([]);
  });

  test('names what was changed, once', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await rm(join(worktree.path, 'a.txt'));
    await writeFiles(worktree.path, { 'run.sh': 'x', 'n\n': 'x' });
    expect([...(await worktree.discardChanges())].sort()).toEqual(['a.txt', 'n\n', 'run.sh']);
  });

  test('keeps what is ignored', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await writeFiles(worktree.path, { 'ignored/x': 'x', 'y.log': 'x', z: 'x' });
    expect(await worktree.discardChanges()).toEqual(['z']);
    expect(await readdir(worktree.path)).toEqual(expect.arrayContaining(['ignored', 'y.log']));
  });
});

describe('putting back', () => {
  test('makes paths what they are in a tree, and leaves the others', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    const before = await snapshot(worktree.path);
    await writeFiles(worktree.path, { 'a.txt': 'x', 'new ü\n': 'x', ':(glob)**': 'x', other: 'x' });
    await writeFile(Buffer.concat([Buffer.from(`${worktree.path}/`), Buffer.of(0xff)]), 'x');
    await rm(join(worktree.path, 'dir/b.txt'));
    await rm(join(worktree.path, 'link'));
    await mkdir(join(worktree.path, 'link'));
    await writeFiles(worktree.path, { 'link/x': 'x' });
    await chmod(join(worktree.path, 'run.sh'), 0o644);
    await worktree.stage();
    await rm(join(worktree.path, 'dir'), { recursive: true });
    await symlink('specs', join(worktree.path, 'dir'));
    await worktree.stage();
    const paths = [
      'dir',
      'dir/deep/c.txt',
      'a.txt',
      'new ü\n',
      ':(glob)**',
      '\udcff',
      'dir/b.txt',
      'link',
      'link/x',
      'run.sh',
    ];
    await worktree.restore(`${place.head}^{tree}`, paths);
    expect(await snapshot(worktree.path)).toEqual({ ...before, other: 'file 644 x' });
    const changed = await git(place.user, 'diff', '--name-only', place.head, await worktree.stage());
    expect(changed).toBe('other');
    await worktree.restore(place.head, []);
  });

  test.each(['dir', 'dir/deep'])('writes through no link that was put for `%s`', async (path) => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    const before = await snapshot(worktree.path);
    await rm(join(worktree.path, path), { recursive: true });
    await symlink(path === 'dir' ? place.outside : join(place.outside, 'deep'), join(worktree.path, path));
    const outside = await snapshot(place.outside);
    await worktree.stage();
    await worktree.restore(place.head, ['dir/deep/c.txt', 'dir/b.txt']);
    expect(await snapshot(worktree.path)).toEqual(before);
    expect(await snapshot(place.outside)).toEqual(outside);
  });

  test('leaves no list behind, even of a path that is nowhere', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await expect(worktree.restore(place.head, ['nowhere'])).rejects.toMatchObject({ code: 'git' });
    const administration = join(place.repository.git.directory, 'worktrees/one');
    expect((await readdir(administration)).filter((name) => name.includes('paths'))).toEqual([]);
  });
});

describe('writing files of choo’s own', () => {
  test('changes and stages them, even where they are ignored, and keeps their mode', async () => {
    await using place = await gitWorld({ 'specs/plan.md': 'pending', 'run.sh': 'x' });
    await chmod(join(place.user, 'run.sh'), 0o755);
    const head = await commitFiles(place.user, { '.gitignore': 'specs\n' });
    const worktree = await place.worktrees.create('one', head);
    const files = { 'specs/plan.md': 'complete', 'run.sh': 'y', '-new': 'z' };
    await worktree.write(new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])));
    expect(await worktree.discardChanges()).toEqual([]);
    const tree = await worktree.stage();
    expect(await git(place.user, 'diff', '--name-status', head, tree)).toBe(
      'A\t-new\nM\trun.sh\nM\tspecs/plan.md',
    );
    expect(await git(place.user, 'ls-tree', tree, 'run.sh')).toMatch(/^100755/);
  });

  test('refuses a link, a directory, and a link on the way', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await rm(join(worktree.path, 'a.txt'));
    await symlink(join(place.outside, 'b.txt'), join(worktree.path, 'a.txt'));
    await rm(join(worktree.path, 'specs'), { recursive: true });
    await symlink(place.outside, join(worktree.path, 'specs'));
    const outside = await snapshot(place.outside);
    for (const path of ['a.txt', 'specs/plan.md', 'dir', 'no/where', '../one.txt', '../../outside/b.txt'])
      await expect(worktree.write(new Map([[path, Buffer.from('x')]]))).rejects.toThrow(
        expect.objectContaining({ code: 'conflict' }),
      );
    expect(await snapshot(place.outside)).toEqual(outside);
    expect(await readdir(place.repository.worktrees)).toEqual(['one']);
  });

  test('changes no other file that is the same one by a second name', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await rm(join(worktree.path, 'a.txt'));
    await link(join(worktree.path, 'specs/plan.md'), join(worktree.path, 'a.txt'));
    await worktree.stage();
    await worktree.write(new Map([['specs/plan.md', Buffer.from('complete\n')]]));
    expect(await readFile(join(worktree.path, 'a.txt'), 'utf8')).toBe('pending\n');
  });
});

test('advancing makes git inside see the commit and nothing else, whatever was done there', async () => {
  await using place = await world();
  const worktree = await place.worktrees.create('one', place.head);
  await writeFiles(worktree.path, { 'a.txt': 'changed' });
  const other = await git(place.user, 'commit-tree', '-p', place.head, '-m', 'other', `${place.head}^{tree}`);
  await git(worktree.path, 'update-index', '--skip-worktree', 'run.sh');
  await git(worktree.path, 'merge', '--quiet', '--no-ff', '--no-commit', other).catch(() => '');
  await git(worktree.path, 'symbolic-ref', 'HEAD', 'refs/heads/nowhere');
  await git(worktree.path, 'bisect', 'start').catch(() => '');
  const tree = await worktree.stage();
  const commit = await git(place.user, 'commit-tree', '-p', place.head, '-m', 'Do it', tree);
  await rm(join(worktree.path, '.git'));
  await symlink(join(place.user, '.git'), join(worktree.path, '.git'));
  await worktree.advance(commit);
  expect(await git(worktree.path, 'status')).toBe(
    'Not currently on any branch.\nnothing to commit, working tree clean',
  );
  expect(await git(worktree.path, 'log', '--format=%s')).toBe('Do it\nfiles\nfiles');
  expect((await lstat(join(worktree.path, '.git'))).isFile()).toBe(true);
  expect(await git(worktree.path, 'ls-files', '-v', 'run.sh')).toBe('H run.sh');
  expect(await git(place.user, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
});

describe('removing', () => {
  test('succeeds with write-protected directories, deep ones and links, and touches nothing outside', async () => {
    await using place = await world();
    const worktree = await place.worktrees.create('one', place.head);
    await writeFiles(worktree.path, { 'cache/pkg/x': 'x' });
    await symlink(place.outside, join(worktree.path, 'cache/pkg/link'));
    await chmod(join(worktree.path, 'cache/pkg'), 0o500);
    await chmod(join(worktree.path, 'cache'), 0o000);
    const script = 'for i in $(seq 40); do mkdir $0 && cd ./$0 || exit; done; touch end; chmod 500 .';
    await execa('bash', ['-c', script, 'd'.repeat(200)], { cwd: worktree.path });
    await chmod(place.outside, 0o555);
    const outside = await snapshot(place.outside);
    await worktree.remove();
    expect(await readdir(place.repository.worktrees)).toEqual([]);
    expect(await readdir(join(place.repository.git.directory, 'worktrees'))).toEqual([]);
    expect(await snapshot(place.outside)).toEqual(outside);
    expect((await stat(place.outside)).mode & 0o777).toBe(0o555);
    await chmod(place.outside, 0o755);
  });

  test('what earlier runs left is gone, what was kept stays until it is asked for', async () => {
    await using place = await world();
    const kept = await place.worktrees.create('kept', place.head);
    await kept.lock();
    await place.worktrees.create('left', place.head);
    await place.worktrees.create('left.kept', place.head);
    await mkdir(join(place.repository.worktrees, 'half-made'));
    await mkdir(join(place.repository.git.directory, 'worktrees/gone'));
    expect([...(await place.worktrees.removeLeftovers())].sort()).toEqual(['half-made', 'left', 'left.kept']);
    expect(await readdir(place.repository.worktrees)).toEqual(['kept']);
    expect(await readdir(join(place.repository.git.directory, 'worktrees'))).toEqual(['kept']);
    expect(await git(kept.path, 'status', '--porcelain')).toBe('');
    await git(place.repository.git.directory, 'worktree', 'prune');
    expect(await git(kept.path, 'rev-parse', 'HEAD')).toBe(place.head);
    expect(await place.worktrees.removeLeftovers({ keptToo: true })).toEqual(['kept']);
    expect(await readdir(join(place.repository.git.directory, 'worktrees'))).toEqual([]);
    await place.worktrees.create('kept', place.head);
    expect(await readlink(join(place.repository.worktrees, 'kept/link'))).toBe('a.txt');
  });
});
