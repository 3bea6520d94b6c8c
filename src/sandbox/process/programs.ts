import { createHash } from 'node:crypto';
import { open, realpath, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import process from 'node:process';
import { findExecutable } from '../../system/executables.ts';

/** Hashes of programs, by what tells that a file is still the same. */
const hashes = new Map<string, Promise<string>>();

/** The real path and a hash of each program on a PATH that shell commands name, and of what runs these, sorted. */
export async function describePrograms(
  commands: readonly string[],
  searchPath: string,
): Promise<readonly (readonly [path: string, hash: string])[]> {
  const found = new Map<string, string>();
  const open = ['bash', ...commands.flatMap((command) => command.split(/[\s;&|()<>"'`$={}]+/))];
  for (let word = open.pop(); word !== undefined; word = open.pop()) {
    const path = isAbsolute(word) ? word : /^[\w.+-]+$/.test(word) && findExecutable(word, searchPath)?.path;
    const real = path && (await realpath(path).catch(() => undefined));
    if (!real || found.has(real)) continue;
    const file = await stat(real, { bigint: true });
    if (!file.isFile()) continue;
    const identity = [real, file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join('\0');
    const hash = hashes.get(identity) ?? hashFile(real);
    hashes.set(identity, hash);
    found.set(real, await hash);
    open.push(...(await interpreterOf(real)));
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The C library of this machine. */
export function libc(): string {
  return (ofThisMachine ??= findLibc());
}

let ofThisMachine: string | undefined;

function findLibc(): string {
  const report = process.report as (typeof process)['report'] & { excludeNetwork?: boolean };
  report.excludeNetwork = true; // it would look up names
  const { header } = report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime ?? 'not glibc';
}

/** What is read of a program at once: Node has a hundred mebibytes. Bytes. */
const CHUNK_BYTES = 256 * 1024;

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await using file = await open(path);
    const chunk = Buffer.alloc(CHUNK_BYTES); // one for all: new ones cost more than the hash
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytesRead));
    }
  } catch {
    return 'unreadable'; // to commands too, or its path tells enough
  }
}

/** The words of a script's first line. */
async function interpreterOf(path: string): Promise<readonly string[]> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    const line = buffer.toString('latin1', 0, bytesRead).split('\n')[0] ?? '';
    return line.startsWith('#!') ? line.slice(2).trim().split(/\s+/) : [];
  } catch {
    return [];
  }
}
