import { execa } from 'execa';
import { chmod, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DiscoveryCache } from '../../../src/discovery/discovery-cache.ts';
import { discover, type Discovery } from '../../../src/discovery/discovery.ts';
import { DirectoryTree } from '../../../src/discovery/tree.ts';
import { type Git, openGit } from '../../../src/git/git.ts';
import { ObjectReader } from '../../../src/git/objects/object-reader.ts';
import { CommitTree, resolveCommit } from '../../../src/git/objects/spec-tree.ts';
import { commitFiles, git, writeFiles } from '../../helpers/git-repository.ts';
import { planText, taskText } from '../../helpers/memory-tree.ts';
import { unitFiles } from '../../helpers/plan-of.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const ROOT = 'specs/tasks';

function open(path: string): Git {
  return openGit(path, process.env['PATH'] ?? '');
}

async function discoverCommit(path: string, commit: string, cache?: DiscoveryCache): Promise<Discovery> {
  await using reader = new ObjectReader(open(path));
  return await discover(await CommitTree.open(reader, commit), ROOT, cache);
}

/** Makes a tree object that holds other trees by name. */
async function makeTree(
  path: string,
  trees: readonly (readonly [name: string, tree: string])[],
): Promise<string> {
  const input = trees.map(([name, tree]) => `040000 tree ${tree}\t${name}\n`).join('');
  return (await execa('git', ['mktree'], { cwd: path, input })).stdout;
}

describe('a spec tree in a commit', () => {
  test('is discovered exactly as the same tree in a directory, faults and all', async () => {
    await using place = await temporaryDirectory();
    const commit = await commitFiles(place.path, {
      ...unitFiles('good', { dependsOn: ['bäd'] }),
      ...unitFiles('api', { dependsOn: ['good', 'nowhere'] }),
      [`${ROOT}/api/2-x.md`]: 'x',
      [`${ROOT}/api/02-crlf.md`]: taskText({ task: '2' }).replaceAll('\n', '\r\n'),
      [`${ROOT}/bäd/IMPLEMENTATION_PLAN.md`]: planText(),
      [`${ROOT}/bäd/01-x.md`]: new Uint8Array([0xff, 0x00]),
      [`${ROOT}/empty/IMPLEMENTATION_PLAN.md`]: '',
      [`${ROOT}/large/IMPLEMENTATION_PLAN.md`]: planText(),
      [`${ROOT}/large/01-x.md`]: 'x'.repeat(1024 * 1024 + 1),
      [`${ROOT}/README.md`]: 'x',
    });
    const fromCommit = await discoverCommit(place.path, commit);
    expect(fromCommit).toEqual(await discover(new DirectoryTree(place.path), ROOT));
    expect(fromCommit.problems.counts.error).toBeGreaterThan(3);
  });

  test('does not follow links, and takes a submodule for no unit', async () => {
    await using place = await temporaryDirectory();
    await writeFiles(place.path, unitFiles('good'));
    await symlink('good', join(place.path, ROOT, 'linked'));
    await symlink('01-step.md', join(place.path, ROOT, 'good/02-linked.md'));
    const first = await commitFiles(place.path, {});
    await git(place.path, 'update-index', '--add', '--cacheinfo', `160000,${first},${ROOT}/module`);
    await git(place.path, 'commit', '--quiet', '--message=module');
    const found = await discoverCommit(place.path, await git(place.path, 'rev-parse', 'HEAD'));
    expect(found.problems.kept.map(({ file, code }) => `${file} ${code}`)).toEqual([
      `${ROOT}/good/02-linked.md symlink`,
      `${ROOT}/linked symlink`,
    ]);
  });

  test.each(['specs', ROOT])('whose `%s` is a link or a file is one error', async (path) => {
    await using place = await temporaryDirectory();
    await writeFiles(place.path, { 'elsewhere/x': 'x', 'specs-are/x': 'x' });
    if (path.includes('/')) await writeFiles(place.path, { 'specs/x': 'x' });
    await symlink('elsewhere', join(place.path, path));
    const found = await discoverCommit(place.path, await commitFiles(place.path, {}));
    expect(found.problems.kept).toMatchObject([{ code: 'tree-symlink', file: ROOT }]);
  });

  test('is listed two levels deep and no deeper: a tree that contains itself many times over costs nothing', async () => {
    await using place = await temporaryDirectory();
    await git(place.path, 'init', '--quiet');
    let tree = await makeTree(place.path, []);
    // Ten names for the same tree, twelve levels deep: a million million directories to whoever walks them.
    for (let depth = 0; depth < 12; depth += 1) {
      tree = await makeTree(
        place.path,
        Array.from({ length: 10 }, (_, name) => [`d${name}`, tree]),
      );
    }
    for (const name of ['bomb', 'tasks', 'specs']) tree = await makeTree(place.path, [[name, tree]]);
    const commit = await git(place.path, 'commit-tree', '-m', 'bomb', tree);
    expect((await discoverCommit(place.path, commit)).problems.kept).toEqual([]);
  });

  test('with one large tree object in many places is one error, and is not listed for each of them', async () => {
    await using place = await temporaryDirectory();
    await git(place.path, 'init', '--quiet');
    const empty = await makeTree(place.path, []);
    const large = await makeTree(
      place.path,
      Array.from({ length: 15_000 }, (_, name) => [`n${name}`, empty]),
    );
    let tree = await makeTree(
      place.path,
      Array.from({ length: 2_000 }, (_, unit) => [`u${unit}`, large]),
    );
    for (const name of ['tasks', 'specs']) tree = await makeTree(place.path, [[name, tree]]);
    const commit = await git(place.path, 'commit-tree', '-m', 'large', tree);
    const found = await discoverCommit(place.path, commit);
    expect(found.problems.kept.map(({ code }) => code)).toEqual(['tree-too-many-files']);
  });

  test('that is no tree inside is an error, and nothing is thrown', async () => {
    await using place = await temporaryDirectory();
    await git(place.path, 'init', '--quiet');
    const { stdout: broken } = await execa(
      'git',
      ['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'],
      {
        cwd: place.path,
        input: '100644 b\0abc',
      },
    );
    let tree = await makeTree(place.path, [['u', broken]]);
    for (const name of ['tasks', 'specs']) tree = await makeTree(place.path, [[name, tree]]);
    const found = await discoverCommit(
      place.path,
      await git(place.path, 'commit-tree', '-m', 'broken', tree),
    );
    expect(found.problems.kept).toMatchObject([{ code: 'tree-unreadable', file: `${ROOT}/u` }]);
  });

  test('reads again only what changed between two commits', async () => {
    await using place = await temporaryDirectory();
    const first = await commitFiles(place.path, { ...unitFiles('a'), ...unitFiles('b') });
    const cache = new DiscoveryCache();
    const before = await discoverCommit(place.path, first, cache);
    const second = await commitFiles(place.path, {
      [`${ROOT}/a/01-step.md`]: taskText({ backpressure: 'make other' }),
    });
    const after = await discoverCommit(place.path, second, cache);
    expect(after.units[0]?.tasks[0]?.gate).toBe('make other');
    expect(after.units[1]).toBe(before.units[1]);
  });

  test('finds commits that arrive while its reader is running', async () => {
    await using place = await temporaryDirectory();
    const first = await commitFiles(place.path, unitFiles('a'));
    await using reader = new ObjectReader(open(place.path));
    await CommitTree.open(reader, first);
    const second = await commitFiles(place.path, unitFiles('b'));
    const found = await discover(await CommitTree.open(reader, second), ROOT);
    expect(found.units.map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

describe('the object reader', () => {
  test('answers many requests at once, each with its own objects, missing ones included', async () => {
    await using place = await temporaryDirectory();
    await commitFiles(place.path, { a: 'A', b: '', c: 'x\n'.repeat(200_000) });
    await using reader = new ObjectReader(open(place.path));
    const ids = (await git(place.path, 'ls-tree', '--format=%(objectname)', 'HEAD')).split('\n');
    const none = '0'.repeat(40);
    const answers = await Promise.all([
      reader.contents([ids[2] ?? '', none, ids[0] ?? '']),
      reader.info([none, ids[1] ?? '']),
      reader.contents([ids[1] ?? '']),
    ]);
    expect(answers[0].map((content) => content?.length)).toEqual([400_000, undefined, 1]);
    expect(answers[1]).toEqual([undefined, { id: ids[1], type: 'blob', size: 0 }]);
    expect(answers[2].map(String)).toEqual(['']);
  });

  test('refuses anything but object ids', async () => {
    await using place = await temporaryDirectory();
    await commitFiles(place.path, { a: 'A' });
    await using reader = new ObjectReader(open(place.path));
    await expect(reader.contents(['HEAD:a\ncontents HEAD'])).rejects.toThrow('is not an object id');
  });

  test('fails what is asked of it when git cannot serve it', async () => {
    await using place = await temporaryDirectory();
    await using reader = new ObjectReader(open(place.path));
    await expect(reader.info(['0'.repeat(40)])).rejects.toThrow(
      /git cat-file ended: .*not a git repository/s,
    );
    await expect(reader.info(['0'.repeat(40)])).rejects.toThrow('git cat-file ended');
  });
});

describe('git as choo runs it', () => {
  test('starts nothing that the repository, the user or the machine configured', async () => {
    await using place = await temporaryDirectory();
    const commit = await commitFiles(place.path, unitFiles('a'));
    const trap = join(place.path, '.git/trap');
    await writeFile(trap, `#!/bin/sh\ntouch ${join(place.path, 'sprung')}\n`);
    await chmod(trap, 0o755);
    for (const key of [
      'core.fsmonitor',
      'core.pager',
      'core.sshCommand',
      'core.editor',
      'core.alternateRefsCommand',
      'uploadpack.packObjectsHook',
    ]) {
      await git(place.path, 'config', key, trap);
    }
    await git(place.path, 'config', 'core.hooksPath', join(place.path, '.git'));
    await git(place.path, 'config', 'filter.x.clean', trap);
    await git(place.path, 'config', 'filter.x.smudge', trap);
    await writeFile(join(place.path, '.git/info/attributes'), '* filter=x\n');
    // A promisor remote: a missing object would be fetched by a program of the repository's choice.
    await git(place.path, 'config', 'extensions.partialClone', 'origin');
    await git(place.path, 'config', 'remote.origin.url', `ext::${trap}`);
    await git(place.path, 'config', 'remote.origin.promisor', 'true');
    await git(place.path, 'config', 'protocol.ext.allow', 'always');

    expect((await discoverCommit(place.path, commit)).units).toHaveLength(1);
    await using reader = new ObjectReader(open(place.path));
    await reader.info(['1'.repeat(40)]).catch(() => {});
    await open(place.path).run('for-each-ref');
    await expect(open(place.path).run('ls-remote', `ext::${trap}`)).rejects.toThrow('not allowed');
    await expect(open(place.path).run('ls-remote', `file://${place.path}`)).rejects.toThrow('not allowed');

    expect(await readdir(place.path)).not.toContain('sprung');
  });

  test('names a revision that does not exist, and takes none for an option', async () => {
    await using place = await temporaryDirectory();
    await commitFiles(place.path, { a: 'A' });
    await expect(resolveCommit(open(place.path), 'nope')).rejects.toMatchObject({ code: 'usage' });
    await expect(resolveCommit(open(place.path), '--all')).rejects.toMatchObject({ code: 'usage' });
    await expect(resolveCommit(open(place.path), 'HEAD:a')).rejects.toMatchObject({ code: 'usage' });
  });
});
