import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { chmod, chown, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { INSIDE_UID } from '../../../../src/sandbox/bubblewrap/sandbox-user.ts';
import { openEmbedded } from '../../../../src/store/embedded/embedded.ts';
import { findPackage } from '../../../../src/store/embedded/postgres-binaries.ts';
import { descendants, inspectAll } from '../../../../src/system/process-tree.ts';
import {
  dataDirectory,
  IS_ROOT,
  ORDINARY_UID,
  query,
  startDatabaseProcess,
} from '../../../helpers/database-process.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

/** Who owns the processes of a server. */
async function ownersOf(postmaster: number | undefined): Promise<readonly number[]> {
  const processes = descendants(inspectAll(), postmaster ?? 0);
  // One may have ended since.
  const owners = processes.map(async ({ pid }) =>
    stat(`/proc/${pid}`).then(
      ({ uid }) => [uid],
      () => [],
    ),
  );
  return (await Promise.all(owners)).flat();
}

/** Where choo puts what it needs and cannot have in the data directory. Gone after the test, unless it was there before. */
function cacheDirectory(): AsyncDisposable & { readonly path: string } {
  const path = '/var/cache/choo';
  const isNew = !existsSync(path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      if (isNew) await rm(path, { recursive: true, force: true });
    },
  };
}

describe('the server’s user', () => {
  test.runIf(IS_ROOT)('is not root when choo is, nor the sandbox’s', async () => {
    await using place = await dataDirectory({ empty: true });
    await using _ = await openEmbedded(place.path);
    const { uid } = await stat(place.data);
    expect([0, INSIDE_UID]).not.toContain(uid);
    expect(new Set(await ownersOf(await place.postmaster()))).toEqual(new Set([uid]));
  });

  test('is choo’s own when choo is not root', async () => {
    await using place = await dataDirectory({ empty: true });
    const uid = IS_ROOT ? ORDINARY_UID : (process.getuid?.() ?? 0);
    await chown(place.path, uid, IS_ROOT ? uid : (process.getgid?.() ?? 0));
    await chmod(place.path, 0o700);
    await using user = await startDatabaseProcess(place.path, { uid: ORDINARY_UID });
    await user.opened();
    expect(new Set(await ownersOf(await place.postmaster()))).toEqual(new Set([uid]));
    await using second = await startDatabaseProcess(place.path, { uid: ORDINARY_UID });
    await second.opened();
    await user.release();
    await second.release();
    expect(await place.postmaster()).toBeUndefined();
  });

  test.runIf(IS_ROOT)('stays the owner of the data, and root is let in', async () => {
    await using place = await dataDirectory();
    await execa('chown', ['-R', `${ORDINARY_UID}:${ORDINARY_UID}`, place.path]);
    await using user = await startDatabaseProcess(place.path, { uid: ORDINARY_UID });
    await user.opened();
    await using joined = await openEmbedded(place.path);
    expect(await query(joined.connection, 'select 1 as one')).toEqual({ one: 1 });
    await user.release();
    await joined[Symbol.asyncDispose]();
    await using started = await openEmbedded(place.path);
    expect(await query(started.connection, 'select 1 as one')).toEqual({ one: 1 });
    expect(new Set(await ownersOf(await place.postmaster()))).toEqual(new Set([ORDINARY_UID]));
  });

  test.runIf(IS_ROOT)('cannot be one that does not own the data', async () => {
    await using place = await dataDirectory();
    await using user = await startDatabaseProcess(place.path, { uid: ORDINARY_UID });
    expect(await user.nextLine()).toMatchObject({
      error: {
        code: 'environment',
        message: `${place.data} belongs to user ${(await stat(place.data)).uid}, and choo runs as \`nobody\``,
      },
    });
    await using empty = await dataDirectory({ empty: true });
    await using stranger = await startDatabaseProcess(empty.path, { uid: ORDINARY_UID });
    expect(await stranger.nextLine()).toMatchObject({
      error: {
        code: 'environment',
        message: expect.stringContaining(`choo cannot keep its database in ${empty.path}`),
      },
    });
  });

  test.runIf(IS_ROOT)('needs no way to the data directory, whatever the umask', async () => {
    await using closed = await temporaryDirectory(); // 0700, and root's
    await using cache = cacheDirectory();
    const through = ['sh', '-c', 'umask 077; exec "$@"', 'sh'];
    const path = join(closed.path, 'data');
    await using first = await startDatabaseProcess(path, { through });
    const { connection } = await first.opened();
    await query(connection, 'create table kept as select 42 as answer');
    await using second = await startDatabaseProcess(path, { through });
    await second.opened();
    await first.release();
    expect(await query(connection, 'select answer from kept')).toEqual({ answer: 42 });
    await second.release();
    expect(existsSync(join(path, 'postgres/postmaster.pid'))).toBe(false);
    expect((await readdir(path)).toSorted()).toEqual(['postgres', 'postgres-users']);
    await using again = await openEmbedded(path);
    expect(await query(again.connection, 'select answer from kept')).toEqual({ answer: 42 });
    expect(await readdir(join(cache.path, 'postgres-binaries'))).toContain((await findPackage()).name);
  });

  test.runIf(IS_ROOT)('must be one that the machine knows', async () => {
    await using place = await dataDirectory({ empty: true });
    await chmod(place.path, 0o777);
    await using user = await startDatabaseProcess(place.path, { uid: 61_000 });
    expect(await user.nextLine()).toMatchObject({
      error: { code: 'environment', message: 'user 61000 is not in /etc/passwd' },
    });
  });

  test.runIf(IS_ROOT)(
    'is no riddle to a root who may not look at its processes, as in a container',
    async () => {
      await using place = await dataDirectory();
      const through = [
        'setpriv',
        '--bounding-set=-sys_ptrace,-sys_admin',
        '--inh-caps=-sys_ptrace,-sys_admin',
      ];
      await using first = await startDatabaseProcess(place.path, { through });
      await first.opened();
      const postmaster = await place.postmaster();
      await using second = await startDatabaseProcess(place.path, { through });
      await second.opened();
      expect(await place.postmaster()).toBe(postmaster);
      await first.release();
      expect(await place.postmaster()).toBe(postmaster);
      await second.release();
      expect(await place.postmaster()).toBeUndefined();
    },
  );
});
