import { expect, test } from 'vitest';
import { describeUnitExcess } from '../../../../src/git/objects/changed-size.ts';
import { diffTrees } from '../../../../src/git/objects/tree-object.ts';
import { git, gitWorld } from '../../../helpers/git-repository.ts';
import { makeBomb } from '../../../helpers/tree-bomb.ts';

test.each([
  [{ width: 100, depth: 1, bytes: 1024 }, undefined],
  [{ width: 20_001, depth: 1 }, 'the unit has 20001 new or changed files; it may change 20000'],
  [
    { width: 1_100, depth: 1, bytes: 1024 ** 2 },
    'the unit has 1.1 GiB of new or changed files; it may change 1.0 GiB',
  ],
])('what a unit changed in all is counted: %j', async (size, expected) => {
  await using world = await gitWorld({ 'a.txt': 'A' });
  const { user, head, repository } = world;
  const { tree } = await makeBomb(user, { ...size, on: head });
  const before = await git(user, 'rev-parse', `${head}^{tree}`);
  const changes = await diffTrees(repository.reader, before, tree);
  expect(await describeUnitExcess(repository.reader, changes)).toBe(expected);
});
