import { expect, test } from 'vitest';
import { ended, planned, quiet } from '../../helpers/app-waits.ts';
import { makeAppWorld, REPO, type State } from '../../helpers/app-world.ts';

const build = (file: string) => ({ tasks: [{ gate: `test -f ${file}`, sh: `echo ${file} > ${file}` }] });

test('a renamed default branch keeps its runs, records and pull requests, and nothing is done twice', async () => {
  await using world = await makeAppWorld({
    units: { core: build('core.txt'), api: { dependsOn: ['core'], ...build('api.txt') } },
  });
  const { github } = world;
  const alice = github.as('alice');
  await world.start();
  const commit = await world.push('alice', 'main', {
    'README.md': 'Widgets.',
    'specs/tasks/core/note.md': 'Mind.',
  });
  await planned(world, commit);
  const issue = await alice.createIssue(REPO, { title: 'Build it' });
  await alice.comment(REPO, issue, '/choo run');
  await ended(world, 1);
  const before = await quiet(world);
  const outline = ({ pulls }: State) =>
    pulls
      .map(({ number, state, draft, head, base }) => ({
        number,
        state,
        draft,
        head: head.ref,
        head_sha: head.sha,
        base: base.ref,
      }))
      .toSorted((a, b) => a.number - b.number);
  expect(outline(before)).toHaveLength(2);

  // Another default branch, beside the old one, is no rename.
  await world.push('alice', 'other', { 'other.txt': '' });
  await github.settled();
  const { body = {} } = github.deliveries.findLast(({ event }) => event === 'push') ?? {};
  const { repository, installation, sender } = body;
  const chosen = { ...(repository as object), default_branch: 'other' };
  const changes = { default_branch: { from: 'main' } };
  github.deliver('repository', { action: 'edited', changes, repository: chosen, installation, sender });
  await quiet(world);
  expect(await targets('records')).toEqual(['main', 'main']);

  await github.as('team').renameBranch(REPO, 'main', 'trunk');
  await github.settled();
  const renamed = await quiet(world);
  const expected = outline(before).map((pull) => ({
    ...pull,
    base: pull.base === 'main' ? 'trunk' : pull.base,
  }));
  expect(outline(renamed)).toEqual(expected);
  expect(await targets('records')).toEqual(['trunk', 'trunk']);
  expect(await targets('unit_pulls')).toEqual(['trunk', 'trunk']);
  expect(await targets('runs')).toEqual(['trunk']);

  // Delivered once more it changes nothing; and asked for again, nothing is left to do.
  for (const delivery of github.deliveries.filter(({ event }) => event === 'repository'))
    github.redeliver(delivery, { newGuid: true });
  await alice.comment(REPO, issue, '/choo run');
  await world.until(
    'the answer',
    ({ comments }) => comments.filter(({ issue: at }) => at === issue).length > before.comments.length + 1,
  );
  const after = await quiet(world);
  expect(outline(after)).toEqual(expected);
  expect(
    Object.keys(after.refs)
      .filter((ref) => ref.includes('/choo/'))
      .toSorted(),
  ).toEqual(['refs/heads/choo/unit/main/api', 'refs/heads/choo/unit/main/core']);

  async function targets(table: string) {
    const rows = await world.server.rows(`select target from ${table} order by target`);
    return rows.map(({ target }) => target);
  }
}, 180_000);
