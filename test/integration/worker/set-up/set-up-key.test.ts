import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_CONFIG } from '../../../../src/config/schema.ts';
import { findSetUpKeys, type SetUpKeys } from '../../../../src/worker/set-up/set-up-key.ts';
import { commitFiles, type GitWorld, gitWorld } from '../../../helpers/git-repository.ts';

const LONG = { timeout: 240_000 };
type SetUp = (typeof DEFAULT_CONFIG)['worktree']['setup'];

/** The keys of a set-up in a repository with these files, on a machine that says this of itself. */
async function keysOf(
  files: Readonly<Record<string, string>>,
  setup: SetUp,
  { machine = 'machine', directory = '', setUpScope = '', env = {}, setUpSecrets = {}, links = {} } = {},
): Promise<SetUpKeys> {
  await using world = await gitWorld(files);
  const head = await commitLinks(world, links);
  const sandbox = { describe: async () => machine } as unknown as Parameters<
    typeof findSetUpKeys
  >[1]['sandbox'];
  const config = { ...DEFAULT_CONFIG, env, worktree: { ...DEFAULT_CONFIG.worktree, setup } };
  return await findSetUpKeys(
    { config, directory, setUpScope },
    { repository: world.repository, sandbox, setUpSecrets },
    head,
  );
}

/** Adds links, path to target, to what a world has. Returns the commit. */
async function commitLinks(
  { user, head }: GitWorld,
  links: Readonly<Record<string, string>>,
): Promise<string> {
  if (Object.keys(links).length === 0) return head;
  for (const [path, target] of Object.entries(links)) {
    await mkdir(dirname(join(user, path)), { recursive: true });
    await symlink(target, join(user, path));
  }
  return commitFiles(user, {});
}

describe('the key of a set-up', () => {
  const inputs = ['lock', 'lib/**'];
  const command = 'sh prepare.sh';
  const files = { lock: 'a', other: 'x', 'lib/one': '1', 'prepare.sh': 'true', '.gitignore': 'out/\n' };

  test('is that of its inputs, however else files differ', LONG, async () => {
    const setup = [{ command, inputs }];
    const { shared, own } = await keysOf(files, setup);
    const same = await keysOf({ ...files, other: 'y', another: '' }, setup);
    expect(same.shared).toBe(shared);
    expect(same.own).not.toBe(own);
  });

  test('holds secrets by name: a new value fetches the same', LONG, async () => {
    const setup = [{ command, inputs }];
    const [one, other] = await Promise.all([
      keysOf(files, setup, { setUpSecrets: { NPM_TOKEN: 'one' } }),
      keysOf(files, setup, { setUpSecrets: { NPM_TOKEN: 'other' } }),
    ]);
    expect(one).toEqual(other);
  });

  test('has no collision that moves bytes between what it is made of', LONG, async () => {
    const setup = [{ command, inputs }];
    const { other: _, ...rest } = files;
    const { 'lib/one': _one, ...withoutOne } = files;
    const keys = await Promise.all([
      keysOf(files, setup),
      keysOf({ ...files, lock: 'b' }, setup),
      keysOf({ ...files, 'lib/one': '2' }, setup),
      keysOf({ ...files, 'lib/two': '1' }, setup),
      keysOf({ ...files, lock: 'a1', 'lib/one': '' }, setup),
      keysOf({ ...rest, lock: '1', 'lib/one': 'a' }, setup),
      keysOf({ ...withoutOne, 'lib/renamed': '1' }, setup),
      keysOf({ ...files, 'prepare.sh': 'false' }, setup), // named by the command
      keysOf({ ...files, '.gitignore': 'out\n' }, setup), // decides what is left behind
      keysOf(files, [
        { command: 'sh', inputs },
        { command: 'prepare.sh', inputs },
      ]),
      keysOf(files, [{ command, inputs: ['lock,lib/**'] }]),
      keysOf(files, [{ command, inputs, if: 'lock' }]),
      keysOf(files, [{ command: `${command} lock`, inputs }]),
      keysOf(files, setup, { machine: 'machine 2' }),
      keysOf(files, setup, { setUpScope: 'commit' }),
      keysOf(files, setup, { env: { A: '1' } }),
      keysOf(files, setup, { env: { A: '2' } }),
      keysOf(files, setup, { setUpSecrets: { NPM_TOKEN: 'x' } }),
    ]);
    expect(new Set(keys.map(({ shared }) => shared)).size).toBe(keys.length);
  });

  test('is that of all files where inputs are not said', LONG, async () => {
    const unsaid = [{ command }, { command: 'true', inputs }];
    const [first, second] = await Promise.all([
      keysOf(files, unsaid),
      keysOf({ ...files, other: 'y' }, unsaid),
    ]);
    expect(first.shared).not.toBe(second.shared);
    expect(first.shared).toBe(first.own);
  });

  test.each([
    ['an input', 'lib/link', '../other', command, ['lib/**']],
    ['what a command names', 'run.sh', 'other', 'sh ./run.sh', ['lock']],
    ['a directory of inputs', 'way', 'lib', command, ['way/**']],
    ['a directory of inputs by a pattern', 'packages/one', '../lib', command, ['packages/*/one']],
    ['a directory of what a command names', 'way', 'lib', 'sh way/one', ['lock']],
  ])('is that of all files where %s is a link', LONG, async (_, link, target, run, patterns) => {
    const setup = [{ command: run, inputs: patterns }];
    const linked = await keysOf(files, setup, { links: { [link]: target } });
    const changed = await keysOf({ ...files, other: 'y', 'lib/one': '2' }, setup, {
      links: { [link]: target },
    });
    expect(linked.isDeclared).toBe(false);
    expect(linked.shared).toBe(linked.own);
    expect(linked.shared).not.toBe(changed.shared);
  });

  test('is that of its inputs where a link is none of them', LONG, async () => {
    const setup = [{ command, inputs: [...inputs, '**/*.lock', '{no,deep/way/**}'] }];
    const keys = await keysOf(files, setup, { links: { 'AGENTS.md': 'other', 'docs/lib': '../lib' } });
    expect(keys.isDeclared).toBe(true);
    expect(keys.shared).toBe((await keysOf(files, setup)).shared);
  });

  test('holds for a week with a known lock file, else for a day', LONG, async () => {
    const day = 86_400_000;
    const at = async (names: string[], inputs?: string[]): Promise<number> =>
      (
        await keysOf(Object.fromEntries(names.map((name) => [name, ''])), [
          inputs ? { command, inputs } : { command },
        ])
      ).maxAgeMs;
    expect(await at(['a/package-lock.json', 'b'])).toBe(7 * day);
    expect(await at(['go.sum', 'b'], ['b'])).toBe(day);
    expect(await at(['go.sum', 'b'], ['go.*'])).toBe(7 * day);
    expect(await at(['requirements.txt'])).toBe(day);
  });
});
