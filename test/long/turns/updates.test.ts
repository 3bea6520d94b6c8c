import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitFiles, git } from '../../helpers/git-repository.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';
import { openUpdateWorld, type UpdateWorld } from '../../helpers/update-world.ts';

const LINES = Array.from({ length: 15 }, (_, line) => `line ${line}\n`);
const withLines = (changes: Readonly<Record<number, string>>): string =>
  LINES.map((line, at) => (changes[at] === undefined ? line : `${changes[at]}\n`)).join('');
const FILES = { 'shared.txt': LINES.join(''), 'check.sh': 'test -e "$1"\n' };
const setLine = (line: number, text: string): string => `sed -i 's/^line ${line}$/${text}/' shared.txt`;
/** `web` stands on `api`; both change lines of the same file. */
const UNITS = {
  api: { tasks: [{ gate: 'sh check.sh a.txt', sh: `echo a > a.txt; ${setLine(3, 'api')}` }] },
  web: {
    dependsOn: ['api'],
    tasks: [{ gate: 'sh check.sh w.txt && sh check.sh a.txt', sh: `echo w > w.txt; ${setLine(9, 'web')}` }],
  },
};
const METHODS = ['squash', 'rebase', 'merge'] as const;

/** Merges a branch into `main` as GitHub's button does, with a commit on `main` before. Returns the new `main`. */
async function mergeIntoMain(world: UpdateWorld, branch: string, method: (typeof METHODS)[number]) {
  const { user } = world;
  return world.person('main', async () => {
    await commitFiles(user, { [`before-${branch.replaceAll('/', '-')}`]: 'x' });
    const from = `origin/${branch}`;
    if (method === 'squash') {
      await git(user, 'merge', '--quiet', '--squash', from);
      await git(user, 'commit', '--quiet', '--message=squashed');
    } else if (method === 'merge') await git(user, 'merge', '--quiet', '--no-ff', '--message=merged', from);
    else {
      const main = await git(user, 'rev-parse', 'HEAD');
      await git(user, 'checkout', '--quiet', '--detach', from);
      await git(user, 'rebase', '--quiet', main);
      await git(user, 'checkout', '--quiet', '-B', 'mine', 'HEAD');
    }
  });
}

/** The files that a pull request of the branch would list, and whether git merges it. */
async function pullOf({ git: inRemote, branch }: UpdateWorld, unit: string) {
  const range = `main...${branch(unit)}`;
  const list = await inRemote('diff', '--name-only', '--no-renames', range);
  const merges = await inRemote('merge-tree', '--write-tree', 'main', branch(unit)).then(
    () => true,
    () => false,
  );
  return { files: list.split('\n').sort(), merges };
}

const OWN = {
  api: ['a.txt', 'shared.txt', 'specs/tasks/api/01-step.md', 'specs/tasks/api/IMPLEMENTATION_PLAN.md'],
  web: ['shared.txt', 'specs/tasks/web/01-step.md', 'specs/tasks/web/IMPLEMENTATION_PLAN.md', 'w.txt'],
};

describe('bringing a unit up to date', () => {
  test.each(METHODS)(
    'leaves it clean when the specs, and then its dependency, were merged by %s',
    async (method) => {
      await using world = await openUpdateWorld({ units: UNITS, files: FILES });
      const [api, web] = [await world.unitHead('api'), await world.unitHead('web')];
      const main = await mergeIntoMain(world, 'specs', method);
      const onto = { commit: main, since: world.specs, builtOn: {} };
      const first = await world.update({ unit: 'api', head: api, onto });
      expect(first).toMatchObject({ status: 'complete', result: { same: true, files: [] }, failure: null });
      const newApi = await world.unitHead('api');
      expect(newApi).toBe(first?.result?.to);
      expect(await world.git('log', '-1', '--format=%P|%s', newApi)).toBe(
        `${api} ${main}|Bring api up to date with \`main\``,
      );
      expect(await pullOf(world, 'api')).toEqual({ files: OWN.api, merges: true });
      expect(await world.record('api')).toMatchObject({
        ...{ run: world.run, base: main, head: newApi, committed: newApi, verified: true, tasks: [1] },
      });

      // Now the status lines of another unit are in the target.
      const next = await mergeIntoMain(world, world.branch('api'), method);
      const place = { commit: next, since: api, builtOn: {} };
      const second = await world.update({ unit: 'web', head: web, onto: place });
      expect(second).toMatchObject({ status: 'complete', result: { same: true }, failure: null });
      expect(await pullOf(world, 'web')).toEqual({ files: OWN.web, merges: true });
      expect(await world.git('show', `${world.branch('web')}:shared.txt`)).toBe(
        withLines({ 3: 'api', 9: 'web' }).trim(),
      );
      const types = (await world.events(second?.run ?? '')).map(({ type }) => type);
      expect(types.filter((type) => type.startsWith('task.provider'))).toEqual([]);
    },
  );

  test.each(METHODS)('takes what a person added to its dependency before a merge by %s', async (method) => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const [api, web] = [await world.unitHead('api'), await world.unitHead('web')];
    await world.person(world.branch('api'), async (at) =>
      commitFiles(at, { 'a.txt': 'amended', 'shared.txt': withLines({ 3: 'api', 5: 'a person' }) }),
    );
    const amended = await world.unitHead('api');
    const stacked = await world.update({
      ...{ unit: 'web', head: web, onto: { commit: amended, since: api, builtOn: { api: amended } } },
    });
    expect(stacked).toMatchObject({ status: 'complete', result: { same: true } });
    expect(await world.record('web')).toMatchObject({ base: amended, builtOn: { api: amended } });
    const early = await mergeIntoMain(world, 'specs', method);
    const below = { commit: early, since: world.specs, builtOn: {} };
    expect(await world.update({ unit: 'api', head: amended, onto: below })).toMatchObject({
      status: 'complete',
    });
    const main = await mergeIntoMain(world, world.branch('api'), method);
    const onto = { commit: main, since: amended, builtOn: {} };
    const found = await world.update({ unit: 'web', head: await world.unitHead('web'), onto });
    expect(found).toMatchObject({ status: 'complete', result: { same: true } });
    expect(await pullOf(world, 'web')).toEqual({ files: OWN.web, merges: true });
    expect(await world.git('show', `${world.branch('web')}:a.txt`)).toBe('amended');
  });

  test('pushes nothing where the branch contains the new place already', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const [api, web] = [await world.unitHead('api'), await world.unitHead('web')];
    await world.git('update-ref', 'refs/heads/main', api); // fast-forwarded
    const found = await world.update({
      unit: 'web',
      head: web,
      onto: { commit: api, since: api, builtOn: {} },
    });
    expect(found).toMatchObject({ status: 'complete', result: { to: web, same: true } });
    expect(await world.unitHead('web')).toBe(web);
    expect(await world.record('web')).toMatchObject({ base: api, builtOn: {}, head: web, verified: true });
  });

  test('names the files where its change is not the same, and those of a conflict', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const api = await world.unitHead('api');
    await mergeIntoMain(world, 'specs', 'squash');
    const half = await world.person('main', async (at) => commitFiles(at, { 'a.txt': 'a\n' }));
    const onto = { commit: half, since: world.specs, builtOn: {} };
    expect(await world.update({ unit: 'api', head: api, onto })).toMatchObject({
      ...{ status: 'complete', result: { same: false, files: ['a.txt'] } },
    });
    const head = await world.unitHead('api');
    const before = await world.record('api');
    const other = await world.person('main', async (at) =>
      commitFiles(at, { 'shared.txt': withLines({ 3: 'the target' }) }),
    );
    const clash = { commit: other, since: half, builtOn: {} };
    expect(await world.update({ unit: 'api', head, onto: clash })).toMatchObject({
      status: 'failed',
      result: null,
      failure: { failure: 'conflict', files: ['shared.txt'] },
    });
    expect(await world.unitHead('api')).toBe(head);
    expect(await world.record('api')).toEqual(before);
  });

  test.each([
    ['a merge', 'squash', {}],
    ['its own commits', 'rebase', { way: 'rebase' }],
  ] as const)(
    'takes the specs of its new place where they have changed, and is judged by the approved ones: by %s',
    async (_, method, way) => {
      await using world = await openUpdateWorld({ units: UNITS, files: FILES });
      await mergeIntoMain(world, 'specs', method);
      const path = 'specs/tasks/api/01-step.md';
      // The line beside the status, which both sides change.
      const main = await world.person('main', async (at) => {
        await git(at, 'fetch', '--quiet');
        const text = await git(at, 'show', `HEAD:${path}`);
        const other = text
          .replace(/^backpressure: .*$/m, 'backpressure: "false"')
          .replace('pending', 'in_progress');
        await commitFiles(at, { [path]: `${other}\n` });
      });
      const onto = { commit: main, since: world.specs, builtOn: {}, ...way };
      const found = await world.update({ unit: 'api', head: await world.unitHead('api'), onto });
      expect(found).toMatchObject({ status: 'complete', result: { same: false }, failure: null });
      expect(found?.result?.files).toContain(path);
      const inBranch = await world.git('show', `${world.branch('api')}:${path}`);
      expect(inBranch).toBe(await world.git('show', `main:${path}`));
      expect(await world.record('api')).toMatchObject({ base: main, verified: true });
      expect((await pullOf(world, 'api')).files).toEqual(['a.txt', 'shared.txt']);
    },
  );

  test('gives up when the branch moved, and overwrites nothing', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const api = await world.unitHead('api');
    const main = await mergeIntoMain(world, 'specs', 'squash');
    const onto = { commit: main, since: world.specs, builtOn: {} };
    const theirs = await world.person(world.branch('api'), async (at) => commitFiles(at, { more: 'x' }));
    expect(await world.update({ unit: 'api', head: api, onto })).toMatchObject({
      ...{ status: 'failed', result: null },
      failure: {
        failure: 'conflict',
        message: expect.stringContaining(`moved meanwhile, to ${theirs.slice(0, 12)}`),
      },
    });
    expect(await world.unitHead('api')).toBe(theirs);
  });

  test.each(['unit.updated', 'verify.started'])(
    'goes on from the head it pushed when its claim died before %s',
    async (type) => {
      await using world = await openUpdateWorld({ units: UNITS, files: FILES });
      const api = await world.unitHead('api');
      const main = await mergeIntoMain(world, 'specs', 'squash');
      const pushed: string[] = [];
      world.onReport((events) => {
        if (pushed.length > 0 || !events.some((event) => event.type === type)) return;
        pushed.push(type);
        throw new Error('killed');
      });
      const onto = { commit: main, since: world.specs, builtOn: {} };
      const found = await world.update({ unit: 'api', head: api, onto });
      expect(pushed).toEqual([type]);
      expect(found).toMatchObject({
        status: 'complete',
        result: { to: await world.unitHead('api'), same: true },
      });
      expect(await world.git('rev-list', '--count', `${api}..${world.branch('api')}`, '^main')).toBe('1');
      const claims = (await world.events(found?.run ?? '')).filter((event) => event.type === 'unit.started');
      expect(claims.map((event) => 'claim' in event && event.claim)).toEqual([1, 2]);
    },
  );
});

test('a run leaves a unit alone whose branch is being updated, and works on it soon after', async () => {
  await using place = await temporaryDirectory();
  const hold = join(place.path, 'hold');
  await using world = await openUpdateWorld({
    units: {
      u: {
        tasks: [
          { gate: `'while test -e ${hold}; do sleep 0.1; done; test -f u.txt'`, sh: 'date +%N > u.txt' },
        ],
      },
    },
  });
  const before = await world.unitHead('u');
  const theirs = await world.person(world.branch('u'), async (at) => commitFiles(at, { more: 'x' }));
  await writeFile(hold, '');
  const update = await world.begin({ unit: 'u', head: theirs, onto: null });
  if (update.kind !== 'run') throw new Error(update.kind);
  await world.until(update.run, 'unit.started');
  world.allowAgents(true);
  const run = await world.submit(['u'], true);
  await world.until(run, 'unit.released');
  const released = (await world.events(run)).find((event) => event.type === 'unit.released');
  expect(released).toMatchObject({ reason: 'its branch is being brought up to date' });
  expect((await world.events(run)).map(({ type }) => type)).not.toContain('unit.started');
  expect(await world.unitHead('u')).toBe(theirs);
  await rm(hold);
  await world.until(update.run, 'orch.completed');
  await world.until(run, 'orch.completed');
  const ended = (await world.events(update.run)).find(({ type }) => type === 'orch.completed');
  const started = (await world.events(run)).find(({ type }) => type === 'unit.started');
  expect(started?.at).toBeGreaterThanOrEqual(ended?.at ?? Infinity);
  // The end wakes it: it does not wait until it would have looked again.
  expect(started?.at).toBeLessThan(released?.until ?? 0);
  expect(await world.unitHead('u')).not.toBe(before);
});

describe('bringing a unit up to date by its own commits', () => {
  test('leaves none but them on the new place, and retains the old head', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const [api, web] = [await world.unitHead('api'), await world.unitHead('web')];
    const main = await mergeIntoMain(world, 'specs', 'rebase');
    const onto = { commit: main, since: world.specs, builtOn: {}, way: 'rebase' as const };
    const first = await world.update({ unit: 'api', head: api, onto });
    const newApi = await world.unitHead('api');
    const result = { to: newApi, same: true, files: [], way: 'rebase' };
    expect(first).toMatchObject({ status: 'complete', result, failure: null });
    const log = async (range: string): Promise<string> => world.git('log', '--format=%an %aI %B', range);
    expect(await log(`main..${newApi}`)).toBe(await log(`${world.specs}..${api}`));
    expect(await pullOf(world, 'api')).toEqual({ files: OWN.api, merges: true });
    expect(await world.record('api')).toMatchObject({ base: main, head: newApi, verified: true, tasks: [1] });
    const next = await mergeIntoMain(world, world.branch('api'), 'rebase');
    const place = { commit: next, since: api, builtOn: {}, way: 'rebase' as const };
    expect(await world.update({ unit: 'web', head: web, onto: place })).toMatchObject({
      ...{ status: 'complete', result: { same: true } },
    });
    expect(await pullOf(world, 'web')).toEqual({ files: OWN.web, merges: true });
    expect(await world.git('rev-list', '--merges', '--count', world.branch('web'))).toBe('0');
    // No branch holds the old heads, and the next collection of garbage leaves them.
    expect(await world.git('branch', '--contains', web)).toBe('');
    expect(await world.retained()).toEqual([api, web].toSorted());
  });

  test.each(['unit.updated', 'verify.started'])(
    'makes them once when its claim died before %s',
    async (type) => {
      await using world = await openUpdateWorld({ units: UNITS, files: FILES });
      const api = await world.unitHead('api');
      // A merge on the branch makes its commits one, which has another time when it is made again.
      const head = await world.person(world.branch('api'), async (at) => {
        const side = await commitFiles(at, { side: 'x' });
        await git(at, 'reset', '--quiet', '--hard', api);
        await git(at, 'merge', '--quiet', '--no-ff', '--message=side', side);
      });
      const main = await mergeIntoMain(world, 'specs', 'rebase');
      await world.git('config', 'core.logAllRefUpdates', 'always');
      let isKilled = false;
      world.onReport((events) => {
        if (isKilled || !events.some((event) => event.type === type)) return;
        isKilled = true;
        throw new Error('killed');
      });
      const onto = { commit: main, since: world.specs, builtOn: {}, way: 'rebase' as const };
      const found = await world.update({ unit: 'api', head, onto });
      expect(isKilled).toBe(true);
      const to = await world.unitHead('api');
      expect(found).toMatchObject({ status: 'complete', result: { to, same: true, joined: 3 } });
      const moves = await world.git('reflog', 'show', '--format=%H', world.branch('api'));
      expect(moves.split('\n')).toEqual([to]);
    },
  );
});

describe('verifying the head of another person', () => {
  test('takes a green head for the unit, and leaves the record alone for a red one', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const branch = world.branch('api');
    const green = await world.person(branch, async (at) => commitFiles(at, { 'a.txt': 'better' }));
    expect(await world.update({ unit: 'api', head: green, onto: null })).toMatchObject({
      ...{ status: 'complete', result: null, failure: null },
    });
    expect(await world.record('api')).toMatchObject({
      run: world.run,
      base: world.specs,
      head: green,
      verified: true,
    });
    const before = await world.record('api');
    const red = await world.person(branch, async (at) => {
      await git(at, 'rm', '--quiet', 'a.txt');
      await git(at, 'commit', '--quiet', '--message=gone');
    });
    const found = await world.update({ unit: 'api', head: red, onto: null });
    expect(found).toMatchObject({ status: 'failed', failure: { failure: 'verify' } });
    expect(await world.record('api')).toEqual(before);
    expect(await world.unitHead('api')).toBe(red);
  });

  test('that was made by a rebase compares it with the head that it replaced', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const api = await world.unitHead('api');
    const main = await mergeIntoMain(world, 'specs', 'squash');
    const onto = { commit: main, since: world.specs, builtOn: {}, way: 'found' as const, replaces: api };
    const rebase = async (at: string): Promise<string> =>
      git(at, 'rebase', '--quiet', '--onto', main, world.specs);
    const head = await world.person(world.branch('api'), rebase, true);
    const before = await world.record('api');
    const red = await world.person(world.branch('api'), async (at) => {
      await git(at, 'rm', '--quiet', 'a.txt');
      await git(at, 'commit', '--quiet', '--message=gone');
    });
    expect(await world.update({ unit: 'api', head: red, onto })).toMatchObject({
      ...{ status: 'failed', result: null, failure: { failure: 'verify' } },
    });
    expect(await world.record('api')).toEqual(before);
    await world.person(world.branch('api'), async (at) => git(at, 'reset', '--quiet', '--hard', head), true);
    expect(await world.update({ unit: 'api', head, onto })).toMatchObject({
      ...{ status: 'complete', failure: null },
      result: { to: head, same: true, files: [], way: 'found' },
    });
    expect(await world.unitHead('api')).toBe(head);
    expect(await world.record('api')).toMatchObject({ base: main, head, committed: head, verified: true });
  });

  test('that merged its base names where it stands now', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const api = await world.unitHead('api');
    const main = await mergeIntoMain(world, 'specs', 'merge');
    const head = await world.person(world.branch('api'), async (at) =>
      git(at, 'merge', '--quiet', '--no-edit', main),
    );
    const onto = { commit: main, since: world.specs, builtOn: {}, way: 'merged' as const, replaces: api };
    expect(await world.update({ unit: 'api', head, onto })).toMatchObject({
      ...{ status: 'complete', result: { to: head, same: true, files: [], way: 'merged' } },
    });
    expect(await world.unitHead('api')).toBe(head);
    expect(await world.record('api')).toMatchObject({ base: main, head, committed: head, verified: true });
  });

  test('into which another unit was merged passes the gates of both, or fails with their names', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const branch = world.branch('api');
    const both = await world.person(branch, async (at) =>
      git(at, 'merge', '--quiet', '--no-edit', `origin/${world.branch('web')}`),
    );
    const asked = { unit: 'api', onto: null, also: ['web', 'no-such-unit'] };
    expect(await world.update({ ...asked, head: both })).toMatchObject({ status: 'complete' });
    expect(await world.record('api')).toMatchObject({ head: both, verified: true, tasks: [1] });
    const red = await world.person(branch, async (at) => {
      await git(at, 'rm', '--quiet', 'w.txt');
      await git(at, 'commit', '--quiet', '--message=gone');
    });
    const found = await world.update({ ...asked, head: red });
    expect(found?.failure).toMatchObject({ failure: 'verify' });
    expect(found?.failure?.message).toContain('of `web`, which was merged into this branch: ');
    expect(await world.record('api')).toMatchObject({ head: both });
  });

  test('is judged by the approved specs and gate files, whatever the push made of them', async () => {
    await using world = await openUpdateWorld({ units: UNITS, files: FILES });
    const spec = 'specs/tasks/api/01-step.md';
    const head = await world.person(world.branch('api'), async (at) => {
      const text = await git(at, 'show', `HEAD:${spec}`);
      await git(at, 'rm', '--quiet', 'a.txt');
      await commitFiles(at, {
        'check.sh': 'exit 0\n',
        [spec]: text.replace('sh check.sh a.txt', 'true'),
        '.choo.yml': 'limits:\n  gate_timeout: 1\n',
      });
    });
    const found = await world.update({ unit: 'api', head, onto: null });
    expect(found).toMatchObject({ status: 'failed', failure: { failure: 'verify' } });
    const notices = (await world.events(found?.run ?? '')).filter((event) => event.type === 'unit.notice');
    expect(notices).toMatchObject([{ code: 'gate-files', message: expect.stringContaining('`check.sh`') }]);
  });
});
