import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { sql } from 'kysely';
import { openDatabase } from '../../src/store/database/database.ts';
import { migrate } from '../../src/store/database/migrate.ts';
import { openEmbedded } from '../../src/store/embedded/embedded.ts';
import { acquireServerLock } from '../../src/store/embedded/server-lock.ts';

/** `bare`: as PostgreSQL makes it. `choo`: with the tables of choo, and careless of power cuts, which no test survives. */
type Kind = 'bare' | 'choo';

const onError = (): void => {};

/**
 * Puts the built-in database of a data directory there, made beforehand and stopped: a copy takes a tenth of the time that
 * making one does. Each kind is made by the first test of a run that asks for it.
 */
export async function copyDatabase(dataDirectory: string, kind: Kind): Promise<void> {
  const template = await findTemplate(kind);
  await mkdir(dataDirectory, { recursive: true });
  await execa('cp', ['--archive', join(template, 'postgres'), dataDirectory]);
  await execa('cp', ['--archive', '--link', join(template, 'postgres-binaries'), dataDirectory]);
}

/** Returns its directory, which goes with that of the run. */
async function findTemplate(kind: Kind): Promise<string> {
  const all = join(tmpdir(), 'choo-databases');
  const path = join(all, kind);
  if (existsSync(path)) return path;
  await mkdir(all, { recursive: true, mode: 0o711 }); // the server may run as another user
  await using _ = await acquireServerLock(join(all, `${kind}-turn`));
  if (existsSync(path)) return path;
  const draft = await mkdtemp(`${path}-`);
  try {
    await chmod(draft, 0o711);
    if (kind === 'choo') await copyDatabase(draft, 'bare');
    await make(draft, kind);
    await rename(draft, path);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return path;
}

async function make(dataDirectory: string, kind: Kind): Promise<void> {
  await using server = await openEmbedded(dataDirectory);
  if (kind === 'bare') return;
  const database = openDatabase(server.connection, { name: 'template', size: 1, onError });
  await migrate(database);
  await sql`alter system set fsync = off`.execute(database);
  await database.destroy();
}
