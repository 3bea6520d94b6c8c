import { execa } from 'execa';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openPreparedStores } from '../../../../src/sandbox/prepared/store.ts';
import type { Prepared, PreparedStore, SandboxPaths, Taken } from '../../../../src/sandbox/sandbox.ts';
import { isRoot } from '../../../fixtures/sandbox/actor.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const LONG = { timeout: 240_000 };
const DAY_MS = 86_400_000;
const KEY = 'a'.repeat(64);
const { signal } = new AbortController();
const OPTIONS = { maxAgeMs: DAY_MS, mayBuild: true, signal };
const open = async (): Promise<void> => {};

/** A directory of snapshots on a machine with these others. */
function placeOf(directory: string, ...others: readonly string[]) {
  return { directory, others: async () => others };
}

interface Place extends AsyncDisposable {
  readonly directory: string;
  readonly store: PreparedStore;
  /** A worktree after its set-up. */
  worktree(name: string): Promise<SandboxPaths & { readonly beside: string }>;
}

async function makePlace(maxBytes?: number): Promise<Place> {
  const place = await temporaryDirectory();
  const directory = join(place.path, 'prepared');
  return {
    directory,
    store: openPreparedStores({ open, ...(maxBytes === undefined ? {} : { maxBytes }) })(placeOf(directory)),
    worktree: async (name) => makeWorktree(join(place.path, name)),
    [Symbol.asyncDispose]: async () => place[Symbol.asyncDispose](),
  };
}

async function makeWorktree(path: string) {
  const [worktree, beside] = [join(path, 'worktree'), join(path, 'beside')];
  for (const directory of ['worktree/deps', 'beside/home'])
    await mkdir(join(path, directory), { recursive: true });
  await writeFile(join(worktree, 'deps/file'), path);
  await writeFile(join(beside, 'home/tool'), 'tool');
  return { worktree, readable: [], beside };
}

function build(taken: Taken): Extract<Taken, { kind: 'build' }> {
  if (taken.kind !== 'build') throw new Error(`it is ${taken.kind}`);
  return taken;
}

async function keep({ store }: Place, key: string, workplace: SandboxPaths): Promise<Prepared> {
  await using taken = build(await store.take(key, OPTIONS));
  return taken.keep(workplace, ['deps']);
}

async function snapshots({ directory }: Place): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => /^[0-9a-f]{64}\.\d+$/.test(name)).sort();
}

describe('the store of what set-ups left', () => {
  test('lets one build, and gives the others what that one kept', LONG, async () => {
    await using place = await makePlace();
    const taken = build(await place.store.take(KEY, OPTIONS));
    const others = [1, 2, 3].map(async () => place.store.take(KEY, OPTIONS));
    const other = openPreparedStores({ open })(placeOf(place.directory)).take(KEY, OPTIONS); // as another process would
    const first = await Promise.race([
      ...others,
      other,
      new Promise((resolve) => setTimeout(resolve, 300, 'waits')),
    ]);
    expect(first).toBe('waits');
    const workplace = await place.worktree('one');
    const prepared = await taken.keep(workplace, ['deps']);
    await taken[Symbol.asyncDispose]();
    expect(await readdir(workplace.worktree)).toEqual([]);
    expect(await readFile(join(prepared.home, 'tool'), 'utf8')).toBe('tool');
    for (const each of await Promise.all([...others, other])) {
      if (each.kind !== 'found') throw new Error(each.kind);
      expect(each.prepared.project).toBe(prepared.project);
    }
  });

  test('makes nobody wait twice for a set-up that failed, and nothing of it is kept', LONG, async () => {
    await using place = await makePlace();
    const taken = build(await place.store.take(KEY, OPTIONS));
    const others = [1, 2].map(async () => place.store.take(KEY, OPTIONS));
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // they wait
    await taken[Symbol.asyncDispose]();
    for (const other of await Promise.all(others)) expect(other.kind).toBe('none');
    expect(await snapshots(place)).toEqual([]);
  });

  test('has nothing of one that was killed half-way, and lets the next build', LONG, async () => {
    await using place = await makePlace();
    const { worktree, beside } = await place.worktree('killed');
    const script = fileURLToPath(new URL('../../../fixtures/sandbox/keep-for-ever.ts', import.meta.url));
    const child = execa(process.execPath, [script, place.directory, KEY, worktree, beside], {
      reject: false,
    });
    await once(child.stdout, 'data');
    expect(await readdir(join(place.directory, `.draft-${KEY}`, 'project'))).toEqual(['deps']);
    expect((await place.store.take('b'.repeat(64), OPTIONS)).kind).toBe('build');
    expect(await readdir(place.directory)).toContain(`.draft-${KEY}`); // its owner lives
    child.kill('SIGKILL');
    await child;
    const prepared = await keep(place, KEY, await place.worktree('next'));
    expect(await readFile(join(prepared.project, 'deps/file'), 'utf8')).toMatch(/next$/);
    expect(await readdir(place.directory)).not.toContain(`.draft-${KEY}`);
    expect(await snapshots(place)).toHaveLength(1);
  });

  const why = isRoot() ? '' : ': SKIPPED, only root mounts a small disk';
  test.skipIf(why !== '')(
    `leaves all where it was when the disk is full, at any step${why}`,
    LONG,
    async () => {
      await using place = await temporaryDirectory();
      const disk = join(place.path, 'disk');
      await mkdir(disk);
      await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m,nr_inodes=64', 'tmpfs', disk]);
      try {
        const workplace = await makeWorktree(join(disk, 'unit'));
        const store = openPreparedStores({ open })(placeOf(join(disk, 'prepared')));
        await using taken = build(await store.take(KEY, OPTIONS));
        for (let left = await freeInodes(disk); left > 3; left -= 1)
          await writeFile(join(disk, `fill-${left}`), '');
        // Room for its directories, not for its last file; then for ever less of it, in the end for nothing.
        for (let left = 3; left >= 0; left -= 1) {
          await expect(taken.keep(workplace, ['deps']), `room for ${left}`).rejects.toThrow('ENOSPC');
          expect(await readFile(join(workplace.worktree, 'deps/file'), 'utf8')).toContain('unit');
          expect(await readFile(join(workplace.beside, 'home/tool'), 'utf8')).toBe('tool');
          const names = await readdir(join(disk, 'prepared'));
          expect(names.filter((name) => /^(?:\.draft|a+\.\d)/.test(name))).toEqual([]);
          expect(await freeInodes(disk)).toBe(left);
          if (left > 0) await writeFile(join(disk, `fill-${left}`), '');
        }
      } finally {
        await execa('umount', ['--lazy', disk]);
      }
    },
  );

  test('forgets what is too old', LONG, async () => {
    await using place = await makePlace();
    await using _ = await keep(place, KEY, await place.worktree('one'));
    expect((await place.store.take(KEY, OPTIONS)).kind).toBe('found');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await place.store.take(KEY, { ...OPTIONS, maxAgeMs: 1 })).kind).toBe('build');
  });

  test(
    'drops what there was for a key when the set-up turns red, and what was made again',
    LONG,
    async () => {
      await using place = await makePlace();
      const first = await keep(place, KEY, await place.worktree('one'));
      await first[Symbol.asyncDispose]();
      const [old] = await snapshots(place);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const anew = { ...OPTIONS, madeSince: Date.now() };
      {
        await using again = build(await place.store.take(KEY, anew));
        const others = [place.store.take(KEY, anew), place.store.take(KEY, OPTIONS)];
        await again.keep(await place.worktree('two'), ['deps']);
        await again[Symbol.asyncDispose]();
        for (const other of await Promise.all(others)) {
          if (other.kind !== 'found') throw new Error(other.kind);
          expect(await readFile(join(other.prepared.project, 'deps/file'), 'utf8')).toMatch(/two$/);
          await other.prepared[Symbol.asyncDispose]();
        }
      }
      // What was made again takes no room: the next that is kept removes it.
      await using _other = await keep(place, 'b'.repeat(64), await place.worktree('three'));
      await expect.poll(async () => snapshots(place), { timeout: 60_000 }).not.toContain(old);
      expect((await place.store.take(KEY, OPTIONS)).kind).toBe('found');
      await new Promise((resolve) => setTimeout(resolve, 5));
      const red = build(await place.store.take(KEY, { ...OPTIONS, madeSince: Date.now() }));
      await rm(join(place.directory, 'uses'), { recursive: true }); // nobody uses it any more
      await mkdir(join(place.directory, 'uses'));
      await red[Symbol.asyncDispose]();
      expect((await snapshots(place)).map((name) => name[0])).toEqual(['b']);
      expect((await place.store.take(KEY, OPTIONS)).kind).toBe('build');
    },
  );

  test('has one limit for all repositories of a machine', LONG, async () => {
    await using far = await makePlace();
    const other = await keep(far, KEY, await far.worktree('one'));
    await other[Symbol.asyncDispose]();
    const [name = ''] = await snapshots(far);
    await utimes(join(far.directory, name), new Date(1), new Date(1));
    await using place = await temporaryDirectory();
    const directory = join(place.path, 'prepared');
    const others = [far.directory, directory, join(place.path, 'nothing here')];
    const store = openPreparedStores({ open, maxBytes: 30_000 })(placeOf(directory, ...others));
    const near = { directory, store, worktree: async (at: string) => makeWorktree(join(place.path, at)) };
    await using _near = await keep({ ...far, ...near }, 'b'.repeat(64), await near.worktree('two'));
    await expect.poll(async () => snapshots(far), { timeout: 60_000 }).toEqual([]);
    expect(await snapshots({ ...far, ...near })).toHaveLength(1);
  });

  test('removes the least recently used first, and none that is used', LONG, async () => {
    await using place = await makePlace(60_000);
    const key = (digit: string): string => digit.repeat(64);
    const used = await keep(place, key('1'), await place.worktree('one'));
    for (const digit of ['2', '3', '4']) {
      const prepared = await keep(place, key(digit), await place.worktree(digit));
      await prepared[Symbol.asyncDispose]();
      const at = new Date(Date.now() - 60_000 + Number(digit));
      const name = (await snapshots(place)).find((each) => each.startsWith(digit)) ?? '';
      await utimes(join(place.directory, name), at, at);
    }
    const oldest = (await snapshots(place)).find((name) => name.startsWith('1')) ?? '';
    await utimes(join(place.directory, oldest), new Date(1), new Date(1));
    await using _last = await keep(place, key('5'), await place.worktree('five'));
    const left = async (): Promise<string> => (await snapshots(place)).map((name) => name[0]).join('');
    await expect.poll(left, { timeout: 60_000 }).toMatch(/^1[34]*5$/);
    expect(await readFile(join(used.project, 'deps/file'), 'utf8')).toContain('one');
  });
});

async function freeInodes(path: string): Promise<number> {
  const { stdout } = await execa('stat', ['--file-system', '--format=%d', path]);
  return Number(stdout);
}
