import { execa } from 'execa';
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ChooError } from '../../../src/errors.ts';
import { type Access, RemoteBranches } from '../../../src/git/remote-branches.ts';
import { cacheDirectory, Repository } from '../../../src/git/repository.ts';
import { WorktreeManager } from '../../../src/git/worktree.ts';
import { git } from '../../helpers/git-repository.ts';
import { type GitServer, startGitServer } from '../../helpers/git-server.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';
import { normalizeRemote } from '../../../src/git/remote-address.ts';

const SEARCH_PATH = process.env['PATH'] ?? '';
/** How often a command is tried before the remote counts as out of reach. */
const TRIES = 4;

/** A choo with a data directory of its own for the remote. */
interface Machine {
  readonly home: string;
  /** choo's own repository. */
  readonly cache: string;
  readonly repository: Repository;
  readonly branches: RemoteBranches;
  /** A commit that only this machine has. */
  readonly commit: (message: string) => Promise<string>;
}

interface World extends AsyncDisposable {
  readonly path: string;
  /** A bare repository whose `main` has one commit. */
  readonly remote: string;
  readonly base: string;
  /** Moves or makes a branch of the remote; without a commit it goes. */
  readonly set: (branch: string, commit?: string) => Promise<void>;
  readonly at: (branch: string) => Promise<string | undefined>;
  /** A commit on top of `main`, on the remote and on no branch. */
  readonly commit: (message: string) => Promise<string>;
  readonly machine: (name?: string, remote?: string, credentials?: Credentials) => Promise<Machine>;
}

/** Whoever waits between two tries waits a moment. */
function connect(remote: string, home: string, credentials?: Credentials): RemoteBranches {
  const access: Access = async (renew) => ({ remote, settings: (await credentials?.(renew)) ?? {} });
  return new RemoteBranches(access, home, SEARCH_PATH, { firstPauseMs: 20 });
}

type Credentials = (renew: boolean) => Promise<Readonly<Record<string, string>>>;

async function remoteWorld(): Promise<World> {
  const stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  const remote = join(path, 'remote.git');
  await git(path, 'init', '--quiet', '--bare', '--initial-branch=main', remote);
  const tree = await git(remote, 'hash-object', '-w', '-t', 'tree', '/dev/null');
  const base = await git(remote, 'commit-tree', '-m', 'first', tree);
  const set = async (branch: string, commit?: string): Promise<void> => {
    const words = commit === undefined ? ['-d'] : [];
    await git(remote, 'update-ref', ...words, `refs/heads/${branch}`, ...(commit ? [commit] : []));
  };
  await set('main', base);
  return {
    path,
    remote,
    base,
    set,
    at: async (branch) =>
      git(remote, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}`).catch(() => undefined),
    commit: async (message) => git(remote, 'commit-tree', '-p', base, '-m', message, tree),
    machine: async (name = 'home', from = remote, credentials?) => {
      const home = join(path, name);
      const cache = cacheDirectory(home);
      const branches = connect(from, home, credentials);
      const repository = stack.use(await Repository.openRemote(home, SEARCH_PATH, branches));
      await git(cache, 'hash-object', '-w', '-t', 'tree', '/dev/null');
      const commit = async (message: string): Promise<string> =>
        git(cache, 'commit-tree', '-m', message, tree);
      return { home, cache, repository, branches, commit };
    },
    [Symbol.asyncDispose]: async () => stack[Symbol.asyncDispose](),
  };
}

/** The same remote behind a server on a network, and a machine that may read and write there. */
async function servedWorld() {
  const stack = new AsyncDisposableStack();
  const world = stack.use(await remoteWorld());
  const server = stack.use(await startGitServer(world.path));
  const remote = normalizeRemote(`${server.origin}/remote.git`);
  const client = await world.machine('home', remote, async () => server.settings);
  return { ...world, url: remote, server, client, [Symbol.asyncDispose]: async () => stack.disposeAsync() };
}

/** What is thrown; there is nothing else to expect of it. */
async function failure(work: Promise<unknown>): Promise<ChooError> {
  const thrown = await work.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ChooError);
  return thrown as ChooError;
}

/** Both forms of a server's secret. */
function secretsOf({ authorization }: GitServer): readonly string[] {
  const encoded = authorization.replace('Basic ', '');
  return [encoded, Buffer.from(encoded, 'base64').toString()];
}

function expectNoSecret(text: string, server: GitServer): void {
  for (const secret of secretsOf(server)) expect(text).not.toContain(secret);
}

describe('fetching', () => {
  test('brings what is there, follows what moves and forgets what is gone', async () => {
    await using world = await remoteWorld();
    const { branches, repository } = await world.machine();
    await branches.fetch();
    expect(await branches.fetchedHead('main')).toBe(world.base);
    const [one, two] = [await world.commit('one'), await world.commit('two')];
    await world.set('main', one);
    await world.set('choo/plan', two);
    await branches.fetch();
    expect(await branches.fetchedHead('main')).toBe(one);
    expect(await branches.fetchedHead('choo/plan')).toBe(two);
    expect((await repository.git.ask('merge-base', world.base, two)).stdout).toBe(`${world.base}\n`);
    // A branch makes room for branches below its name, and they for it.
    await world.set('choo/plan');
    await world.set('choo/plan/below', one);
    await branches.fetch();
    expect(await branches.fetchedHead('choo/plan')).toBeUndefined();
    expect(await branches.fetchedHead('choo/plan/below')).toBe(one);
    await world.set('choo/plan/below');
    await world.set('choo/plan', two);
    await branches.fetch();
    expect(await branches.fetchedHead('choo/plan')).toBe(two);
    const refs = await git(repository.git.directory, 'for-each-ref', '--format=%(refname)');
    expect(refs.split('\n')).toEqual(['refs/remotes/origin/choo/plan', 'refs/remotes/origin/main']);
  });

  test('is shared by all who ask while one is under way, and brings them what was pushed before they asked', async () => {
    await using world = await servedWorld();
    const { branches } = world.client;
    const held = world.server.hold('/git-upload-pack');
    const first = branches.fetch();
    await held.ready; // what it will bring is decided
    const commit = await world.commit('pushed meanwhile');
    await world.set('main', commit);
    const asked = Array.from({ length: 30 }, async () => {
      await branches.fetch();
      return branches.fetchedHead('main');
    });
    held.release();
    await first;
    expect(new Set(await Promise.all(asked))).toEqual(new Set([commit]));
    expect(world.server.begun()).toBe(2);
    await branches.fetch();
    expect(world.server.begun()).toBe(3);
  });

  test('is done for those who wait even when the one under way fails', async () => {
    await using world = await servedWorld();
    const { branches } = world.client;
    world.server.fail(TRIES);
    const first = failure(branches.fetch());
    const second = branches.fetch();
    expect(await first).toMatchObject({ code: 'environment' });
    await second;
    expect(await branches.fetchedHead('main')).toBe(world.base);
  });

  test('does not fail when two choos fetch into one directory while branches come, move and go', async () => {
    await using world = await remoteWorld();
    const { branches, home, repository } = await world.machine();
    const machines = [branches, connect(world.remote, home)];
    const commits = await Promise.all(['a', 'b', 'c'].map(world.commit));
    const over = new AbortController();
    const move = async (): Promise<void> => {
      for (let round = 0; !over.signal.aborted; round += 1) {
        const head = commits[round % 3];
        const refs = Array.from({ length: 8 }, (_, index) =>
          (index + round) % 3 === 0 ? undefined : `refs/heads/moving/${index} ${head}`,
        );
        const gone = refs.flatMap((ref, index) =>
          ref === undefined ? [`delete refs/heads/moving/${index}`] : [],
        );
        const lines = [...refs.flatMap((ref) => (ref === undefined ? [] : [`update ${ref}`])), ...gone];
        await execa('git', ['-C', world.remote, 'update-ref', '--stdin'], { input: lines.join('\n') + '\n' });
      }
    };
    const moving = move();
    const fetching = machines.map(async (machine) => {
      for (let times = 0; times < 15; times += 1) await machine.fetch();
    });
    await Promise.all(fetching).finally(() => over.abort());
    await moving;
    await Promise.all(machines.map(async (machine) => machine.fetch()));
    const format = '--format=%(objectname) %(refname:lstrip=-2)';
    const expected = await git(world.remote, 'for-each-ref', format, 'refs/heads/moving');
    const found = await git(repository.git.directory, 'for-each-ref', format, 'refs/remotes/origin/moving');
    expect(found).toBe(expected);
  });
});

describe('looking at the remote', () => {
  test('tells where branches stand, there and here', async () => {
    await using world = await remoteWorld();
    const { branches } = await world.machine();
    const [one, two, three] = await Promise.all(['one', 'two', 'three'].map(world.commit));
    await world.set('x', one);
    await world.set('a/x', two);
    await world.set('a/refs/heads/x', three); // what a search for the end of a name finds as well
    await world.set('ab', one);
    expect(await branches.head('x')).toBe(one);
    expect(await branches.head('a/x')).toBe(two);
    expect(await branches.head('heads/x')).toBeUndefined();
    expect(await branches.heads('a/')).toEqual(
      new Map([
        ['a/x', two],
        ['a/refs/heads/x', three],
      ]),
    );
    expect(await branches.defaultBranch()).toBe('main');
    expect(await branches.fetchedHead('x')).toBeUndefined(); // nobody fetched
    await branches.fetch();
    expect(await branches.fetchedHead('x')).toBe(one);
    expect(await branches.fetchedHead('a')).toBeUndefined();
    await world.set('x', two);
    expect(await branches.fetchedHead('x')).toBe(one);
    expect(await branches.head('x')).toBe(two);
  });

  test('finds a tail of a name alone to be nothing', async () => {
    await using world = await remoteWorld();
    const { branches } = await world.machine();
    await world.set('a/refs/heads/x', world.base);
    await world.set('b/refs/heads/x/y', world.base);
    expect(await branches.head('x')).toBeUndefined();
    expect(await branches.heads('x/')).toEqual(new Map());
  });

  test('follows HEAD to another branch, and finds nothing where there is nothing', async () => {
    await using world = await remoteWorld();
    const { branches } = await world.machine();
    await world.set('team/trunk', world.base);
    await world.set('HEAD', world.base); // a branch may be called that
    await git(world.remote, 'symbolic-ref', 'HEAD', 'refs/heads/team/trunk');
    expect(await branches.defaultBranch()).toBe('team/trunk');
    const empty = join(world.path, 'empty.git');
    await git(world.path, 'init', '--quiet', '--bare', empty);
    const nothing = await world.machine('other', empty);
    expect(await nothing.branches.defaultBranch()).toBeUndefined();
    expect(await nothing.branches.head('main')).toBeUndefined();
    expect(await nothing.branches.heads('choo/')).toEqual(new Map());
    await nothing.branches.fetch();
    expect(await nothing.branches.fetchedHead('main')).toBeUndefined();
  });

  test('says so at once when there is no repository', async () => {
    await using world = await remoteWorld();
    const { branches } = await world.machine('home', join(world.path, 'nowhere.git'));
    const error = await failure(branches.fetch());
    expect(error.code).toBe('git');
    expect(error.message).toContain('nowhere.git');
  });
});

describe('publishing', () => {
  test('makes a branch, moves it, and has nothing to do the second time', async () => {
    await using world = await servedWorld();
    const { branches, commit } = world.client;
    const [one, two] = [await commit('one'), await commit('two')];
    await branches.publish('choo/unit', one, undefined);
    expect(await world.at('choo/unit')).toBe(one);
    await branches.publish('choo/unit', one, undefined);
    // Not a descendant: what counts is where the branch was expected.
    await branches.publish('choo/unit', two, one);
    expect(await world.at('choo/unit')).toBe(two);
    const pushes = (): number =>
      world.server.requests.filter(({ path, method }) => method === 'POST' && path.endsWith('receive-pack'))
        .length;
    const before = pushes();
    await branches.publish('choo/unit', two, one);
    await branches.publish('choo/unit', two, undefined);
    expect(pushes()).toBe(before);
    expect(await git(world.remote, 'for-each-ref', '--format=%(refname)')).toBe(
      'refs/heads/choo/unit\nrefs/heads/main',
    );
    expect(await git(world.remote, 'cat-file', '-p', two)).toContain('\n\ntwo');
  });

  test.each([
    ['stands elsewhere', 'theirs', 'base'],
    ['is there already', 'theirs', undefined],
    ['is gone', undefined, 'base'],
  ] as const)('is refused where the branch %s', async (_, there, expected) => {
    await using world = await remoteWorld();
    const { branches, commit } = await world.machine();
    const [mine, theirs] = [await commit('mine'), await world.commit('theirs')];
    if (there !== undefined) await world.set('choo/unit', theirs);
    const error = await failure(
      branches.publish('choo/unit', mine, expected === 'base' ? world.base : undefined),
    );
    expect(error).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('`choo/unit`') as string,
      hint: expect.stringContaining(expected === 'base' ? world.base : 'no such branch') as string,
    });
    expect(await world.at('choo/unit')).toBe(there === undefined ? undefined : theirs);
  });

  test.each([
    ['from nothing', false],
    ['from the same commit', true],
  ])('is won by exactly one of ten at once, %s', async (_, isThere) => {
    await using world = await remoteWorld();
    const { commit, home } = await world.machine();
    if (isThere) await world.set('choo/unit', world.base);
    const commits = await Promise.all(Array.from({ length: 10 }, async (_, index) => commit(`try ${index}`)));
    const expected = isThere ? world.base : undefined;
    const results = await Promise.allSettled(
      commits.map(async (head) => connect(world.remote, home).publish('choo/unit', head, expected)),
    );
    const won = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [commits[index]] : []));
    expect(won).toEqual([await world.at('choo/unit')]);
    const codes = results.flatMap((each) =>
      each.status === 'rejected' ? [each.reason instanceof ChooError && each.reason.code] : [],
    );
    expect(codes).toEqual(Array.from({ length: 9 }, () => 'conflict'));
  });

  test.each([
    ['above', 'choo', 'choo/unit/main/api'],
    ['below', 'choo/unit/main/api', 'choo/unit'],
  ])('says which branch %s leaves no room, without a second try', async (_, there, wanted) => {
    await using world = await servedWorld();
    const { branches, commit } = world.client;
    await world.set(there, world.base);
    const error = await failure(branches.publish(wanted, await commit('mine'), undefined));
    expect(error.code).toBe('conflict');
    expect(error.message).toBe(`the branch \`${there}\` leaves no room for \`${wanted}\``);
    expect(world.server.begun()).toBe(2); // the push, and a look at where the branch stands
    expect(await world.at(wanted)).toBeUndefined();
  });
});

describe('a host that refuses', () => {
  /** Lets the remote run this before it takes a push. Its runs are counted in a file. */
  async function refuse(world: World, words: string): Promise<() => Promise<number>> {
    const [hook, count, text] = ['hooks/pre-receive', 'count', 'text'].map((name) =>
      join(world.remote, name),
    );
    if (hook === undefined || count === undefined || text === undefined) throw new Error('unreachable');
    await mkdir(join(world.remote, 'hooks'), { recursive: true });
    await writeFile(text, words);
    await writeFile(hook, `#!/bin/sh\necho run >> '${count}'\ncat '${text}' >&2\nexit 1\n`);
    await chmod(hook, 0o755);
    return async () => (await readFile(count, 'utf8')).split('run').length - 1;
  }

  test.each(['path', 'server'])('is told in its own words, and not asked again (%s)', async (way) => {
    await using world = await servedWorld();
    const { branches, commit } = way === 'path' ? await world.machine('other') : world.client;
    const runs = await refuse(world, 'RULE 7: no \u001b[31mbranches\u001b[0m\u0007 on \u202eFridays\n');
    const error = await failure(branches.publish('choo/unit', await commit('one'), undefined));
    expect(error.code).toBe('git');
    expect(error.message).toMatch(/`choo\/unit`.*RULE 7: no .*branches.* on +Fridays/);
    expect(error.message).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(await runs()).toBe(1);
    expect(await world.at('choo/unit')).toBeUndefined();
  });

  test.each([
    ['long words', 'no '.repeat(100_000)],
    [
      'words that sound like a network',
      'error: RPC failed; connection reset, the remote end hung up, timed out\n',
    ],
    ['words that sound like a race', 'stale info, non-fast-forward, fetch first\n'],
  ])('with %s is told once, within bounds', async (_, words) => {
    await using world = await remoteWorld();
    const { branches, commit } = await world.machine();
    const runs = await refuse(world, words);
    const error = await failure(branches.publish('choo/unit', await commit('one'), undefined));
    expect(error.code).toBe('git');
    expect(error.message).toContain(words.slice(0, 20).trim());
    expect(error.message.length).toBeLessThan(1_200);
    expect(await runs()).toBe(1);
  });

  test('by a setting against rewinding is no conflict', async () => {
    await using world = await remoteWorld();
    const { branches, commit } = await world.machine();
    await git(world.remote, 'config', 'receive.denyNonFastForwards', 'true');
    await world.set('choo/unit', world.base);
    const error = await failure(branches.publish('choo/unit', await commit('elsewhere'), world.base));
    expect(error.code).toBe('git');
  });
});

describe('a network', () => {
  type Served = Awaited<ReturnType<typeof servedWorld>>;
  /** What is done over it, how many answers that takes, and whether it had its effect. */
  const WORK = [
    {
      name: 'fetch',
      answers: 3,
      work: async ({ client, commit, set }: Served): Promise<boolean> => {
        const head = await commit(String(performance.now()));
        await set('main', head);
        await client.branches.fetch();
        return (await client.branches.fetchedHead('main')) === head;
      },
    },
    {
      name: 'look',
      answers: 2,
      work: async ({ client, at }: Served): Promise<boolean> =>
        (await client.branches.head('main')) === (await at('main')),
    },
    {
      name: 'push',
      answers: 2,
      work: async ({ client, at }: Served): Promise<boolean> => {
        const head = await client.commit(String(performance.now()));
        const branch = `choo/${head}`;
        await client.branches.publish(branch, head, undefined);
        return (await at(branch)) === head;
      },
    },
  ];

  test.each(WORK)(
    'that is unavailable for a while, or cuts an answer in its middle, delays a $name',
    async ({ work, answers }) => {
      await using world = await servedWorld();
      const { server } = world;
      server.fail(TRIES - 1);
      expect(await work(world)).toBe(true);
      expect(server.begun()).toBe(TRIES);
      for (let nth = 1; nth <= answers; nth += 1) {
        const before = server.begun();
        server.cut(nth);
        expect(await work(world), `answer ${nth}`).toBe(true);
        expect(server.begun() - before, `answer ${nth}`).toBe(2);
      }
    },
  );

  test('that loses the answer to a push has published', async () => {
    await using world = await servedWorld();
    const { branches, commit } = world.client;
    const head = await commit('one');
    world.server.losePush();
    await branches.publish('choo/unit', head, undefined);
    expect(await world.at('choo/unit')).toBe(head);
    const next = await commit('two');
    world.server.losePush();
    await branches.publish('choo/unit', next, head);
    expect(await world.at('choo/unit')).toBe(next);
  });

  test.each(WORK)('that stays away ends a $name as trouble of the environment', async ({ name, work }) => {
    await using world = await servedWorld();
    world.server.fail(100);
    const error = await failure(work(world));
    expect(error.code).toBe('environment');
    expect(error.message).toContain(world.url);
    expect(error.message).toContain('503');
    expectNoSecret(inspect(error, { depth: Infinity, showHidden: true }), world.server);
    // After a push, whatever became of it, the branch is looked at.
    expect(world.server.begun()).toBe(name === 'push' ? 2 * TRIES : TRIES);
  });

  test('without anybody at the other end is trouble of the environment', async () => {
    await using world = await servedWorld();
    await world.server[Symbol.asyncDispose]();
    const error = await failure(world.client.branches.fetch());
    expect(error.code).toBe('environment');
    expectNoSecret(inspect(error, { depth: Infinity, showHidden: true }), world.server);
  });
});

describe('credentials', () => {
  test('reach the server in every request, and no argument or file', async () => {
    await using world = await servedWorld();
    const { branches, commit, home } = world.client;
    const held = world.server.hold('/git-upload-pack');
    const fetching = branches.fetch();
    await held.ready;
    const lines = (
      await Promise.all(
        (await readdir('/proc'))
          .filter((name) => /^\d+$/.test(name))
          .map(async (id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
      )
    ).join('\n');
    held.release();
    await fetching;
    expect(lines).toContain(world.url); // the look was at the right moment
    expectNoSecret(lines, world.server);
    await branches.publish('choo/unit', await commit('one'), undefined);
    expect(world.server.requests.length).toBeGreaterThan(4);
    for (const { authorization } of world.server.requests)
      expect(authorization).toBe(world.server.authorization);
    for (const entry of await readdir(home, { recursive: true, withFileTypes: true }))
      if (entry.isFile())
        expectNoSecret(await readFile(join(entry.parentPath, entry.name), 'latin1'), world.server);
  });

  test('are asked for each time, once more where they are not believed, and then no more', async () => {
    await using world = await servedWorld();
    const { settings, origin } = world.server;
    const wrong = Buffer.from('choo:expired-token').toString('base64');
    const stale = { [`http.${origin}/.extraHeader`]: `Authorization: Basic ${wrong}` };
    const given: (readonly [asked: boolean, settings: Readonly<Record<string, string>>])[] = [
      [false, stale],
      [true, stale], // the new one is no better
      [false, stale],
      [true, settings], // it had ended
    ];
    const asked: boolean[] = [];
    const { branches } = await world.machine('other', world.url, async (renew) => {
      asked.push(renew);
      return given.shift()?.[1] ?? {};
    });
    const expected = given.map(([renew]) => renew);
    const before = world.server.begun();
    const error = await failure(branches.fetch());
    expect(error.code).toBe('git');
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(wrong);
    expect(world.server.begun()).toBe(before + 2);
    await branches.fetch();
    expect(asked).toEqual(expected);
    expect(await branches.fetchedHead('main')).toBe(world.base);
  });

  test('do not follow a redirect to another server', async () => {
    await using world = await servedWorld();
    await using other = await startGitServer(world.path);
    const { branches, commit } = world.client;
    const location = `${other.origin}/remote.git/info/refs?service=git-upload-pack`;
    const head = await commit('one');
    for (const status of [301, 302, 307, 308]) {
      world.server.fail(1, status, { location });
      const error = await failure(branches.fetch());
      expect(error.code).toBe('git');
      expectNoSecret(inspect(error, { depth: Infinity, showHidden: true }), world.server);
      world.server.fail(1, status, { location: location.replace('upload', 'receive') });
      await failure(branches.publish('choo/unit', head, undefined));
    }
    expect(other.requests).toEqual([]);
    expect(await branches.fetchedHead('main')).toBeUndefined();
  });
});

describe('the form of a remote', () => {
  test.each([
    ['https://host.example/team/project.git', 'https://host.example/team/project.git'],
    ['https://host.example/team/project/', 'https://host.example/team/project'],
    ['https://host.example/team/project///', 'https://host.example/team/project'],
    ['HTTPS://Host.Example:443/team/project', 'https://host.example/team/project'],
    ['https://host.example:8443/x', 'https://host.example:8443/x'],
    ['ssh://git@host.example/x.git', 'ssh://git@host.example/x.git'],
    ['ssh://host.example:2222/x/', 'ssh://host.example:2222/x'],
    ['ssh://git@[::1]:22/x', 'ssh://git@[::1]:22/x'],
    ['git@host.example:team/project.git', 'git@host.example:team/project.git'],
    ['git@host.example:team/project/', 'git@host.example:team/project'],
    ['/srv/git/x.git', '/srv/git/x.git'],
    ['/srv//git/./y/../x.git//', '/srv/git/x.git'],
    ['/', '/'],
    ['file:///srv/git/x.git', '/srv/git/x.git'],
    ['file:///srv/git/x.git/', '/srv/git/x.git'],
    ['http://localhost:3000/x', 'http://localhost:3000/x'],
    ['http://127.0.0.1/x/', 'http://127.0.0.1/x'],
    ['http://[::1]:3000/x', 'http://[::1]:3000/x'],
  ])('%s is %s', (text, expected) => {
    expect(normalizeRemote(text)).toBe(expected);
    expect(normalizeRemote(expected)).toBe(expected);
  });

  test.each([
    '',
    '.',
    'project',
    './project',
    '../project.git',
    'host.example:project',
    'ext::sh',
    'ext::sh -c true',
    'helper::x',
    'helper::https://host.example/x',
    'git@host::x',
    'fd::17',
    '-oProxyCommand=true',
    '--upload-pack=true',
    'ssh://-oProxyCommand=true/x',
    'ssh://-oProxyCommand=true@host/x',
    'ssh://%2doProxyCommand=true/x',
    'git://host.example/x',
    'ftp://host.example/x',
    'javascript:x',
    'file://host.example/x',
    'file:///srv/x?y',
    'file:///srv%2fx',
    'file:///srv/x%0ay',
    'http://example.com/x',
    'http://localhost.example.com/x',
    'http://127.0.0.1.example.com/x',
    'https://host.example/x?y',
    'https://host.example/x?',
    'https://host.example/x#y',
    'https://host.example/x%0ay',
    'https://host.example/x y',
    'https://host.example/x\n',
    '/srv/x\u001b[31m',
    '/srv/x\0y',
    'git@host.example:x\ny',
  ])('%j is refused', (text) => {
    const refused = (): string => normalizeRemote(text);
    expect(refused).toThrow(ChooError);
    expect(refused).toThrow(expect.objectContaining({ code: 'usage' }));
    // It is printed to terminals.
    expect(refused).toThrow(/^[^\p{Cc}]*$/u);
  });

  test('refuses what a terminal would take for a command', () => {
    expect(() => normalizeRemote('/srv/x\u009b31m')).toThrow(/^[^\p{Cc}]*$/u);
  });

  test.each([
    'https://user:hunter2@host.example/x',
    'https://hunter2@host.example/x',
    'https://user:hunter2@host.example:port/x',
    'https://user:hun@hunter2/x@host.example/x',
    'https:\\\\user:hunter2@host.example',
    'http://user:hunter2@localhost/x',
    'ssh://user:hunter2@host.example/x',
    'ftp://user:hunter2@host.example/x',
    'user:hunter2@host.example:x',
    'https://user:hunter2@host.example/\n',
    'helper::https://user:hunter2@host.example/x',
    '-https://user:hunter2@host.example/x',
    'https://host.example/x?access_token=hunter2',
    'https://host.example/x#hunter2',
  ])('%j is refused and its secret is not repeated', (text) => {
    let thrown: unknown;
    try {
      normalizeRemote(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'usage' });
    expect(
      inspect(thrown, { depth: Infinity, showHidden: true }).replaceAll(import.meta.filename, ''),
    ).not.toContain('hunter2');
  });
});

describe('packing', () => {
  /** The number of objects that are files of their own, and of those in packs. */
  async function count(cache: string): Promise<{ loose: number; packed: number }> {
    const lines = await git(cache, 'count-objects', '-v');
    const of = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(lines)?.[1]);
    return { loose: of('count'), packed: of('in-pack') };
  }

  test('leaves few files alone', async () => {
    await using world = await remoteWorld();
    const { branches, cache, repository } = await world.machine();
    await branches.fetch();
    const before = await count(cache);
    await repository.pack();
    expect(await count(cache)).toEqual(before);
  });

  test('packs thousands, keeps what is young and not referred to, and what stands on it', async () => {
    await using world = await remoteWorld();
    const { branches, cache, repository, commit } = await world.machine();
    // Thousands of small files on a branch, and a few on the one that is worked on.
    const files = Array.from({ length: 4_000 }, (_, index) => index);
    const commitOf = (branch: string, count: number): string =>
      [
        `commit refs/heads/${branch}\ncommitter t <t@localhost> 1700000000 +0000\ndata <<end\nx\nend\n`,
        ...files.slice(0, count).map((index) => `M 100644 :${index + 1} ${index % 20}/${index}\n`),
      ].join('');
    const blobs = files.map((index) => `blob\nmark :${index + 1}\ndata <<end\nfile ${index}\nend\n`);
    await execa('git', ['-C', world.remote, 'fast-import', '--quiet', '--force'], {
      input: [...blobs, commitOf('many', files.length), commitOf('main', 5)].join(''),
    });
    const head = await git(world.remote, 'rev-parse', 'main');
    // They come one file each, and nobody waits for the disk.
    await git(cache, 'config', 'fetch.unpackLimit', '100000');
    await git(cache, 'config', 'core.fsync', 'none');
    await branches.fetch();
    const worktrees = new WorktreeManager(repository, SEARCH_PATH);
    const worktree = await worktrees.create('before', head);
    const young = await commit('young');
    const old = await git(cache, 'commit-tree', '-m', 'old', `${young}^{tree}`);
    const oldFile = join(cache, 'objects', old.slice(0, 2), old.slice(2));
    const monthAgo = new Date(Date.now() - 30 * 24 * 60 * 60_000);
    await chmod(oldFile, 0o644);
    await utimes(oldFile, monthAgo, monthAgo);
    expect((await count(cache)).loose).toBeGreaterThan(4_000);

    await repository.pack();

    const { loose, packed } = await count(cache);
    expect(packed).toBeGreaterThan(4_000);
    expect(loose).toBeLessThan(10);
    expect(await git(cache, 'cat-file', '-t', young)).toBe('commit');
    await expect(git(cache, 'cat-file', '-t', old)).rejects.toThrow(old);
    // Who read before goes on reading, and so does who works.
    expect(await repository.reader.info([head, young])).toMatchObject([
      { type: 'commit' },
      { type: 'commit' },
    ]);
    expect(await git(worktree.path, 'status', '--porcelain')).toBe('');
    await writeFile(join(worktree.path, 'new'), 'new');
    const tree = await worktree.stage();
    const made = await git(cache, 'commit-tree', '-p', head, '-m', 'after', tree);
    await branches.publish('choo/unit', made, undefined);
    expect(await world.at('choo/unit')).toBe(made);
    expect(await git(world.remote, 'fsck', '--strict', '--no-dangling')).toBe('');
  });
});
