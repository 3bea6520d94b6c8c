import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statfsSync,
} from 'node:fs';
import type { SeenFile } from './staged-tree.ts';

/** The file system's clock may be so much behind: it ticks each 10 ms at the slowest. Milliseconds. */
const CLOCK_LAG_MS = 30;
/** The same where times are whole seconds. Milliseconds. */
const COARSE_LAG_MS = 2_000;

/** File systems of this machine, with its clock and with inodes that stay. By the numbers that `statfs` gives. */
const LOCAL_FILE_SYSTEMS = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0xf2f52010, // f2fs
  0x2fc12fc1, // zfs
  0x794c7630, // overlay
]);

/** Whether times and inodes of files in a directory tell when one has changed. */
export function hasExactTimes(directory: string): boolean {
  try {
    return LOCAL_FILE_SYSTEMS.has(statfsSync(directory).type);
  } catch {
    return false;
  }
}

/** Whether each change after `now` shows in a file that changed at `ctimeMs`: no program can set that time. */
export function isSettled(ctimeMs: number, now: number): boolean {
  return ctimeMs < now - (ctimeMs % 1_000 === 0 ? COARSE_LAG_MS : CLOCK_LAG_MS);
}

/** The mode of a file or link in an index. */
export function indexMode(stats: Stats): number {
  if (stats.isSymbolicLink()) return 0o120000;
  return (stats.mode & 0o100) === 0 ? 0o100644 : 0o100755;
}

/** `now`: a moment before its content was read. */
function seenFile(stats: Stats, now: number): SeenFile {
  const { dev, ino, uid, gid, size, ctimeMs, mtimeMs } = stats;
  return { dev, ino, uid, gid, size, ctimeMs, mtimeMs, isSettled: isSettled(ctimeMs, now) };
}

/** Whether a file is as it was when it was read. False also when that cannot be told. */
export function isUnchanged({ ino, size, ctimeMs, mtimeMs }: Stats, seen: SeenFile | undefined): boolean {
  return (
    seen?.isSettled === true &&
    seen.ino === ino &&
    seen.size === size &&
    seen.ctimeMs === ctimeMs &&
    seen.mtimeMs === mtimeMs
  );
}

/** A file's or link's content with its state. Follows no link. Undefined when it cannot be read or is anything else. */
export function readContent(
  path: Buffer,
): { readonly content: Buffer; readonly mode: number; readonly seen: SeenFile } | undefined {
  const now = Date.now();
  try {
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) {
      return { content: readlinkSync(path, 'buffer'), mode: indexMode(stats), seen: seenFile(stats, now) };
    }
    if (!stats.isFile()) return undefined;
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const opened = fstatSync(file);
      if (!opened.isFile()) return undefined;
      return { content: readFileSync(file), mode: indexMode(opened), seen: seenFile(opened, now) };
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
