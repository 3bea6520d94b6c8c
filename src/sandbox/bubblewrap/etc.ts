import { createHash, randomUUID } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { exists } from '../../system/files.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { isShownAnyway, shownPaths } from '../machine/system-view.ts';

/** How long what was found counts: a laptop changes its network. Milliseconds. */
const MAX_AGE_MS = 60_000;
/** How long one is kept that nobody uses. Commands end sooner. Milliseconds. */
const KEPT_MS = 7 * 24 * 60 * 60_000;
/** Copies stand below it. */
const DIRECTORY = 'etc';

interface EtcOptions {
  /** Where copies are kept. Nobody else may write there. */
  readonly directory: string;
  /** The text of files of choo's own, by their names. */
  readonly own: Readonly<Record<string, string>>;
  /** More paths to show. Those that are not below `/etc` are left out. */
  readonly chosen: readonly string[];
}

/**
 * What sandboxes show as `/etc`: a copy of what programs need there, without what the machine closes to other users and without
 * private keys. It is one mount, and made once: what is the same is at the same place. Returns its path.
 */
export function openEtc(options: EtcOptions): () => Promise<string> {
  let shown: { readonly at: number; readonly path: Promise<string> } | undefined;
  return async () => {
    if (shown === undefined || performance.now() - shown.at > MAX_AGE_MS)
      shown = { at: performance.now(), path: make(options) };
    try {
      return await shown.path;
    } catch (error) {
      shown = undefined;
      throw error;
    }
  };
}

async function make({ directory, own, chosen }: EtcOptions): Promise<string> {
  const entries = new Map<string, Entry>();
  const below = chosen.map((path) => relative('/etc', path)).filter((path) => path.split('/')[0] !== '..');
  for (const path of [...shownPaths(namesIn), ...below]) find(path, entries);
  for (const name of Object.keys(own)) entries.delete(name);
  const key = JSON.stringify([own, [...entries]]);
  const copies = join(directory, DIRECTORY);
  const place = join(copies, createHash('sha256').update(key).digest('hex'));
  if (await exists(place)) {
    await utimes(place, new Date(), new Date());
    return place;
  }
  await mkdir(copies, { recursive: true, mode: 0o755 });
  await removeUnused(copies);
  const draft = join(copies, `draft-${randomUUID()}`);
  await mkdir(draft, { mode: 0o755 });
  for (const [path, entry] of entries) await copy(entry, join(draft, path));
  for (const [name, text] of Object.entries(own)) await writeFile(join(draft, name), text, { mode: 0o644 });
  await rename(draft, place).catch(async () => removeTree(draft)); // another one was faster
  return place;
}

/** What is copied. Its fields tell whether it is still the same. */
interface Entry {
  readonly from: string;
  /** It is a link there, to this. */
  readonly linkTo?: string;
  readonly kind: 'directory' | 'file' | 'link';
  readonly identity: readonly number[];
}

/** Adds a path below `/etc`, and all that is in it. */
function find(path: string, entries: Map<string, Entry>): void {
  const written = join('/etc', path);
  const real = realPath(written);
  // A link out of what is shown, such as that of systemd's resolver, would lead nowhere.
  const from = real === undefined || isShownAnyway(real) ? written : real;
  add(path, from, entries);
}

function add(path: string, from: string, entries: Map<string, Entry>): void {
  const stat = lstatSync(from, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const identity = [stat.ino, stat.size, stat.mode, stat.mtimeMs, stat.ctimeMs];
  if (stat.isSymbolicLink()) {
    entries.set(path, { from, kind: 'link', linkTo: readlinkSync(from), identity });
  } else if (stat.isDirectory() && isOpen(stat, 0o005)) {
    entries.set(path, { from, kind: 'directory', identity });
    for (const name of readdirSync(from)) add(join(path, name), join(from, name), entries);
  } else if (stat.isFile() && isOpen(stat, 0o004)) {
    entries.set(path, { from, kind: 'file', identity });
  }
}

/** Whether every user of the machine has these rights: an ordinary user keeps its id and groups inside. */
function isOpen({ mode }: Stats, rights: number): boolean {
  return (mode & rights) === rights;
}

async function copy({ from, kind, linkTo }: Entry, to: string): Promise<void> {
  await mkdir(kind === 'directory' ? to : dirname(to), { recursive: true, mode: 0o755 });
  if (kind === 'link') await symlink(linkTo ?? '', to);
  if (kind !== 'file') return;
  const content = await readFile(from);
  if (content.includes('PRIVATE KEY-----')) return;
  const { mode } = await stat(from);
  await writeFile(to, content, { mode: (mode & 0o111) === 0 ? 0o644 : 0o755 });
}

async function removeUnused(copies: string): Promise<void> {
  for (const name of await readdir(copies)) {
    const path = join(copies, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > KEPT_MS) await removeTree(path);
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(join('/etc', path));
  } catch {
    return []; // it is not there, or closed to this user
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
