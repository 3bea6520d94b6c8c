import { afterAll, beforeAll, expect, test } from 'vitest';
import { haveSpecsChanged } from '../../../../src/git/objects/unit-specs.ts';
import { commitFiles, git, type GitWorld, gitWorld } from '../../../helpers/git-repository.ts';
import { planText, taskText } from '../../../helpers/memory-tree.ts';

const TASK = taskText({}, '# Step\n\nstatus: of this text\n');
let world: GitWorld;
beforeAll(async () => {
  world = await gitWorld({
    'specs/api/IMPLEMENTATION_PLAN.md': planText(),
    'specs/api/01-a.md': TASK,
    'specs/web/01-a.md': TASK,
  });
});
afterAll(async () => world[Symbol.asyncDispose]());

test.each<[string, Readonly<Record<string, string>>, boolean]>([
  ['no other file', { 'README.md': 'x', 'specs/web/01-a.md': 'x' }, false],
  ['not progress', { 'specs/api/01-a.md': TASK.replace('status: pending', 'status: complete') }, false],
  [
    'nor progress that was not there before',
    { 'specs/api/IMPLEMENTATION_PLAN.md': planText({ depends_on: '[]', orch_status: 'complete' }) },
    false,
  ],
  ['a gate', { 'specs/api/01-a.md': TASK.replace('npm test', 'true') }, true],
  [
    'a text, also where it looks like progress',
    { 'specs/api/01-a.md': TASK.replace('of this', 'of that') },
    true,
  ],
  ['another task', { 'specs/api/02-b.md': TASK }, true],
  ['a text whose front matter has no end', { 'specs/api/01-a.md': TASK.replace('\n---\n', '\n') }, true],
])('the specs of a unit are changed by %s', async (_, files, is) => {
  const after = await commitFiles(world.user, files);
  await git(world.user, 'reset', '--quiet', '--hard', world.head);
  expect(await haveSpecsChanged(world.repository.reader, 'specs/api', [world.head, after])).toBe(is);
});
