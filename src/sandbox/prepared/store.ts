import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChooError } from '../../errors.ts';
import { acquireLockFile, release } from '../../system/lock-file.ts';
import { isProcessAlive, processStart } from '../../system/process-identity.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { measureDiskUse } from '../process/disk-use.ts';
import { homeBeside, type Prepared, type PreparedStore, type SandboxPaths, type Taken } from '../sandbox.ts';
import { takeAway } from './take-away.ts';

/** What snapshots may take together; the least recently used ones that nobody uses go first. Bytes. */
const MAX_BYTES = 20 * 1024 ** 3;
/** Older ones are never used; see the key for how long one may be. Milliseconds. */
const MAX_AGE_MS = 7 * 86_400_000;
/** How often a snapshot that another one builds is looked for. Milliseconds. */
const POLL_MS = 50;

const DRAFT = '.draft-';
const GONE = '.gone-';
const LOCK = '.lock';
const USES = 'uses';
const NAME = /^([0-9a-f]{64})\.(\d+)$/;

interface StoreOptions {
  /** Gives what was taken away to the user inside, so that it can be changed above, whoever that is. */
  readonly open: (path: string) => Promise<void>;
  readonly maxBytes?: number;
}

/**
 * The snapshots of one repository's set-ups, in a directory closed to others. A snapshot appears whole, by a rename, and is
 * never written again; its name is its key and when it was taken. All that happens to a key happens under its lock, and a
 * dead process holds none. Who uses a snapshot says so in a file, and nothing that is used is removed.
 */
export function openPreparedStore(
  directory: string,
  { open, maxBytes = MAX_BYTES }: StoreOptions,
): PreparedStore {
  const uses = join(directory, USES);
  let ready: Promise<void> | undefined;

  const lock = async (key: string): Promise<AsyncDisposable | undefined> => {
    const path = join(directory, `${key}${LOCK}`);
    const mine = await ownerText();
    if ((await acquireLockFile(path, mine, liveOwner)) !== undefined) return undefined;
    return { [Symbol.asyncDispose]: async () => release(path, mine) };
  };

  /** The newest snapshot of a key that is young enough. Under its lock. */
  const find = async (key: string, maxAgeMs: number): Promise<string | undefined> => {
    const names = (await readdir(directory)).filter((name) => NAME.exec(name)?.[1] === key);
    return names
      .filter((name) => Date.now() - takenAt(name) < Math.min(maxAgeMs, MAX_AGE_MS))
      .sort((a, b) => takenAt(b) - takenAt(a))[0];
  };

  /** Under the lock of its key. */
  const use = async (name: string): Promise<Prepared> => {
    const path = join(directory, name);
    const mark = join(uses, `${name}.${randomUUID()}`);
    await writeFile(mark, await ownerText());
    return {
      project: join(path, 'project'),
      home: join(path, 'home'),
      takenAt: takenAt(name),
      [Symbol.asyncDispose]: async () => rm(mark, { force: true }),
    };
  };

  const keep = async (
    key: string,
    { worktree, beside }: SandboxPaths,
    ignored: readonly string[],
  ): Promise<Prepared> => {
    if (beside === undefined) throw new ChooError('internal', 'the worktree has no home');
    const draft = join(directory, `${DRAFT}${key}`);
    await removeTree(draft); // of a dead process: this one holds the lock
    const putBack = await takeAway({ worktree, ignored, home: homeBeside(beside) }, draft);
    const name = `${key}.${Date.now()}`;
    // All that needs room on the disk comes before the rename.
    try {
      await open(draft);
      const bytes = await measureDiskUse({ directories: [draft], pids: [] }, () => false);
      await writeFile(join(draft, 'bytes'), String(bytes));
      const prepared = await use(name);
      await rename(draft, join(directory, name));
      void prune(directory, lock, maxBytes, key).catch(() => {}); // the next one tries again
      return prepared;
    } catch (error) {
      await putBack();
      await removeTree(draft);
      throw error;
    }
  };

  return {
    async take(key, { maxAgeMs, mayBuild, signal }) {
      ready ??= prepareDirectory(directory, uses).then(async () => prune(directory, lock, maxBytes));
      await ready;
      for (let waited = false; ; waited = true) {
        signal.throwIfAborted();
        const held = await lock(key);
        if (held === undefined) {
          await sleep(POLL_MS, undefined, { signal });
          continue;
        }
        await using stack = new AsyncDisposableStack();
        stack.use(held);
        const found = await find(key, maxAgeMs);
        if (found !== undefined) {
          await utimes(join(directory, found), new Date(), new Date());
          return { kind: 'found', prepared: await use(found) };
        }
        // Who waited for one that was not kept does not make others wait for the same.
        if (!mayBuild || waited) return { kind: 'none' };
        const kept = stack.move();
        return {
          kind: 'build',
          keep: async (workplace, ignored) => keep(key, workplace, ignored),
          [Symbol.asyncDispose]: async () => kept.disposeAsync(),
        } satisfies Taken;
      }
    },
  };
}

async function prepareDirectory(directory: string, uses: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await mkdir(uses, { recursive: true, mode: 0o700 });
}

/** Removes what a dead process left half done, what is too old, and what is used least when there is too much. */
async function prune(
  directory: string,
  lock: (key: string) => Promise<AsyncDisposable | undefined>,
  maxBytes: number,
  mine?: string,
): Promise<void> {
  const uses = join(directory, USES);
  for (const mark of await readdir(uses)) {
    const text = await readFile(join(uses, mark), 'utf8').catch(() => '');
    if ((await liveOwner(text)) === undefined) await rm(join(uses, mark), { force: true });
  }
  const names = await readdir(directory);
  for (const name of names) {
    if (name.startsWith(GONE)) await removeTree(join(directory, name));
    if (!name.startsWith(DRAFT)) continue;
    await using held = await lock(name.slice(DRAFT.length));
    if (held !== undefined) await removeTree(join(directory, name));
  }
  const snapshots = await Promise.all(
    names
      .filter((name) => NAME.test(name))
      .map(async (name) => {
        const bytes = Number(await readFile(join(directory, name, 'bytes'), 'utf8').catch(() => 0));
        return { name, bytes, usedAt: await usedAt(join(directory, name)) };
      }),
  );
  let total = 0;
  for (const { name, bytes } of snapshots.sort((a, b) => b.usedAt - a.usedAt)) {
    total += bytes;
    if (total <= maxBytes && Date.now() - takenAt(name) < MAX_AGE_MS) continue;
    const key = NAME.exec(name)?.[1] ?? '';
    if (key === mine) continue;
    await using held = await lock(key);
    if (held === undefined || (await readdir(uses)).some((mark) => mark.startsWith(`${name}.`))) continue;
    const gone = join(directory, `${GONE}${randomUUID()}`);
    await rename(join(directory, name), gone);
    await removeTree(gone);
    total -= bytes;
  }
}

function takenAt(name: string): number {
  return Number(NAME.exec(name)?.[2]);
}

async function usedAt(path: string): Promise<number> {
  return (await stat(path)).mtimeMs;
}

async function ownerText(): Promise<string> {
  const start = await processStart(process.pid);
  return JSON.stringify({ pid: process.pid, start: start ?? null, token: randomUUID() });
}

async function liveOwner(text: string): Promise<number | undefined> {
  try {
    const { pid, start } = JSON.parse(text) as { readonly pid: number; readonly start: string | null };
    return (await isProcessAlive(pid, start ?? undefined)) ? pid : undefined;
  } catch {
    return undefined; // cut short by a power failure
  }
}
