import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { ChooError } from '../../errors.ts';

/**
 * Makes git compare by content those files of an index that last changed in this second or the one before. git compares
 * times in whole seconds, so an agent could change a file unseen by writing as many bytes within the second of its last
 * change and restoring its modification time. Only files with such a recent change time (ctime), which no program can
 * set, are at risk.
 */
export async function smudgeRacyEntries(
  indexFile: string,
  objectFormat: string,
  now = Date.now(),
): Promise<void> {
  const index = await readFile(indexFile);
  const version = index.readUInt32BE(4);
  if (version !== 2 && version !== 3)
    throw new ChooError('internal', `git wrote an index of version ${version}`);
  const idBytes = objectFormat === 'sha256' ? 32 : 20;
  const since = Math.floor(now / 1000) - 1;
  let changed = false;
  let offset = 12;
  for (let left = index.readUInt32BE(8); left > 0; left -= 1) {
    if (index.readUInt32BE(offset) >= since) {
      index.writeUInt32BE(0, offset + SIZE_OFFSET); // git's own mark for "compare the content"
      changed = true;
    }
    const flags = offset + ID_OFFSET + idBytes;
    const name = flags + ((index.readUInt16BE(flags) & EXTENDED) === 0 ? 2 : 4);
    offset += (index.indexOf(0, name) - offset + 8) & ~7;
  }
  if (!changed) return;
  const end = index.length - idBytes;
  createHash(objectFormat).update(index.subarray(0, end)).digest().copy(index, end);
  await writeFile(indexFile, index);
}

// An entry: times of change and of writing (8 bytes each), device, inode, mode, owner, group, size, id, flags, name, NULs.
const SIZE_OFFSET = 36;
const ID_OFFSET = 40;
const EXTENDED = 0x4000;
