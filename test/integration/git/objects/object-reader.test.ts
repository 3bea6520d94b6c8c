import { expect, test } from 'vitest';
import { gitServing } from '../../../helpers/git-processes.ts';
import { gitWorld } from '../../../helpers/git-repository.ts';

const POLL = { interval: 10, timeout: 10_000 };
const NONE = '0'.repeat(40);

test('a reader whose git was killed reads on', async () => {
  await using world = await gitWorld({ 'a.txt': 'A\n', 'big.bin': Buffer.alloc(8_000_000, 7) });
  const { reader, git } = world.repository;
  const blob = (await git.run('rev-parse', `${world.head}:a.txt`)).trim();
  const big = (await git.run('rev-parse', `${world.head}:big.bin`)).trim();
  expect(await reader.info([blob])).toMatchObject([{ id: blob, type: 'blob' }]);

  // While nothing is asked.
  for (const pid of gitServing(world.repository.git.directory)) process.kill(pid, 'SIGKILL');
  await expect.poll(() => gitServing(git.directory), POLL).toEqual([]);
  expect(String((await reader.contents([blob]))[0])).toBe('A\n');
  expect(await reader.info([NONE, blob])).toMatchObject([undefined, { id: blob }]);

  // While answers are on their way.
  const asked = [reader.contents([big, blob]), reader.info([blob]), reader.contents([big])];
  for (const pid of gitServing(git.directory)) process.kill(pid, 'SIGKILL');
  const [both, info, one] = await Promise.all(asked);
  expect(both).toMatchObject([{ length: 8_000_000 }, { length: 2 }]);
  expect(info).toMatchObject([{ id: blob }]);
  expect(one).toMatchObject([{ length: 8_000_000 }]);
  expect(gitServing(git.directory)).toHaveLength(1);

  // And after its end it starts nothing any more.
  await reader[Symbol.asyncDispose]();
  await expect(reader.info([blob])).rejects.toMatchObject({ code: 'git' });
  expect(gitServing(git.directory)).toEqual([]);
});
