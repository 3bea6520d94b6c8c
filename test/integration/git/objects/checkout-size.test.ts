import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { CheckoutSizes, describeExcess, MAX_CHECKOUT } from '../../../../src/git/objects/checkout-size.ts';
import { CommitTree } from '../../../../src/git/objects/spec-tree.ts';
import { diffTrees, listLinks } from '../../../../src/git/objects/tree-object.ts';
import { mergeCommits } from '../../../../src/git/merge.ts';
import { readProject } from '../../../../src/plan/project.ts';
import { commitFiles, git, type GitWorld, gitWorld } from '../../../helpers/git-repository.ts';
import { unitFiles } from '../../../helpers/plan-of.ts';
import { makeBomb } from '../../../helpers/tree-bomb.ts';

const FILES = { 'a.txt': 'A\n', 'dir/b.txt': 'BB\n', 'dir/c.txt': 'BB\n', 'dir/deep/d.txt': '' };

const treeOf = async ({ user, head }: GitWorld): Promise<string> => git(user, 'rev-parse', `${head}^{tree}`);

describe('the size of a checkout', () => {
  test('counts what lies in a directory, also what is there twice', async () => {
    await using world = await gitWorld(FILES);
    const sizes = new CheckoutSizes();
    const { reader } = world.repository;
    const first = await sizes.measure(reader, await treeOf(world));
    expect(first).toEqual({ entries: 7, bytes: 8 }); // four files, two directories and the root
    const head = await commitFiles(world.user, { 'dir/deep/e.txt': '12345' });
    expect(await sizes.measure(reader, await treeOf({ ...world, head }))).toEqual({ entries: 8, bytes: 13 });
  });

  test('is known of 30 objects that are a billion files, and of a file named 10,000 times', async () => {
    await using world = await gitWorld(FILES);
    const { reader } = world.repository;
    const started = performance.now();
    const bomb = await makeBomb(world.user, { width: 8, depth: 10 });
    const size = await new CheckoutSizes().measure(reader, bomb.tree);
    expect(size.entries).toBeGreaterThan(8 ** 10);
    expect(describeExcess(size)).toMatch(/^has \d+ files and directories; choo checks out 200000 at most$/);
    expect(performance.now() - started).toBeLessThan(30_000);

    const wide = await makeBomb(world.user, { width: 10_000, depth: 1, bytes: 1024 ** 2 });
    const large = await new CheckoutSizes().measure(reader, wide.tree);
    expect(large).toEqual({ entries: 10_001, bytes: 10_000 * 1024 ** 2 });
    expect(describeExcess(large)).toBe('has 10 GiB of files; choo checks out 4 GiB at most');
  });

  test('has no end where one tree object lists more than may be', async () => {
    await using world = await gitWorld(FILES);
    const { tree } = await makeBomb(world.user, { width: MAX_CHECKOUT.entries + 1, depth: 1, differ: true });
    const size = await new CheckoutSizes().measure(world.repository.reader, tree);
    expect(describeExcess(size)).toMatch(/^has more than 200000|^has 200002 files/);
  });
});

describe('a tree that unfolds without end', () => {
  test('is an error of the plan, and is neither checked out, merged nor listed', async () => {
    await using world = await gitWorld({ ...FILES, ...unitFiles('api') });
    const { repository, worktrees, user, head } = world;
    const { commit, tree } = await makeBomb(user, { width: 8, depth: 10, on: head });
    const { reader } = repository;
    const { discovery } = await readProject(await CommitTree.open(reader, commit));
    expect(discovery.problems.kept).toMatchObject([{ severity: 'error', code: 'repository-too-large' }]);
    const limit = expect.objectContaining({ code: 'limit' });
    await expect(worktrees.create('a', commit)).rejects.toEqual(limit);
    const other = await commitFiles(user, { 'other.txt': 'x\n' });
    await expect(mergeCommits(repository, { into: other, from: commit, subject: 'Try' })).rejects.toEqual(
      limit,
    );
    await expect(diffTrees(reader, undefined, tree)).rejects.toEqual(limit);
    await expect(listLinks(reader, tree)).rejects.toEqual(limit);
  });

  test('is small when it is checked out in part only: the same tree one level less deep', async () => {
    await using world = await gitWorld(FILES);
    const { commit } = await makeBomb(world.user, { width: 8, depth: 3, on: world.head });
    const worktree = await world.worktrees.create('a', commit);
    const { stdout } = await execa('find', [worktree.path, '-type', 'f', '-name', 'f*']);
    expect(stdout.split('\n')).toHaveLength(8 ** 3);
  });
});
