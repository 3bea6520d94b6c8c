import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { ceilingsOf } from '../../../../src/config/ceilings.ts';
import { ServerContexts } from '../../../../src/orchestrator/server/server-context.ts';
import { performInline } from '../../../../src/plan-thread/plan-thread.ts';
import { commitFiles, git } from '../../../helpers/git-repository.ts';
import { openServerStore } from '../../../helpers/server-store.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const NAME = 'choo/base/main/unit';

test('a base branch that is deleted again and again is made again three times an hour, whatever restarts', async () => {
  await using place = await temporaryDirectory();
  const [user, remote] = [join(place.path, 'user'), join(place.path, 'remote.git')];
  await mkdir(user);
  const core = await commitFiles(user, { 'read.me': 'widgets' });
  await git(user, 'clone', '--quiet', '--bare', user, remote);
  await using server = await openServerStore();
  const id = await server.repository(remote);
  const isThere = async (): Promise<boolean> => (await git(remote, 'branch', '--list', NAME)) !== '';

  /** Makes the branch again in a process of its own, unless that refuses it. */
  const makeAgain = async (process: number): Promise<unknown> => {
    vi.resetModules();
    const { publishBase } = await import('../../../../src/app/pulls/base-branch.ts');
    await using store = await server.open();
    await using contexts = new ServerContexts(store, {
      dataDirectory: join(place.path, `data-${process}`),
      searchPath: globalThis.process.env['PATH'] ?? '',
      ceilings: ceilingsOf({}),
      perform: performInline(),
    });
    using copy = await contexts.remotes.open(id);
    await copy.branches.fetch();
    const wanted = { id, name: NAME, core, before: undefined, way: 'merge' } as const;
    return await publishBase(wanted, copy.repository, copy, store.database);
  };

  for (let made = 0; made <= 3; made += 1) {
    expect(await makeAgain(made)).toBeUndefined();
    expect(await isThere()).toBe(true);
    await git(remote, 'branch', '--quiet', '-D', NAME);
  }
  expect(await makeAgain(4)).toEqual({ kind: 'deleted' });
  expect(await isThere()).toBe(false);

  // An hour later, it is.
  await using store = await server.open();
  await sql`update base_branches set made_at = made_at - interval '1 hour'`.execute(store.database);
  expect(await makeAgain(5)).toBeUndefined();
  expect(await isThere()).toBe(true);
}, 240_000);
