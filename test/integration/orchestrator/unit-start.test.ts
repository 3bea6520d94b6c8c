import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RemoteBranches } from '../../../src/git/remote-branches.ts';
import { Repository } from '../../../src/git/repository.ts';
import { findStart } from '../../../src/orchestrator/unit-start.ts';
import { taskTrailers } from '../../../src/worker/task-loop.ts';
import { git } from '../../helpers/git-repository.ts';
import {
  BRANCH,
  type CommitSpec,
  openUnitWorld,
  RUN,
  SPECS,
  task,
  type UnitWorld,
} from '../../helpers/unit-world.ts';

const trailers = (task: string, { run = RUN, unit = 'api' } = {}) =>
  taskTrailers({ run, unit, task, attempt: 1, gate: 'true' });

describe('a head that nobody recorded is taken over', () => {
  test.each<[string, (world: UnitWorld) => readonly CommitSpec[], readonly number[]]>([
    [
      'when it is one more task of this run',
      ({ written }) => [{ files: { two: '', ...written(2) }, trailers: trailers('2') }],
      [1, 2],
    ],
    [
      'when it is all the rest, with what choo writes at the end',
      ({ written }) => [
        { files: { two: '', ...written(2) }, trailers: trailers('2') },
        { files: { three: '', ...written(3, true) }, trailers: trailers('3') },
      ],
      [1, 2, 3],
    ],
    ['when it is a repair', () => [{ files: { two: '' }, trailers: trailers('baseline') }], [1]],
    ['when it is of a task that is no longer there', () => [{ trailers: trailers('9') }], [1]],
  ])('%s, and its tasks are looked at again', async (_, commits, claimedComplete) => {
    await using world = await openUnitWorld();
    const head = await world.make(world.record.head ?? '', commits(world));
    expect(await world.start({ branchHead: head })).toEqual({
      kind: 'start',
      base: world.head,
      builtOn: {},
      start: head,
      pushed: head,
      claimedComplete,
      takenOver: true,
    });
  });

  test('when there was no branch before it', async () => {
    await using world = await openUnitWorld();
    const head = world.record.head ?? '';
    const known = { head: null, committed: world.head, tasks: [] };
    expect(await world.start({ branchHead: head }, known)).toMatchObject({
      start: head,
      claimedComplete: [1],
      takenOver: true,
    });
  });

  test('when it is built on a commit that this run made and never pushed', async () => {
    await using world = await openUnitWorld();
    const base = await world.make(world.head, [{ files: { new: '' } }]);
    // A new base was merged into the branch: choo's own, and without trailers.
    const committed = await world.make(world.record.head ?? '', [{ files: { new: '' }, merge: true }]);
    const head = await world.make(committed, [{ files: { two: '' }, trailers: trailers('2') }]);
    expect(await world.start({ branchHead: head }, { base, committed })).toMatchObject({
      start: head,
      claimedComplete: [1, 2],
    });
  });

  test('and brought up to its new base, where that has moved', async () => {
    await using world = await openUnitWorld();
    const head = await world.make(world.record.head ?? '', [{ files: { two: '' }, trailers: trailers('2') }]);
    const dependency = await world.make(world.head, [{ files: { other: '' } }]);
    const start = await world.start({
      branchHead: head,
      dependencies: [{ id: 'base', head: dependency }],
    });
    expect(start).toMatchObject({ pushed: head, claimedComplete: [1, 2], takenOver: true });
    const files = await git(world.user, 'ls-tree', '--name-only', 'start' in start ? start.start : '');
    expect(files.split('\n')).toEqual(['check.sh', 'one', 'other', 'specs', 'two']);
  });
});

test('a head that another machine pushed in the last moment is taken over', async () => {
  await using world = await openUnitWorld();
  const { record, question, user } = world;
  const [remote, home, path] = [
    join(world.path, 'remote.git'),
    join(world.path, 'elsewhere'),
    process.env['PATH'] ?? '',
  ];
  await git(world.path, 'init', '--quiet', '--bare', remote);
  const pushes = async (head: string) => git(user, 'push', '--quiet', remote, `${head}:refs/heads/${BRANCH}`);
  await pushes(record.head ?? '');
  const branches = new RemoteBranches(async () => ({ remote, settings: {} }), home, path);
  await using repository = await Repository.openRemote(home, path, branches);
  await branches.fetch();
  const head = await world.make(record.head ?? '', [{ files: { two: '' }, trailers: trailers('2') }]);
  await pushes(head);
  const store = { record: async () => record };
  expect(await findStart({ ...question, branchHead: head }, { repository, store })).toMatchObject({
    start: head,
    claimedComplete: [1, 2],
    takenOver: true,
  });
});

describe('a head that nobody recorded is left to a person', () => {
  const own = (files: CommitSpec['files'], more: CommitSpec = {}): CommitSpec => ({
    ...(files === undefined ? {} : { files }),
    trailers: trailers('2'),
    ...more,
  });
  const own2 = `${SPECS}/02-step.md`;

  test.each<[string, readonly CommitSpec[]]>([
    ['when a person made it', [{ files: { two: '' } }]],
    ['when a person made a commit on the way', [own({ two: '' }), { files: { x: '' } }, own({ three: '' })]],
    ['when it is of another run', [own({ two: '' }, { trailers: trailers('2', { run: 'run0000002' }) })]],
    ['when it is of another unit', [own({ two: '' }, { trailers: trailers('2', { unit: 'web' }) })]],
    [
      'when it names two runs',
      [own({ two: '' }, { trailers: { ...trailers('2'), 'X: y\nChoo-Run': 'run0000002' } })],
    ],
    [
      'when what it says of itself is no trailer',
      [{ files: { two: '' }, body: `Choo-Run: ${RUN}\nChoo-Unit: api\nChoo-Task: 2\n\nBelow.` }],
    ],
    ['when it is a merge', [own({ two: '' }, { merge: true })]],
    ['when it changes a file that a gate names', [own({ two: '', 'check.sh': 'true\n' })]],
    ['when it puts something else in its place', [own({ two: '', 'check.sh/two': '' })]],
    ['when it changes what steers agents', [own({ 'AGENTS.md': 'Do as I say.\n' })]],
    ['when it changes a gate', [own({ [own2]: task(2).replace('sh check.sh 2', 'true') })]],
    ['when it changes the words of a task', [own({ [own2]: task(2).replace('approved', 'forged') })]],
    ['when it breaks a task', [own({ [own2]: 'nothing' })]],
    ['when it puts something else in its place', [own({ [`${own2}/two`]: '' })]],
    ['when it makes a link of a task', [own({ [own2]: { link: '01-step.md' } })]],
    ['when it makes a program of a task', [own({ [own2]: { program: task(2) } })]],
    ['when it adds a task', [own({ [`${SPECS}/04-step.md`]: task(4) })]],
    ['when it changes another unit', [own({ 'specs/tasks/web/01-step.md': task(1) })]],
    ['when it leads out of the repository', [own({ two: { link: '../../secret' } })]],
  ])('%s', async (_, commits) => {
    await using world = await openUnitWorld();
    const head = await world.make(world.record.head ?? '', commits);
    expect(await world.start({ branchHead: head })).toMatchObject({
      kind: 'impossible',
      failure: 'needs-human',
      head,
      message: expect.stringContaining(head.slice(0, 12)),
    });
  });

  test('when it is not built on what is recorded', async () => {
    await using world = await openUnitWorld();
    const head = await world.make(world.head, [own({ two: '' })]);
    expect(await world.start({ branchHead: head })).toMatchObject({ failure: 'needs-human', head });
  });

  test('when this run has not been at the unit yet', async () => {
    await using world = await openUnitWorld();
    const head = await world.make(world.record.head ?? '', [own({ two: '' })]);
    expect(await world.start({ branchHead: head }, { run: 'run0000000' })).toMatchObject({ head });
    const nothing = { repository: world.repository, store: { record: async () => undefined } };
    expect(await findStart({ ...world.question, branchHead: head }, nothing)).toMatchObject({ head });
  });

  test('when more commits than anybody looks at lie between', async () => {
    await using world = await openUnitWorld();
    const many = async (count: number): Promise<string> =>
      world.make(
        world.record.head ?? '',
        Array.from({ length: count }, () => own({})),
      );
    const enough = await many(1_000);
    expect(await world.start({ branchHead: enough })).toMatchObject({ start: enough });
    const oneMore = await world.make(enough, [own({})]);
    expect(await world.start({ branchHead: oneMore })).toMatchObject({ failure: 'needs-human' });
  });
});

describe('a unit whose branch may hold no merge commit', () => {
  const stack = 'rebase' as const;
  const show = async ({ user }: UnitWorld, start: object) => {
    const { start: head = '', base = '' } = start as { start?: string; base?: string };
    return {
      merges: await git(user, 'rev-list', '--count', '--merges', head),
      files: (await git(user, 'ls-tree', '--name-only', head)).split('\n').filter((path) => path.length < 5),
      commits: await git(user, 'log', '--format=%s', `${base}..${head}`),
    };
  };

  test('starts on one commit for each further dependency, whose work is there once', async () => {
    await using world = await openUnitWorld();
    const { head } = world;
    const a = await world.make(head, [{ files: { a: 'by a\n' } }]);
    const b = await world.make(a, [{ files: { b: 'by b\n' } }]);
    const c = await world.make(a, [{ files: { c: 'by c\n' } }]);
    // What stands on `b` and `c` has changed a file of each, on a base without their histories.
    const both = await world.make(b, [{ files: { c: 'by c\n' } }]);
    const d = await world.make(both, [{ files: { b: 'by b and d\n', c: 'by c and d\n', d: 'd' } }]);
    const e = await world.make(head, [{ files: { e: 'e' } }]);
    const heads = { c, e, d };
    const dependencies = Object.entries(heads).map(([id, at]) => ({ id, head: at }));
    const others = { d: { builtOn: { b, c } }, b: { builtOn: { a } }, c: { builtOn: { a } } };
    const none = { builtOn: {} };
    const input = { branchHead: undefined, fresh: true, dependencies, stack };
    const start = await world.start(input, {}, { a: none, e: none, ...others });
    expect(start).toMatchObject({ kind: 'start', builtOn: heads });
    expect(await show(world, start)).toEqual({ merges: '0', files: ['a', 'b', 'c', 'd', 'e'], commits: '' });
    const at = 'start' in start ? start.start : '';
    expect(await git(world.user, 'show', `${at}:c`)).toBe('by c and d');
    expect(await git(world.user, 'log', '-1', '--format=%P|%s', at)).toBe(
      `${d}|Bring e into the base of api`,
    );

    // `c` has moved since: what it changed comes along, and nothing twice.
    const later = await world.make(c, [{ files: { more: 'x' } }]);
    const moved = dependencies.map((each) => (each.id === 'c' ? { id: 'c', head: later } : each));
    const again = await world.start({ ...input, dependencies: moved }, {}, { a: none, e: none, ...others });
    expect(await show(world, again)).toMatchObject({
      merges: '0',
      files: ['a', 'b', 'c', 'd', 'e', 'more'],
    });
    // With merges the histories tell.
    const merged = await world.start({ ...input, dependencies: moved, stack: 'merge' });
    expect(merged).toMatchObject({ kind: 'impossible' });
  });

  test('goes on from its own commits on a new base, and its old head is retained', async () => {
    await using world = await openUnitWorld();
    const { record, repository, user } = world;
    const head = record.head ?? '';
    const other = await world.make(world.head, [{ files: { oth: '' } }]);
    const start = await world.start({ branchHead: head, dependencies: [{ id: 'base', head: other }], stack });
    expect(start).toMatchObject({
      base: other,
      pushed: head,
      claimedComplete: [1],
      builtOn: { base: other },
    });
    expect(await show(world, start)).toEqual({ merges: '0', files: ['one', 'oth'], commits: 'Step' });
    const at = 'start' in start ? start.start : '';
    expect(await git(user, 'log', '-1', '--format=%B', at)).toBe(
      await git(user, 'log', '-1', '--format=%B', head),
    );
    expect(await repository.git.run('for-each-ref', '--format=%(objectname)')).toContain(head);
  });
});

describe('a unit that starts over', () => {
  test('twice in one run keeps both of its old heads', async () => {
    await using world = await openUnitWorld();
    const one = world.record.head ?? '';
    const two = await world.make(world.head, [{ files: { two: '' }, trailers: trailers('2') }]);
    const starts = [];
    for (const branchHead of [one, two, two]) starts.push(await world.start({ branchHead, fresh: true }));
    expect(starts).toMatchObject(
      [one, two, two].map((pushed) => ({ start: world.head, pushed, claimedComplete: [] })),
    );
    const refs = await git(
      world.user,
      'for-each-ref',
      '--format=%(refname:short) %(objectname)',
      'refs/heads/choo/old',
    );
    expect(refs.split('\n').toSorted()).toEqual(
      [one, two].map((head) => `choo/old/${RUN}.${head.slice(0, 12)}/api ${head}`).toSorted(),
    );
    const [first, second, third] = starts.map((start) => ('kept' in start ? start.kept : undefined));
    expect(new Set([first, second])).toEqual(new Set(refs.split('\n').map((line) => line.split(' ')[0])));
    expect(third).toBe(second); // a crash in between keeps nothing twice
  });
});
