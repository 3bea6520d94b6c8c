import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppWorld, makeAppWorld } from '../../helpers/app-world.ts';
import { git } from '../../helpers/git-repository.ts';
import { projectFiles } from '../../helpers/spec-project.ts';

/** Every object that git inside the worktree can read, searched for what only the first repository holds. */
const LOOK = `git cat-file --batch-all-objects --batch | grep -a -o 'PRIVATE-[a-z][a-z]*' | sort -u > found.txt
wc -l < found.txt > lines.txt`;

const first = (owner: string, name: string) => ({
  owner,
  name,
  files: projectFiles({
    units: { mark: { tasks: [{ gate: 'test -f mark', sh: 'touch mark' }] } },
    files: { 'private.txt': `PRIVATE-${name}\n` },
  }),
  collaborators: { alice: 'write' as const },
  private: true,
});
const second = (owner: string, name: string, installation?: null) => ({
  owner,
  name,
  files: projectFiles({
    units: { look: { tasks: [{ gate: 'test -f lines.txt', sh: LOOK }] } },
    files: { 'own.txt': `OWN-${name.replace('-next', '')}\n` },
  }),
  collaborators: { alice: 'write' as const },
  ...(installation === undefined ? {} : { installation }),
});

describe('a repository that takes over a name', () => {
  let world: AppWorld;
  beforeAll(async () => {
    world = await makeAppWorld(
      { units: {} },
      {
        others: [
          first('team', 'one'),
          second('team', 'one-next'),
          first('team', 'two'),
          second('rival', 'two', null),
          first('team', 'three'),
          second('rival', 'three', null),
          second('crew', 'spare'),
          first('guild', 'four'),
          second('taker', 'four'),
        ],
      },
    );
    await world.start();
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  /** Has all units of a repository carried out, and waits until that is told. */
  async function run(repo: string): Promise<void> {
    const alice = world.github.as('alice');
    const issue = await alice.createIssue(repo, { title: 'Do it' });
    await alice.comment(repo, issue, '/choo run');
    await expect
      .poll(async () => (await world.github.state(repo)).comments.map(({ body }) => body).join('\n'), {
        timeout: 60_000,
      })
      .toContain('<!-- choo:end');
  }

  /** The copies on this machine that hold a blob with this text. */
  async function holders(text: string): Promise<readonly string[]> {
    const root = join(world.dataDirectory, 'repositories');
    const found: string[] = [];
    for (const name of await readdir(root)) {
      const cache = join(root, name, 'cache.git');
      const words = ['cat-file', '--batch-all-objects', '--batch', '--unordered'];
      const objects = await git(root, '--git-dir', cache, ...words).catch(() => '');
      if (objects.includes(text)) found.push(name);
    }
    return found;
  }

  test.each([
    {
      how: 'after a rename',
      name: 'one',
      taken: 'team/one',
      take: async () => {
        await world.github.rename('team/one', 'one-then');
        await world.github.rename('team/one-next', 'one');
      },
      held: 1,
    },
    {
      how: 'after a deletion',
      name: 'two',
      taken: 'team/two',
      take: async () => {
        world.github.deleteRepository('team/two');
        await world.github.settled();
        await expect.poll(async () => holders('PRIVATE-two')).toEqual([]);
        world.github.transfer('rival/two', 'team');
      },
      held: 0,
    },
    {
      how: 'after a transfer',
      name: 'three',
      taken: 'team/three',
      take: async () => {
        world.github.transfer('team/three', 'crew');
        world.github.transfer('rival/three', 'team');
      },
      held: 0,
    },
    {
      how: 'that its account gave up',
      name: 'four',
      taken: 'guild/four',
      take: async () => {
        world.github.renameAccount('guild', 'guild-then');
        world.github.renameAccount('taker', 'guild');
      },
      held: 1,
    },
  ])('$how cannot read what the first one holds', async ({ name, taken, take, held }) => {
    await run(taken);
    const secret = `PRIVATE-${name}`;
    expect(await holders(secret)).toHaveLength(1);
    await take();
    await world.github.settled();
    await run(taken);

    const look = async (file: string) =>
      git(world.github.bare(taken), 'show', `refs/heads/choo/unit/main/look:${file}`);
    expect(await look('lines.txt')).toMatch(/^\d+$/);
    expect(await look('found.txt')).toBe('');
    const own = await holders(`OWN-${name}`);
    expect(own).toHaveLength(1);
    expect(await holders(secret)).not.toContain(own[0]);
    await expect.poll(async () => (await holders(secret)).length).toBe(held);
  });
});
