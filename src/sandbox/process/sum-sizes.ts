import { type Dir, lstatSync, opendirSync, readdirSync, type Stats, statSync } from 'node:fs';

/** What to measure. */
export interface Measured {
  readonly directories: readonly string[];
  /** Deleted files in these directories count, too, while one of these processes holds them open. */
  readonly pids: readonly number[];
  /** A sum above which the rest does not matter. Bytes. */
  readonly enough?: number;
  /** Another thread sets the first number to anything but 0 when nobody wants the sum any more. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

export interface Measurement {
  readonly bytes: number;
  /** What it took. Milliseconds. */
  readonly costMs: number;
}

/** The unit of `Stats.blocks` on every file system. Bytes. */
const BLOCK_BYTES = 512;
/** The least that a file counts, even an empty one: the file system has a limited number of inodes. Bytes. */
const MIN_FILE_BYTES = 4096;
/** Files with several names that are remembered, to count each once. */
const MAX_REMEMBERED_FILES = 100_000;

/**
 * Measures what directories take on disk. Follows no link. Files that appear or disappear meanwhile may be missed. Asks for one file
 * after the other and keeps its thread waiting: asking for several at once costs six times the processor time.
 */
export function sumSizes({ directories, pids, enough = Infinity, stop }: Measured): Measurement {
  const started = performance.now();
  let bytes = 0;
  const seen = new Set<string>();
  const count = (stats: Stats): void => {
    if (stats.nlink !== 1 && !stats.isDirectory()) {
      const id = `${stats.dev}:${stats.ino}`;
      if (seen.has(id)) return;
      if (seen.size < MAX_REMEMBERED_FILES) seen.add(id);
    }
    bytes += Math.max(stats.blocks * BLOCK_BYTES, MIN_FILE_BYTES);
  };
  const isEnough = (): boolean => bytes > enough || Atomics.load(stop, 0) !== 0;
  const result = (): Measurement => ({ bytes, costMs: performance.now() - started });

  // Names need not be UTF-8: each byte is one character.
  const waiting = directories.map((path) => Buffer.from(path).toString('latin1'));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const name of namesIn(path)) {
      if (isEnough()) return result();
      const entry = `${path}/${name}`;
      const stats = attempt(() => lstatSync(Buffer.from(entry, 'latin1'), { throwIfNoEntry: false }));
      if (stats === undefined) continue;
      count(stats);
      if (stats.isDirectory()) waiting.push(entry);
    }
  }

  const devices = new Set(directories.map((directory) => attempt(() => statSync(directory))?.dev));
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const descriptor of attempt(() => readdirSync(folder)) ?? []) {
      const stats = attempt(() => statSync(`${folder}/${descriptor}`, { throwIfNoEntry: false }));
      if (stats?.isFile() && stats.nlink === 0 && devices.has(stats.dev)) count(stats);
    }
  }
  return result();
}

/** The names in a directory, one at a time: there may be millions. */
function* namesIn(path: string): Generator<string> {
  let listing: Dir;
  try {
    listing = opendirSync(Buffer.from(path, 'latin1'), { encoding: 'latin1', bufferSize: 256 });
  } catch {
    return; // it is gone, or closed
  }
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) yield entry.name;
  } catch {
    // removed meanwhile
  } finally {
    listing.closeSync();
  }
}

/** Undefined for what is gone, or closed. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
