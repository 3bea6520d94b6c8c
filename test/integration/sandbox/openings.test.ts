import { chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ExecResult, type Execution, PROJECT } from '../../../src/sandbox/sandbox.ts';
import { whyNoBubblewrap } from '../../fixtures/sandbox/missing.ts';
import { HAS_INOTIFYWAIT } from '../../helpers/sandboxes.ts';
import { describeAsEachUser } from '../../helpers/each-user.ts';

const missing =
  whyNoBubblewrap() ?? (HAS_INOTIFYWAIT ? undefined : 'inotifywait is not installed (inotify-tools)');

describeAsEachUser('what a command opens', missing, (place) => {
  const NAMES = ['one', 'two', 'a name', 'sub/three', 'new\nline'];
  async function run(name: string, script: string, more: Partial<Execution> = {}): Promise<ExecResult> {
    const [worktree, beside] = ['worktree', 'beside'].map((each) =>
      join(place.world.repository, '..', `${each}-${name}`),
    );
    if (worktree === undefined || beside === undefined) throw new Error('two names');
    for (const path of [worktree, beside, join(worktree, 'sub')]) await mkdir(path, { recursive: true });
    for (const each of NAMES) await writeFile(join(worktree, each), 'x');
    for (const path of [worktree, beside]) await chown(path, place.actor.uid, place.actor.uid);
    const sandbox = place.actor.sandbox('bubblewrap');
    await sandbox.chownToSandboxUser(worktree);
    const result = await sandbox.exec(
      { worktree, readable: [], beside },
      {
        profile: 'gate',
        argv: ['bash', '-c', script],
        cwd: worktree,
        totalMs: 60_000,
        discards: 'all',
        watched: NAMES,
        ...more,
      },
    );
    expect(await readdir(beside)).toEqual(['home']);
    return result;
  }

  test('is recorded, in any process, to the last one, and nothing else', { timeout: 120_000 }, async () => {
    const { ending, openings } = await run(
      'opens',
      `cat one sub/three > /dev/null; test -e two; ls > /dev/null; (node -e 'require("fs").readFileSync("${PROJECT}/a name")')`,
    );
    expect(ending).toEqual({ kind: 'exited', exitCode: 0 });
    expect(openings).toEqual({ kind: 'recorded', paths: ['one', 'a name', 'sub/three'] });
  });

  test('is nothing where it opens nothing, and its status is its own', { timeout: 120_000 }, async () => {
    const { ending, openings, tail } = await run('nothing', 'echo said; exit 7');
    expect(ending).toEqual({ kind: 'exited', exitCode: 7 });
    expect(openings).toEqual({ kind: 'recorded', paths: [] });
    expect(tail).toBe('said\n');
  });

  test(
    'is recorded where files are replaced, and two do the same at once',
    { timeout: 120_000 },
    async () => {
      const each = ['first', 'second'].map(async (name) =>
        run(name, 'echo y > new; mv new one; cat one; cat two > /dev/null'),
      );
      for (const { openings, tail } of await Promise.all(each)) {
        expect(tail).toBe('y\n');
        expect(openings).toMatchObject({ kind: 'recorded', paths: ['two'] });
      }
    },
  );

  test(
    'is recorded of a command that is over its time, too, and does not keep it',
    { timeout: 120_000 },
    async () => {
      const { ending, openings } = await run('late', 'cat one > /dev/null; sleep 60 & wait', {
        totalMs: 3_000,
      });
      expect(ending).toMatchObject({ kind: 'timed-out' });
      expect(openings).toEqual({ kind: 'recorded', paths: ['one'] });
    },
  );

  test('is said to be unknown where the worktree has no layer', { timeout: 120_000 }, async () => {
    const { openings } = await run('plain', 'cat one', { discards: 'home' });
    expect(openings).toEqual({ kind: 'unknown', reason: 'there are no overlays on this machine' });
  });
});
