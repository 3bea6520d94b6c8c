import { execa } from 'execa';
import { chmod, mkdir, readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RemoteRepositories } from '../../../../src/orchestrator/server/remote-repositories.ts';
import { performInline } from '../../../../src/plan-thread/plan-thread.ts';
import { markRepositoryRemoved, upsertRepository } from '../../../../src/store/github/github-repositories.ts';
import { type RepositoryRow } from '../../../../src/store/github/repositories.ts';
import { gitServing } from '../../../helpers/git-processes.ts';
import { commitFiles, git } from '../../../helpers/git-repository.ts';
import { openServerStore } from '../../../helpers/server-store.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const POLL = { interval: 20, timeout: 10_000 };
const NONE = '0'.repeat(40);
const SEARCH_PATH = process.env['PATH'] ?? '';

/** A database, a data directory, and repositories of the App whose remotes are on this machine. */
async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  const server = stack.use(await openServerStore());
  const { database } = stack.use(await server.open());
  const dataDirectory = join(path, 'data');
  /** Whom a token was asked for, by GitHub's number. */
  const tokens: (string | undefined)[] = [];
  const credentials = async ({ github }: RepositoryRow) => {
    tokens.push(github?.id);
    return {};
  };
  const home = { dataDirectory, searchPath: SEARCH_PATH, perform: performInline() };
  const open = () => new RemoteRepositories(database, home, credentials);
  const places = stack.use(open());
  /** Makes a remote with one file in it; returns its path. */
  const remote = async (name: string): Promise<string> => {
    const remotePath = join(path, name);
    await mkdir(remotePath);
    await commitFiles(remotePath, { [`${name}.txt`]: name });
    return remotePath;
  };
  const remember = async (githubId: number, at: string, installation = 7) =>
    upsertRepository(database, {
      githubId,
      installation,
      owner: 'team',
      name: 'widgets',
      defaultBranch: 'main',
      remote: at,
    });
  const kept = stack.move();
  return {
    path,
    database,
    server,
    places,
    open,
    tokens,
    remote,
    remember,
    copies: async () => readdir(join(dataDirectory, 'repositories')),
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

test('a repository whose address another one took is not looked for there, until it is said where it is', async () => {
  await using world = await openWorld();
  const { places, remember, tokens } = world;
  const [address, elsewhere] = [await world.remote('address'), await world.remote('elsewhere')];
  const first = await remember(70, address);
  using place = await places.open(first.id);
  await place.branches.fetch();
  const head = (await place.branches.fetchedHead('main')) ?? '';

  const second = await remember(71, address);
  tokens.length = 0;
  const gone = { code: 'environment', message: expect.stringMatching(/belongs to another repository now/) };
  await expect(place.branches.fetch()).rejects.toMatchObject(gone);
  await expect(place.branches.publish('choo/unit/main/api', head, undefined)).rejects.toMatchObject(gone);
  await expect(place.branches.heads('choo/')).rejects.toMatchObject(gone);
  expect(tokens).toEqual([]);
  expect(await git(address, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  using other = await places.open(second.id);
  await other.branches.fetch();
  expect(tokens).toEqual(['71']);
  expect(other.home).not.toBe(place.home);

  await remember(70, elsewhere);
  await place.branches.fetch();
  expect(tokens).toEqual(['71', '70']);
  expect(await place.branches.fetchedHead('main')).toBe(await git(elsewhere, 'rev-parse', 'main'));
});

test('a copy goes when its repository is lost, or gets other owners; the next one is clean', async () => {
  await using world = await openWorld();
  const { places, remember, database } = world;
  const address = await world.remote('address');
  const { id } = await remember(70, address);
  const visit = async (fetch: boolean) => {
    using place = await places.open(id);
    const before = await place.repository.reader.info([head]);
    if (fetch) await place.branches.fetch();
    return { home: place.home, before, after: await place.repository.reader.info([head]) };
  };
  const head = await git(address, 'rev-parse', 'main');
  const first = await visit(true);
  expect(first.after).toMatchObject([{ type: 'commit' }]);
  expect(await places.removeGone()).toEqual([]);
  expect(await world.copies()).toHaveLength(1);

  await markRepositoryRemoved(database, 70);
  await places.removeGone();
  await expect.poll(world.copies, POLL).toEqual([]);
  expect(gitServing(world.path)).toEqual([]);
  await expect(places.open(id)).rejects.toMatchObject({ code: 'environment' });
  expect(await world.copies()).toEqual([]);

  await remember(70, address);
  const again = await visit(true);
  expect(again.home).not.toBe(first.home);
  expect(again).toMatchObject({ before: [undefined], after: [{ type: 'commit' }] });

  await remember(70, address, 8);
  expect(await visit(false)).toMatchObject({ before: [undefined] });
  await places.removeGone();
  await expect.poll(world.copies, POLL).toHaveLength(1);
});

test('a copy that goes stays until who works on it is done', async () => {
  await using world = await openWorld();
  const { places, remember, database } = world;
  const { id } = await remember(70, await world.remote('address'));
  const [one, two] = [await places.open(id), await places.open(id)];
  await one.branches.fetch();
  await markRepositoryRemoved(database, 70);
  for (const lease of [one, two]) {
    expect(await places.removeGone()).toEqual([]);
    const head = (await lease.branches.fetchedHead('main')) ?? '';
    expect(await two.repository.reader.info([head])).toMatchObject([{ type: 'commit' }]);
    lease[Symbol.dispose]();
    lease[Symbol.dispose](); // once is enough
  }
  await expect.poll(world.copies, POLL).toEqual([]);
  expect(gitServing(world.path)).toEqual([]);
});

test('however many repositories were worked on, few processes of git are left', async () => {
  await using world = await openWorld();
  const { places } = world;
  using kept = await places.open(await world.server.repository());
  await kept.repository.reader.info([NONE]);
  const [first] = gitServing(kept.home);
  for (let count = 0; count < 60; count += 1) {
    using place = await places.open(await world.server.repository());
    await place.repository.reader.info([NONE]);
    await place.repository.writer.blob(Buffer.from('a'));
  }
  await expect.poll(() => gitServing(world.path).length, POLL).toBeLessThan(50);
  // What somebody works on is not closed under their hands.
  expect(gitServing(kept.home)).toContain(first);
});

test('what an older choo left goes when nobody touched it for hours, and local runs keep what is theirs', async () => {
  await using world = await openWorld();
  const { places } = world;
  const root = join(world.path, 'data/repositories');
  const [old, busy, local] = ['old-0123456789ab', 'busy-0123456789ab', 'local-0123456789ab'];
  for (const name of [old, busy, local]) {
    await mkdir(join(root, name), { recursive: true, mode: 0o755 });
    await git(root, 'init', '--quiet', '--bare', join(root, name, 'cache.git'));
  }
  await git(root, 'init', '--quiet', '--bare', join(root, 'other.git'));
  await execa('cp', ['/dev/null', join(root, local, 'cache.git/objects/info/alternates')]);
  const then = new Date(Date.now() - 7 * 3_600_000);
  for (const name of [old, local]) await utimes(join(root, name, 'cache.git'), then, then);
  expect(await places.removeGone()).toEqual([old]);
  expect((await world.copies()).toSorted()).toEqual([busy, local, 'other.git']);
  expect((await stat(join(root, busy))).mode & 0o777).toBe(0o700);
});

test.skipIf(process.getuid?.() !== 0)('no other user of the machine reads what a copy holds', async () => {
  await using world = await openWorld();
  const { id } = await world.remember(70, await world.remote('address'));
  using place = await world.places.open(id);
  const { branches, home } = place;
  await branches.fetch();
  await chmod(world.path, 0o755);
  const look = async (uid: number, path: string) => {
    const options = { reject: false, cwd: '/', uid, gid: uid };
    return (await execa('test', ['-r', path], options)).exitCode === 0;
  };
  for (const uid of [65_534, 64_123]) {
    expect(await look(uid, join(world.path, 'address/address.txt'))).toBe(true);
    for (const path of [home, join(home, 'cache.git/HEAD'), join(home, 'worktrees')])
      expect(await look(uid, path)).toBe(false);
  }
});
