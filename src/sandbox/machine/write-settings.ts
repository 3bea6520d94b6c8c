import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists } from '../../system/files.ts';
import { removeTree } from '../../system/remove-tree.ts';

/**
 * Writes texts where a sandbox can show them from, below a directory of choo's own, once: the same texts are at the same
 * place. Returns the path of each by its place inside.
 */
export async function writeSettings(
  files: Readonly<Record<string, string>>,
  directory: string,
): Promise<ReadonlyMap<string, string>> {
  const entries = Object.entries(files);
  if (entries.length === 0) return new Map();
  const name = createHash('sha256').update(JSON.stringify(entries)).digest('hex');
  const place = join(directory, 'settings', name);
  if (!(await exists(place))) {
    const draft = join(dirname(place), `.draft-${randomUUID()}`);
    await mkdir(draft, { recursive: true, mode: 0o755 });
    for (const [index, [, text]] of entries.entries())
      await writeFile(join(draft, String(index)), text, { mode: 0o644 });
    await rename(draft, place).catch(async () => removeTree(draft)); // another one was faster
  }
  return new Map(entries.map(([at], index) => [at, join(place, String(index))]));
}
