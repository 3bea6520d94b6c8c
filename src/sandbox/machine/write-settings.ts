import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeTree } from '../../system/remove-tree.ts';

/** Texts that no command was shown for so long are removed. Milliseconds. */
const UNUSED_MS = 7 * 86_400_000;
/** How exactly it is known when they were shown. Milliseconds. */
const USE_MS = 3_600_000;

/**
 * Writes texts where a sandbox can show them from, below a directory of choo's own, once: the same texts are at the same
 * place. Returns the path of each by its place inside. Call it for each command: what was not shown for a week goes.
 */
export async function writeSettings(
  files: Readonly<Record<string, string>>,
  directory: string,
): Promise<ReadonlyMap<string, string>> {
  const entries = Object.entries(files);
  if (entries.length === 0) return new Map();
  const name = createHash('sha256').update(JSON.stringify(entries)).digest('hex');
  const place = join(directory, 'settings', name);
  const written = await stat(place).catch(() => undefined);
  if (written !== undefined && Date.now() - written.mtimeMs > USE_MS)
    await utimes(place, new Date(), new Date()).catch(() => {}); // another user's choo wrote it
  if (written === undefined) {
    const draft = join(dirname(place), `.draft-${randomUUID()}`);
    await mkdir(draft, { recursive: true, mode: 0o755 });
    for (const [index, [, text]] of entries.entries())
      await writeFile(join(draft, String(index)), text, { mode: 0o644 });
    await rename(draft, place).catch(async () => removeTree(draft)); // another one was faster
    await removeUnused(dirname(place));
  }
  return new Map(entries.map(([at], index) => [at, join(place, String(index))]));
}

async function removeUnused(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > UNUSED_MS) await removeTree(path).catch(() => {}); // another user's
  }
}
