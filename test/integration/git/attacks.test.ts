import { execa } from 'execa';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { findForbidden } from '../../../src/git/forbidden-changes.ts';
import { mergeCommits } from '../../../src/git/merge.ts';
import { removeNestedRepositories } from '../../../src/git/staging/nested-repositories.ts';
import { diffTrees, replaceFiles, treeOf } from '../../../src/git/objects/tree-object.ts';
import { type Worktree, WorktreeManager } from '../../../src/git/worktree.ts';
import {
  commitFiles,
  git,
  type GitWorld,
  gitWorld,
  openRepository,
  writeFiles,
} from '../../helpers/git-repository.ts';

/** A world with a program that leaves a mark when somebody runs it. */
interface Trap extends GitWorld {
  readonly program: string;
  /** What ran the program since the last time this was asked. */
  sprung(): Promise<string>;
}

async function trap(files: Readonly<Record<string, string>> = {}): Promise<Trap> {
  const world = await gitWorld({
    'a.txt': 'A\n',
    'dir/b.txt': 'B\n',
    '.gitignore': 'node_modules\nignored\n',
    ...files,
  });
  const [program, mark] = [join(world.path, 'program'), join(world.path, 'mark')];
  // Says what git wants to hear from a filter and from a file system monitor; anything else it does not care about.
  await writeFile(
    program,
    `#!/bin/sh\necho "$0 $*" >> ${mark}\ncase "$1" in 1|2) printf '/\\0';; *) cat;; esac\n`,
  );
  await chmod(program, 0o755);
  return {
    ...world,
    program,
    sprung: async () => {
      const text = await readFile(mark, 'utf8').catch(() => '');
      await rm(mark, { force: true });
      return text;
    },
  };
}

/** Makes a repository run the program wherever git lets it. */
async function arm(directory: string, program: string): Promise<void> {
  const gitDirectory = await git(directory, 'rev-parse', '--absolute-git-dir');
  for (const key of [
    'core.fsmonitor',
    'filter.evil.clean',
    'filter.evil.smudge',
    'diff.evil.textconv',
    'diff.evil.command',
    'merge.evil.driver',
    'core.alternateRefsCommand',
    'core.sshCommand',
    'gpg.program',
  ])
    await git(directory, 'config', key, program);
  await git(directory, 'config', 'filter.evil.required', 'true');
  await mkdir(join(gitDirectory, 'hooks'), { recursive: true });
  for (const hook of [
    'post-checkout',
    'post-index-change',
    'reference-transaction',
    'pre-commit',
    'post-merge',
  ])
    await execa('cp', [program, join(gitDirectory, 'hooks', hook)]);
  await mkdir(join(gitDirectory, 'info'), { recursive: true });
  await writeFile(join(gitDirectory, 'info/attributes'), '* filter=evil diff=evil merge=evil\n');
}

/** A repository with one commit, armed. */
async function armed(path: string, program: string): Promise<string> {
  await mkdir(path, { recursive: true });
  await commitFiles(path, { x: 'x' });
  await arm(path, program);
  return path;
}

/** Calls everything in src/git that runs git, and some of it twice. */
async function useEverything(world: Trap, worktree: Worktree): Promise<void> {
  const { repository, head } = world;
  const headTree = await treeOf(repository.reader, head);
  await removeNestedRepositories(worktree.path);
  await writeFiles(worktree.path, { 'a.txt': 'from the agent', 'new.txt': 'x' });
  const tree = await worktree.stage();
  const changes = await diffTrees(repository.reader, headTree, tree);
  await findForbidden(repository.reader, tree, changes);
  await writeFiles(worktree.path, { 'a.txt': 'from the gate', 'other.txt': 'x' });
  await worktree.discardChanges();
  await worktree.restore(headTree, ['a.txt']);
  await worktree.write(new Map([['dir/b.txt', Buffer.from('by choo')]]));
  await worktree.restage(headTree);
  const id = await repository.writer.blob(Buffer.from('y'));
  const made = await replaceFiles(repository, headTree, new Map([['a.txt', { mode: '100644', id }]]));
  const who = 'x <x@x> 0 +0000';
  const commit = await repository.writer.commit(
    `tree ${made}\nparent ${head}\nauthor ${who}\ncommitter ${who}\n\nx\n`,
  );
  const other = await repository.writer.commit(
    `tree ${tree}\nparent ${head}\nauthor ${who}\ncommitter ${who}\n\nx\n`,
  );
  await mergeCommits(repository, { into: commit, from: other, subject: 'x' });
  await worktree.advance(commit);
  await worktree.stage();
  await repository.publish('choo/unit/main/a', head, undefined);
  await repository.publish('choo/unit/main/a', commit, head);
  await repository.branchHead('choo/unit/main/a');
  const second = await world.worktrees.create('second', commit);
  await second.remove();
  await using again = await openRepository(world.user, world.home);
  await again.reader.info([head]);
  await worktree.remove();
  await world.worktrees.removeLeftovers();
}

describe('nothing runs that is planted in a worktree:', () => {
  /** Each plants something and then does with plain git what would set it off. */
  const PLANTED: Readonly<
    Record<string, (root: string, program: string, outside: string) => Promise<unknown>>
  > = {
    'a nested repository': async (root, program) => {
      const nested = await armed(join(root, 'nested'), program);
      await git(root, 'add', '--all');
      await writeFiles(nested, { x: 'changed' });
      await git(root, 'status');
    },
    'a nested repository that git tracks as a submodule already': async (root, program) => {
      await armed(join(root, 'dir/nested'), program);
      await writeFiles(root, { '.gitmodules': '[submodule "x"]\n\tpath = dir/nested\n\turl = ./x\n' });
      await git(root, 'add', '--all');
      await git(root, 'commit', '--quiet', '--no-verify', '--message=x');
      await git(root, 'diff');
    },
    'a file that leads to a repository elsewhere': async (root, program) => {
      const elsewhere = await armed(join(root, 'ignored/elsewhere'), program);
      await writeFiles(root, { 'nested/.git': `gitdir: ${elsewhere}/.git\n` });
      await git(root, 'add', '--all');
      await git(root, 'status');
    },
    'a link to a repository elsewhere': async (root, program) => {
      const elsewhere = await armed(join(root, 'ignored/elsewhere'), program);
      await mkdir(join(root, 'nested'));
      await symlink(`${elsewhere}/.git`, join(root, 'nested/.git'));
      await git(root, 'add', '--all');
      await git(root, 'status');
    },
    'a repository in an ignored directory': async (root, program) =>
      git(await armed(join(root, 'ignored/deep/repository'), program), 'status'),
    'a repository in node_modules': async (root, program) =>
      git(await armed(join(root, 'node_modules/pkg'), program), 'status'),
    'another repository instead of the worktree’s own': async (root, program, outside) => {
      const elsewhere = await armed(outside, program);
      await writeFile(join(root, '.git'), `gitdir: ${elsewhere}/.git\n`);
      await git(root, 'status');
    },
    'a directory instead of the worktree’s `.git` file': async (root, program) => {
      await rm(join(root, '.git'));
      await armed(root, program);
      await git(root, 'status');
    },
    'a link instead of the worktree’s `.git` file': async (root, program, outside) => {
      await rm(join(root, '.git'));
      await symlink(`${await armed(outside, program)}/.git`, join(root, '.git'));
      await git(root, 'status');
    },
    'a worktree that is a repository itself': async (root, program, outside) => {
      await rm(join(root, '.git'));
      await armed(outside, program);
      await execa('cp', ['-r', `${outside}/.git/.`, root]);
      await git(root, 'config', '--file', 'config', 'core.worktree', root);
      await git(root, 'status');
    },
  };

  test.each(Object.keys(PLANTED))('%s', async (name) => {
    await using world = await trap();
    const worktree = await world.worktrees.create('one', world.head);
    await PLANTED[name]?.(worktree.path, world.program, join(world.path, 'elsewhere'));
    expect(await world.sprung()).not.toBe('');
    await useEverything(world, worktree);
    expect(await world.sprung()).toBe('');
  });

  test('a `git` of its own, where the PATH says `here`', async () => {
    await using world = await trap();
    const searchPath = `:.:bin:${process.env['PATH']}`;
    const worktree = await new WorktreeManager(world.repository, searchPath).create('one', world.head);
    for (const path of ['git', 'bin/git']) {
      await mkdir(join(worktree.path, 'bin'), { recursive: true });
      await execa('cp', [world.program, join(worktree.path, path)]);
    }
    await execa('git', ['status'], { cwd: worktree.path, env: { PATH: searchPath }, input: '' });
    expect(await world.sprung()).not.toBe('');
    await useEverything(world, worktree);
    expect(await world.sprung()).toBe('');
  });
});

describe('nothing runs that is set up in', () => {
  test('the user’s repository, with attributes in the commit that ask for it', async () => {
    await using world = await trap({ '.gitattributes': '* filter=evil diff=evil merge=evil\n' });
    await arm(world.user, world.program);
    await git(world.user, 'config', 'core.hooksPath', join(world.user, '.git/hooks'));
    await git(world.user, 'worktree', 'add', '--quiet', '--detach', join(world.path, 'theirs'));
    expect(await world.sprung()).toMatch(/post-checkout/);
    await git(world.user, 'update-ref', 'refs/heads/theirs', 'HEAD');
    expect(await world.sprung()).toMatch(/reference-transaction/);
    await writeFiles(world.user, { 'a.txt': 'changed' });
    await git(world.user, 'add', '--all');
    expect(await world.sprung()).toMatch(/program/);
    await git(world.user, 'reset', '--quiet', '--hard');
    await world.sprung();
    await useEverything(world, await world.worktrees.create('one', world.head));
    expect(await world.sprung()).toBe('');
  });

  test('attributes that the agent adds, for drivers that the user has', async () => {
    await using world = await trap();
    await arm(world.user, world.program);
    await rm(join(world.user, '.git/info/attributes'));
    await world.sprung();
    const attributes = {
      '.gitattributes': '* filter=evil diff=evil merge=evil\n',
      'dir/.gitattributes': '* filter=evil\n',
    };
    await git(world.user, 'worktree', 'add', '--quiet', '--detach', join(world.path, 'theirs'));
    await world.sprung();
    await writeFiles(join(world.path, 'theirs'), { ...attributes, 'a.txt': 'x' });
    await git(join(world.path, 'theirs'), 'add', 'a.txt');
    expect(await world.sprung()).toMatch(/program \n/);
    const worktree = await world.worktrees.create('one', world.head);
    await writeFiles(worktree.path, attributes);
    await useEverything(world, worktree);
    expect(await world.sprung()).toBe('');
  });

  test('the environment in which choo was started', async () => {
    await using world = await trap();
    const elsewhere = await armed(join(world.path, 'elsewhere'), world.program);
    vi.stubEnv('GIT_DIR', join(elsewhere, '.git'));
    vi.stubEnv('GIT_CONFIG_PARAMETERS', `'core.fsmonitor=${world.program}'`);
    vi.stubEnv('GIT_EXTERNAL_DIFF', world.program);
    vi.stubEnv('GIT_CONFIG_COUNT', '1');
    vi.stubEnv('GIT_CONFIG_KEY_0', 'core.fsmonitor');
    vi.stubEnv('GIT_CONFIG_VALUE_0', world.program);
    try {
      await execa('git', ['status'], { cwd: world.user });
      expect(await world.sprung()).not.toBe('');
      await useEverything(world, await world.worktrees.create('one', world.head));
      expect(await world.sprung()).toBe('');
      expect(await git(elsewhere, 'for-each-ref', 'refs/heads/choo')).toBe('');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

test('a worktree whose `.git` leads elsewhere is staged and published as if it did not', async () => {
  await using world = await trap();
  const worktree = await world.worktrees.create('one', world.head);
  const elsewhere = join(world.path, 'elsewhere');
  await mkdir(elsewhere);
  await commitFiles(elsewhere, { 'only-here': 'x' });
  await writeFile(join(worktree.path, '.git'), `gitdir: ${elsewhere}/.git\n`);
  expect(await git(worktree.path, 'status', '--porcelain')).toContain('only-here');
  expect(await worktree.discardChanges()).toEqual([]);
  expect(await worktree.stage()).toBe(await treeOf(world.repository.reader, world.head));
  expect(await git(elsewhere, 'status', '--porcelain')).toBe('');
});
