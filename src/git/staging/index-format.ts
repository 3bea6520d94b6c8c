import { createHash } from 'node:crypto';
import { ChooError } from '../../errors.ts';
import type { StagedFile } from './staged-tree.ts';

const GITLINK_MODE = 0o160000;
/** Flags of an entry that mean more than a file: assumed unchanged, extended, in conflict. */
const SPECIAL_FLAGS = 0xf000;
/** Seconds of change and of writing, each with nanoseconds; device, inode, mode, owner, group, size. Bytes. */
const STAT_BYTES = 40;

/**
 * The paths of an index file and what is staged there; undefined when there is anything but plain files and links. What the
 * index says of the files on disk is not taken over: its times are not exact enough.
 */
export function parseIndex(
  index: Buffer,
  objectFormat: string,
): readonly (readonly [path: string, file: StagedFile])[] | undefined {
  const idBytes = idLength(objectFormat);
  if (index.readUInt32BE(4) !== 2) return undefined;
  const files: (readonly [string, StagedFile])[] = [];
  let offset = 12;
  for (let left = index.readUInt32BE(8); left > 0; left -= 1) {
    const mode = index.readUInt32BE(offset + 24);
    const flags = index.readUInt16BE(offset + STAT_BYTES + idBytes);
    if ((flags & SPECIAL_FLAGS) !== 0 || mode === GITLINK_MODE) return undefined;
    const name = offset + STAT_BYTES + idBytes + 2;
    const end = index.indexOf(0, name);
    const id = index.toString('hex', offset + STAT_BYTES, offset + STAT_BYTES + idBytes);
    files.push([index.toString('latin1', name, end), { mode, id, seen: undefined }]);
    offset += entryLength(end - name, idBytes);
  }
  return files;
}

/**
 * The same as an index file for git. git compares times in whole seconds: a file that changed in this second or the one before
 * has no size, which is git's own mark for "compare the content".
 */
export function formatIndex(
  files: readonly (readonly [path: string, file: StagedFile])[],
  objectFormat: string,
  now = Date.now(),
): Buffer {
  const idBytes = idLength(objectFormat);
  const since = (Math.floor(now / 1_000) - 1) * 1_000;
  const entries = files.reduce((sum, [path]) => sum + entryLength(path.length, idBytes), 0);
  const index = Buffer.alloc(12 + entries + idBytes);
  index.write('DIRC', 0, 'latin1');
  index.writeUInt32BE(2, 4);
  index.writeUInt32BE(files.length, 8);
  let offset = 12;
  for (const [path, { mode, id, seen }] of files) {
    if (seen !== undefined) {
      writeTime(index, offset, seen.ctimeMs);
      writeTime(index, offset + 8, seen.mtimeMs);
      const isOld = seen.isSettled && seen.ctimeMs < since;
      const numbers = [seen.dev, seen.ino, mode, seen.uid, seen.gid, isOld ? seen.size : 0];
      for (const [position, number] of numbers.entries())
        index.writeUInt32BE(number >>> 0, offset + 16 + 4 * position);
    }
    index.writeUInt32BE(mode, offset + 24);
    index.write(id, offset + STAT_BYTES, 'hex');
    index.writeUInt16BE(Math.min(path.length, 0xfff), offset + STAT_BYTES + idBytes);
    index.write(path, offset + STAT_BYTES + idBytes + 2, 'latin1');
    offset += entryLength(path.length, idBytes);
  }
  createHash(objectFormat).update(index.subarray(0, offset)).digest().copy(index, offset);
  return index;
}

/** At least one NUL ends a name, and every entry has a multiple of eight bytes. */
function entryLength(nameLength: number, idBytes: number): number {
  return (STAT_BYTES + idBytes + 2 + nameLength + 8) & ~7;
}

function writeTime(index: Buffer, offset: number, ms: number): void {
  const seconds = Math.floor(ms / 1_000);
  index.writeUInt32BE(seconds >>> 0, offset);
  index.writeUInt32BE(Math.min(Math.round((ms - seconds * 1_000) * 1e6), 999_999_999), offset + 4);
}

function idLength(objectFormat: string): number {
  if (objectFormat === 'sha1') return 20;
  if (objectFormat === 'sha256') return 32;
  throw new ChooError('internal', `there is no object format \`${objectFormat}\``);
}
