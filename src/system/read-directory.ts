import { type Dirent, lstatSync, opendirSync } from 'node:fs';

/**
 * A directory whose own size is larger may have so many entries that one read of all of them keeps everything else waiting.
 * Common file systems need 10 to 300 bytes an entry. Bytes.
 */
const MAX_SIZE = 256 * 1024;
/** Entries that are read at once. */
const CHUNK = 256;

/** Whether a directory should be read by {@link readEntries}, at 1.5 times the cost of reading all of it at once. */
export function isLargeDirectory(path: string | Buffer): boolean {
  return (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_SIZE;
}

/**
 * The entries of a directory, read as far as somebody asks for them, so that the caller may pause between two. Names have a
 * character for each byte. Do not remove entries before the end: others could be passed over. Throws as `opendirSync` does.
 */
export function* readEntries(path: Buffer): Generator<Dirent> {
  const listing = opendirSync(path, { encoding: 'latin1', bufferSize: CHUNK });
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) yield entry;
  } finally {
    listing.closeSync();
  }
}
