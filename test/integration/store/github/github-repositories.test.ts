import { sql } from 'kysely';
import { expect, test } from 'vitest';
import {
  findRepositoryById,
  deleteRemovedRepositories,
  markRepositoryRemoved,
  updateRepository,
  upsertRepository,
} from '../../../../src/store/github/github-repositories.ts';
import { findRepositoryRow } from '../../../../src/store/github/repositories.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const WIDGETS = {
  githubId: 70,
  installation: 7,
  owner: 'team',
  name: 'widgets',
  defaultBranch: 'main',
  remote: 'https://github.com/team/widgets.git',
};

test('a repository is the one with its number, whatever it is called', async () => {
  await using server = await openServerStore();
  await using process = await server.open();
  const { database } = process;
  const known = await upsertRepository(database, WIDGETS);
  await updateRepository(database, known.id, { configCommit: 'c', hasLabels: true });
  const moved = {
    ...WIDGETS,
    name: 'gadgets',
    remote: 'https://github.com/team/gadgets.git',
    installation: 8,
  };
  expect(await upsertRepository(database, moved)).toMatchObject({
    id: known.id,
    name: 'gadgets',
    configCommit: 'c',
  });
  // Another one takes the name that is free now, and has nothing of the first.
  const other = await upsertRepository(database, { ...WIDGETS, githubId: 71 });
  expect(other.id).not.toBe(known.id);
  expect(other).toMatchObject({ configCommit: null, hasLabels: false });
  expect(await findRepositoryRow(database, known.id)).toMatchObject({
    remote: moved.remote,
    isDisplaced: false,
    github: { id: '70', installation: '8', isLost: false },
  });
  // And one that is called as a living one was made anew after that was deleted.
  const again = await upsertRepository(database, { ...moved, githubId: 72 });
  expect(again.id).not.toBe(known.id);
  expect(await findRepositoryRow(database, again.id)).toMatchObject({ isDisplaced: false });
  expect(await findRepositoryRow(database, known.id)).toMatchObject({
    remote: moved.remote,
    isDisplaced: true,
  });
});

test('one that choo was taken off is not seen, comes back as it was, and is forgotten in the end', async () => {
  await using server = await openServerStore();
  await using process = await server.open();
  const { database } = process;
  const known = await upsertRepository(database, WIDGETS);
  await updateRepository(database, known.id, { configCommit: 'c' });
  await sql`insert into deliveries (id, event, payload, github_repository) values ('d', 'push', '{}', 70)`.execute(
    database,
  );
  expect(await markRepositoryRemoved(database, 70)).toEqual([]);
  expect(await findRepositoryById(database, known.id)).toBeUndefined();
  expect(await deleteRemovedRepositories(database, 12)).toEqual([]);
  expect(await upsertRepository(database, WIDGETS)).toMatchObject({ id: known.id, configCommit: 'c' });
  await markRepositoryRemoved(database, 70);
  await sql`update github_repositories set removed_at = now() - interval '13 hours'`.execute(database);
  expect(await deleteRemovedRepositories(database, 12)).toEqual([WIDGETS.remote]);
  const { rows } =
    await sql`select (select count(*) from repositories) + (select count(*) from deliveries) as left`.execute(
      database,
    );
  expect(rows).toEqual([{ left: '0' }]);
});

test('a copy is left behind when its repository is lost or gets other owners, and only then', async () => {
  await using server = await openServerStore();
  await using process = await server.open();
  const { database } = process;
  const { id } = await upsertRepository(database, WIDGETS);
  const copy = async () => (await findRepositoryRow(database, id))?.copy;
  const first = await copy();
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  const gadgets = { ...WIDGETS, name: 'gadgets', remote: 'https://github.com/team/gadgets.git' };
  await upsertRepository(database, gadgets);
  expect(await copy()).toBe(first);
  // It came to installation 8 before 7 said that it had lost it.
  await upsertRepository(database, { ...gadgets, installation: 8 });
  const second = await copy();
  expect(second).not.toBe(first);
  await markRepositoryRemoved(database, 70, 7);
  expect(await findRepositoryRow(database, id)).toMatchObject({ copy: second, github: { isLost: false } });
  await markRepositoryRemoved(database, 70, 8);
  expect(await findRepositoryRow(database, id)).toMatchObject({ github: { isLost: true } });
  await upsertRepository(database, { ...gadgets, installation: 8 });
  expect([first, second]).not.toContain(await copy());
  expect(
    new Set([await copy(), (await findRepositoryRow(database, await server.repository()))?.copy]).size,
  ).toBe(2);
});
