import { type FSWatcher, watch } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Followed {
  readonly path: string;
  /** A parent directory that may be created; the directories between it and the file may be missing. */
  readonly below: string;
  readonly signal: AbortSignal;
}

/**
 * Calls `onChange` at once and after each change of a file, one call at a time, until the signal aborts. The file and
 * its directory may be created later. A call may find nothing new, so `onChange` reads on from its own position.
 * Resolves when the last call has ended; rejects with what a call or the watching threw.
 */
export async function followFile(
  { path, below, signal }: Followed,
  onChange: () => Promise<void>,
): Promise<void> {
  if (signal.aborted) return;
  await mkdir(below, { recursive: true, mode: 0o700 });
  const ended = Promise.withResolvers<void>();
  const over = new AbortController();
  const end = (): void => {
    over.abort();
    ended.resolve();
  };
  signal.addEventListener('abort', end, { once: true });

  let watcher: FSWatcher | undefined;
  let watched = '';
  let again = false;
  let busy = false;
  /** Watches the nearest existing directory; when a nearer one appears, that is a change, and it is watched next. */
  const aim = async (): Promise<void> => {
    for (let moved = true; moved && !over.signal.aborted;) {
      const next = await nearestDirectory(dirname(path), below);
      moved = next !== watched;
      if (!moved) break;
      watcher?.close();
      watched = next;
      watcher = watch(next, { persistent: true }, look).on('error', ended.reject);
    }
  };
  let working = Promise.resolve();
  function look(): void {
    again = true;
    if (!busy) working = work().catch(ended.reject);
  }
  async function work(): Promise<void> {
    busy = true;
    while (again && !over.signal.aborted) {
      again = false;
      await aim();
      await onChange();
    }
    busy = false;
  }
  try {
    look();
    await ended.promise;
  } finally {
    over.abort();
    signal.removeEventListener('abort', end);
    await working;
    watcher?.close();
  }
}

/** The directory, or its nearest existing parent, no higher than `below`. */
async function nearestDirectory(directory: string, below: string): Promise<string> {
  for (let at = directory; at.length > below.length; at = dirname(at)) {
    if ((await stat(at).catch(() => undefined))?.isDirectory() === true) return at;
  }
  return below;
}
