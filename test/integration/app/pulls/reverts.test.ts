import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRevert } from '../../../../src/app/pulls/reverts.ts';
import { git, type GitWorld, gitWorld, writeFiles } from '../../../helpers/git-repository.ts';

const LINES = Array.from({ length: 20 }, (_, line) => `line ${line}`);
const withLine = (at: number, text: string): string =>
  [...LINES.slice(0, at), text, ...LINES.slice(at + 1)].join('\n');

let world: GitWorld;
const run = async (...args: string[]): Promise<string> => git(world.user, ...args);
const head = async (): Promise<string> => run('rev-parse', 'HEAD');
async function commit(files: Readonly<Record<string, string>>, message = 'step'): Promise<string> {
  await writeFiles(world.user, files);
  await run('add', '--all');
  await run('commit', '--quiet', `--message=${message}`);
  return head();
}

/** A branch with two commits of work; returns its head. */
let work: string;
beforeAll(async () => {
  world = await gitWorld({ 'shared.txt': LINES.join('\n'), 'keep.txt': 'keep' });
  await run('checkout', '--quiet', '-b', 'unit');
  await commit({ 'unit.txt': 'made\n' }, 'first');
  work = await commit({ 'shared.txt': withLine(2, 'by the unit') }, 'second');
});
afterAll(async () => world[Symbol.asyncDispose]());

/** The ways in which GitHub merges. */
const METHODS: Readonly<Record<string, () => Promise<void>>> = {
  merge: async () => void (await run('merge', '--quiet', '--no-ff', '--no-edit', work)),
  squash: async () => {
    await run('merge', '--quiet', '--squash', work);
    await run('commit', '--quiet', '--message=squashed');
  },
  rebase: async () => void (await run('cherry-pick', `${world.head}..${work}`)),
};

describe.each(Object.entries(METHODS))('work merged by %s', (method, mergeWork) => {
  const asked = async (merge: string): Promise<string | undefined> =>
    findRevert(world.repository, { merge, head: work, base: world.head }, await head());
  const takeBack = async (merge: string): Promise<string> => {
    const range = method === 'rebase' ? `${merge}~2..${merge}` : merge;
    await run('revert', '--no-commit', ...(method === 'merge' ? ['-m1'] : []), range);
    await run('commit', '--quiet', '--message=something else');
    return head();
  };
  const merged = async (): Promise<string> => {
    await run('checkout', '--quiet', '--detach', world.head);
    await commit({ 'keep.txt': `kept, ${method}` });
    await mergeWork();
    return head();
  };

  test('stays where it is through other commits, whatever they say and touch', async () => {
    const merge = await merged();
    expect(await asked(merge)).toBeUndefined();
    await commit({ 'shared.txt': LINES.join('\n') }, 'the second commit of two');
    expect(await asked(merge)).toBeUndefined();
    await commit({ 'unit.txt': 'made, and changed\n' }, `Revert "squashed"\n\nThis reverts commit ${merge}.`);
    expect(await asked(merge)).toBeUndefined();
    await rm(join(world.user, 'unit.txt'));
    await commit({ 'shared.txt': withLine(2, 'by the unit, nearly') }, 'take a part back');
    expect(await asked(merge)).toBeUndefined();
  });

  test('is taken back by the exact opposite, also beside other lines and files; and comes back with it', async () => {
    const merge = await merged();
    await commit({
      'shared.txt': withLine(2, 'by the unit').replace('line 15', 'by somebody'),
      'more.txt': '',
    });
    await takeBack(merge);
    await writeFiles(world.user, { 'other.txt': 'in the same commit' });
    await run('add', '--all');
    await run('commit', '--quiet', '--amend', '--no-edit');
    const back = await head();
    expect(await asked(merge)).toBe(back);
    await commit({ 'later.txt': '' });
    expect(await asked(merge)).toBe(back);
    await run('revert', '--no-edit', back);
    expect(await asked(merge)).toBeUndefined();
    await run('revert', '--no-edit', 'HEAD');
    expect(await asked(merge)).toBe(await head());
  });

  test('is taken back by the merge of a branch that does it', async () => {
    const merge = await merged();
    const before = await head();
    await takeBack(merge);
    const fix = await head();
    await run('checkout', '--quiet', '--detach', before);
    await commit({ 'meanwhile.txt': '' });
    await run('merge', '--quiet', '--no-ff', '--no-edit', fix);
    expect(await asked(merge)).toBe(await head());
  });
});
