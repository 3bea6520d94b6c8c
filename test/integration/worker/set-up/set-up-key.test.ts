import { describe, expect, test } from 'vitest';
import { DEFAULT_CONFIG } from '../../../../src/config/schema.ts';
import { findSetUpKeys, type SetUpKeys } from '../../../../src/worker/set-up/set-up-key.ts';
import { gitWorld } from '../../../helpers/git-repository.ts';

const LONG = { timeout: 240_000 };
type SetUp = (typeof DEFAULT_CONFIG)['worktree']['setup'];

/** The keys of a set-up in a repository with these files, on a machine that says this of itself. */
async function keysOf(
  files: Readonly<Record<string, string>>,
  setup: SetUp,
  { machine = 'machine', directory = '', setUpScope = '', env = {}, setUpSecrets = {} } = {},
): Promise<SetUpKeys> {
  await using world = await gitWorld(files);
  const sandbox = { describe: async () => machine } as unknown as Parameters<
    typeof findSetUpKeys
  >[1]['sandbox'];
  const config = { ...DEFAULT_CONFIG, env, worktree: { ...DEFAULT_CONFIG.worktree, setup } };
  return await findSetUpKeys(
    { config, directory, setUpScope },
    { repository: world.repository, sandbox, setUpSecrets },
    world.head,
  );
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
    const keys = await Promise.all([
      keysOf(files, setup),
      keysOf({ ...files, lock: 'b' }, setup),
      keysOf({ ...files, 'lib/one': '2' }, setup),
      keysOf({ ...files, 'lib/two': '1' }, setup),
      keysOf({ ...files, lock: 'a1', 'lib/one': '' }, setup),
      keysOf({ ...rest, lock: '1', 'lib/one': 'a' }, setup),
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

  test('is that of all files where an input is a link, or inputs are not said', LONG, async () => {
    const unsaid = [{ command }, { command: 'true', inputs }];
    const [first, second] = await Promise.all([
      keysOf(files, unsaid),
      keysOf({ ...files, other: 'y' }, unsaid),
    ]);
    expect(first.shared).not.toBe(second.shared);
    expect(first.shared).toBe(first.own);
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
