import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../src/events/event.ts';
import { treeOf } from '../../../src/git/objects/tree-object.ts';
import { RemoteBranches } from '../../../src/git/remote-branches.ts';
import { Repository } from '../../../src/git/repository.ts';
import { taskTrailers } from '../../../src/worker/task-loop.ts';
import { UnitBranch } from '../../../src/worker/unit-branch.ts';
import { git } from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const RUN = 'run0000001';
const BRANCH = 'choo/unit/main/api';
const words = (body: string, run = RUN, unit = 'api') => ({
  subject: 'Step',
  body,
  trailers: taskTrailers({ run, unit, task: '1', attempt: 1, gate: 'true' }),
});

/** A remote with one commit, and machines that work for the same unit. */
async function makeRemote() {
  const stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory());
  const [remote, user] = [join(place.path, 'remote.git'), join(place.path, 'user')];
  await git(place.path, 'init', '--quiet', '--bare', remote);
  await git(place.path, 'init', '--quiet', '--initial-branch=main', user);
  await git(user, 'commit', '--quiet', '--allow-empty', '--message=first');
  await git(user, 'push', '--quiet', remote, 'main');
  const base = await git(user, 'rev-parse', 'main');
  const path = process.env['PATH'] ?? '';
  const machine = async (name: string, pushed?: string) => {
    const home = join(place.path, name);
    const branches = new RemoteBranches(async () => ({ remote, settings: {} }), home, path);
    const repository = stack.use(await Repository.openRemote(home, path, branches));
    await branches.fetch();
    const events: EventBody[] = [];
    const services = {
      repository,
      append: (event: EventBody) => void events.push(event),
      recorded: async () => {},
    };
    const job = {
      run: RUN,
      unit: { id: 'api' },
      directory: '',
      branch: BRANCH,
      base,
      start: pushed ?? base,
      pushed,
    };
    const branch = new UnitBranch(job, services, await treeOf(repository.reader, pushed ?? base));
    const push = async (said: ReturnType<typeof words>): Promise<string> => {
      const made = await branch.make(branch.tree, [], said);
      await branch.push(made);
      return made.commit;
    };
    return { events, push };
  };
  return {
    machine,
    head: async () => git(remote, 'rev-parse', BRANCH),
    removeBranch: async () => git(remote, 'update-ref', '-d', `refs/heads/${BRANCH}`),
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}

const GIVEN_BACK = {
  end: { kind: 'released', reason: 'the branch was moved by an earlier claim of this run', until: null },
};
const NEEDS_HUMAN = { end: { kind: 'failed', failure: 'needs-human' } };

describe('a push that is refused', () => {
  test('because another machine pushed late for the same run: the unit is given back', async () => {
    await using world = await makeRemote();
    const [early, now] = [await world.machine('early'), await world.machine('now')];
    const late = await early.push(words('Late.'));
    await expect(now.push(words('Now.'))).rejects.toMatchObject(GIVEN_BACK);
    expect(now.events).toEqual([]);
    expect(await world.head()).toBe(late);
  });

  test('also where both go on from work that was there', async () => {
    await using world = await makeRemote();
    const first = await (await world.machine('first')).push(words('First.'));
    const [early, now] = [await world.machine('early', first), await world.machine('now', first)];
    await now.push(words('Now.'));
    await expect(early.push(words('Early.'))).rejects.toMatchObject(GIVEN_BACK);
    await expect(early.push(words('Early.'))).rejects.toMatchObject(GIVEN_BACK);
  });

  test.each([
    ['by another run', words('Late.', 'run0000002')],
    ['by another unit', words('Late.', RUN, 'web')],
    ['by a person', { ...words('Late.'), trailers: {} }],
  ])('because it was moved %s: somebody has to look', async (_, said) => {
    await using world = await makeRemote();
    const [other, now] = [await world.machine('other'), await world.machine('now')];
    const moved = await other.push(said);
    await expect(now.push(words('Now.'))).rejects.toMatchObject(NEEDS_HUMAN);
    expect(await world.head()).toBe(moved);
  });

  test('because it is gone, or elsewhere than it was left: somebody has to look', async () => {
    await using world = await makeRemote();
    const now = await world.machine('now');
    await now.push(words('Now.'));
    await world.removeBranch();
    await expect(now.push(words('Again.'))).rejects.toMatchObject(NEEDS_HUMAN);
    await (await world.machine('other')).push(words('Not on top of it.'));
    await expect(now.push(words('Again.'))).rejects.toMatchObject(NEEDS_HUMAN);
  });
});
