import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeTree } from '../../system/remove-tree.ts';
import { measureDiskUse } from '../process/disk-use.ts';
import {
  homeBeside,
  type Prepared,
  type PreparedPlace,
  type PreparedStore,
  type SandboxPaths,
  type Taken,
} from '../sandbox.ts';
import { prune } from './prune.ts';
import { DRAFT, listSnapshots, lockKey, ownerText, removeUnused, type Snapshot, USES } from './snapshots.ts';
import { takeAway } from './take-away.ts';

/** What the snapshots of all repositories may take together; the least recently used ones that nobody uses go first. Bytes. */
const MAX_BYTES = 20 * 1024 ** 3;
/** Older ones are never used; see the key for how long one may be. Milliseconds. */
const MAX_AGE_MS = 7 * 86_400_000;
/** How often a snapshot that another process builds is looked for. Milliseconds. */
const POLL_MS = 50;
/** The same where this process builds it, and says when it has ended. Milliseconds. */
const OWN_POLL_MS = 600_000;

interface StoreOptions {
  /** Gives what was taken away to the user inside, so that it can be changed above, whoever that is. */
  readonly open: (path: string) => Promise<void>;
  readonly maxBytes?: number;
}

/** Opens the store of each place once. */
export function openPreparedStores(options: StoreOptions): (place: PreparedPlace) => PreparedStore {
  const stores = new Map<string, PreparedStore>();
  return (place) => {
    const store = stores.get(place.directory) ?? openPreparedStore(place, options);
    stores.set(place.directory, store);
    return store;
  };
}

/**
 * The snapshots of one repository's set-ups, in a directory closed to others. A snapshot appears whole, by a rename, and is
 * never written again; its name is its key and when it was taken. All that happens to a key happens under its lock, and a
 * dead process holds none. Who uses a snapshot says so in a file, and nothing that is used is removed.
 */
function openPreparedStore(
  { directory, others }: PreparedPlace,
  { open, maxBytes = MAX_BYTES }: StoreOptions,
): PreparedStore {
  const uses = join(directory, USES);
  /** What this process builds, by its key. Each signal is that it has ended. */
  const building = new Map<string, AbortController>();
  let ready: Promise<void> | undefined;

  const clean = async (mine?: string): Promise<void> => {
    const directories = new Set([directory, ...(await others())]);
    await prune([...directories], { maxBytes, maxAgeMs: MAX_AGE_MS, mine });
  };

  const ofKey = async (key: string): Promise<readonly Snapshot[]> =>
    (await listSnapshots(directory)).filter((snapshot) => snapshot.key === key);

  /** Under the lock of its key. */
  const use = async ({ name, takenAt }: Pick<Snapshot, 'name' | 'takenAt'>): Promise<Prepared> => {
    const path = join(directory, name);
    const mark = join(uses, `${name}.${randomUUID()}`);
    await writeFile(mark, await ownerText());
    return {
      project: join(path, 'project'),
      home: join(path, 'home'),
      takenAt,
      [Symbol.asyncDispose]: async () => rm(mark, { force: true }),
    };
  };

  const keep = async (
    key: string,
    { worktree, beside }: SandboxPaths,
    ignored: readonly string[],
  ): Promise<Prepared> => {
    const draft = join(directory, `${DRAFT}${key}`);
    await removeTree(draft); // of a dead process: this one holds the lock
    const home = beside === undefined ? undefined : homeBeside(beside);
    const takenAt = Date.now();
    const name = `${key}.${takenAt}`;
    let putBack: (() => Promise<void>) | undefined;
    // All that needs room on the disk comes before the rename.
    try {
      putBack = await takeAway({ worktree, ignored, home }, draft);
      await open(draft);
      const { bytes } = await measureDiskUse({ directories: [draft], pids: [] });
      await writeFile(join(draft, 'bytes'), String(bytes));
      const prepared = await use({ name, takenAt });
      await rename(draft, join(directory, name));
      void clean(key).catch(() => {}); // the next one tries again
      return prepared;
    } catch (error) {
      await putBack?.();
      await removeTree(draft);
      throw error;
    }
  };

  const build = (key: string, held: AsyncDisposable): Taken => {
    let isKept = false;
    const ended = new AbortController();
    building.set(key, ended);
    return {
      kind: 'build',
      keep: async (workplace, ignored) => {
        const prepared = await keep(key, workplace, ignored);
        isKept = true;
        return prepared;
      },
      async [Symbol.asyncDispose]() {
        using _end = { [Symbol.dispose]: () => ended.abort() };
        await using _ = held;
        building.delete(key);
        // A red set-up says nothing good of an older one of the same inputs either.
        for (const snapshot of (await ofKey(key)).slice(isKept ? 1 : 0))
          await removeUnused(directory, snapshot);
      },
    };
  };

  return {
    async take(key, { maxAgeMs, madeSince = 0, mayBuild, signal }) {
      ready ??= prepareDirectory(directory, uses).then(async () => clean());
      await ready;
      for (let waited = false; ; waited = true) {
        signal.throwIfAborted();
        const held = await lockKey(directory, key);
        if (held === undefined) {
          const ended = building.get(key)?.signal;
          const wake = AbortSignal.any([signal, ...(ended === undefined ? [] : [ended])]);
          await sleep(ended === undefined ? POLL_MS : OWN_POLL_MS, undefined, { signal: wake }).catch(
            () => {},
          );
          continue;
        }
        await using stack = new AsyncDisposableStack();
        stack.use(held);
        const oldest = Math.max(madeSince, Date.now() - Math.min(maxAgeMs, MAX_AGE_MS));
        const found = (await ofKey(key)).find(({ takenAt }) => takenAt > oldest);
        if (found !== undefined) {
          await utimes(join(directory, found.name), new Date(), new Date());
          return { kind: 'found', prepared: await use(found) };
        }
        // Who waited for one that was not kept does not make others wait for the same.
        if (!mayBuild || waited) return { kind: 'none' };
        stack.move();
        return build(key, held);
      }
    },
  };
}

async function prepareDirectory(directory: string, uses: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await mkdir(uses, { recursive: true, mode: 0o700 });
}
