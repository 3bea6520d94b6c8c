import { opendir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isShownAnyway } from './system-view.ts';

/** Larger than any bundle of certificates. Bytes. */
const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
/** Maximum entries of a directory of certificates. */
const MAX_ENTRIES = 10_000;

/** A path that may be shown: `show`, beside the system. Or why not, as the end of a sentence. */
export type Trusted = { readonly show: readonly string[] } | { readonly refusal: string };

/** Whether what a variable names is a file of certificates, and nothing that must stay with choo's user. */
export async function readTrustedFile(path: string): Promise<Trusted> {
  if (!isAbsolute(path)) return { refusal: 'is no absolute path' };
  try {
    const { size, mode } = await stat(path);
    if (process.getuid?.() === 0 && (mode & 0o004) === 0) return { refusal: 'is closed to other users' };
    if (size > MAX_BUNDLE_BYTES) return { refusal: 'is too large for certificates' };
    const text = await readFile(path, 'latin1');
    if (text.includes('PRIVATE KEY-----')) return { refusal: 'holds a private key' };
    if (!/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(text))
      return { refusal: 'holds no certificate in PEM' };
    return { show: isShownAnyway(await realpath(path)) && isShownAnyway(path) ? [] : [path] };
  } catch {
    return { refusal: 'cannot be read' };
  }
}

/** The same for directories of certificates, with colons between them: each is shown with its certificates alone. */
export async function readTrustedDirectories(paths: string): Promise<Trusted> {
  const show: string[] = [];
  for (const path of paths.split(':')) {
    if (isShownAnyway(path)) continue;
    if (!isAbsolute(path)) return { refusal: 'is no absolute path' };
    let left = MAX_ENTRIES;
    try {
      for await (const { name } of await opendir(path)) {
        left -= 1;
        if (left === 0) return { refusal: 'has too many entries' };
        const file = await readTrustedFile(join(path, name));
        if ('show' in file) show.push(...file.show);
      }
    } catch {
      return { refusal: 'cannot be read' };
    }
  }
  return { show };
}
