import { sql } from 'kysely';
import { expect, test } from 'vitest';
import {
  findRepositoryByRemote,
  forgetLost,
  loseRepository,
  noteRepository,
  rememberRepository,
} from '../../../src/store/github-repositories.ts';
import { openServerStore } from '../../helpers/server-store.ts';

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
  const known = await rememberRepository(database, WIDGETS);
  await noteRepository(database, known.id, { configCommit: 'c', hasLabels: true });
  const moved = {
    ...WIDGETS,
    name: 'gadgets',
    remote: 'https://github.com/team/gadgets.git',
    installation: 8,
  };
  expect(await rememberRepository(database, moved)).toMatchObject({
    id: known.id,
    name: 'gadgets',
    configCommit: 'c',
  });
  // Another one takes the name that is free now, and has nothing of the first.
  const other = await rememberRepository(database, { ...WIDGETS, githubId: 71 });
  expect(other.id).not.toBe(known.id);
  expect(other).toMatchObject({ configCommit: null, hasLabels: false });
  expect((await findRepositoryByRemote(database, moved.remote))?.githubId).toBe(70);
  // And one that is called as a living one was made anew after that was deleted.
  const again = await rememberRepository(database, { ...moved, githubId: 72 });
  expect(again.id).not.toBe(known.id);
  expect((await findRepositoryByRemote(database, moved.remote))?.githubId).toBe(72);
});

test('one that choo was taken off is not seen, comes back as it was, and is forgotten in the end', async () => {
  await using server = await openServerStore();
  await using process = await server.open();
  const { database } = process;
  const known = await rememberRepository(database, WIDGETS);
  await noteRepository(database, known.id, { configCommit: 'c' });
  await sql`insert into deliveries (id, event, payload, github_repository) values ('d', 'push', '{}', 70)`.execute(
    database,
  );
  expect(await loseRepository(database, 70)).toEqual([]);
  expect(await findRepositoryByRemote(database, WIDGETS.remote)).toBeUndefined();
  expect(await forgetLost(database, 12)).toEqual([]);
  expect(await rememberRepository(database, WIDGETS)).toMatchObject({ id: known.id, configCommit: 'c' });
  await loseRepository(database, 70);
  await sql`update github_repositories set removed_at = now() - interval '13 hours'`.execute(database);
  expect(await forgetLost(database, 12)).toEqual([WIDGETS.remote]);
  const { rows } =
    await sql`select (select count(*) from repositories) + (select count(*) from deliveries) as left`.execute(
      database,
    );
  expect(rows).toEqual([{ left: '0' }]);
});
