import { expect, test } from 'vitest';
import type { RunEvent } from '../../../src/events/event.ts';
import { commitFiles, git } from '../../helpers/git-repository.ts';
import { makeServerProject } from '../../helpers/server-project.ts';
import { projectFiles } from '../../helpers/spec-project.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const TASKS = 8;
const slow = (unit: string) => ({
  tasks: Array.from({ length: TASKS }, (_, at) => ({
    gate: `test -e ${unit}${at}`,
    sh: `sleep 1; echo > ${unit}${at}`,
  })),
});

test('an installation that keeps all slots gives one back at its next task, and loses nothing', async () => {
  const environment = { CHOO_CONCURRENCY: '2', CHOO_SLOT_SECONDS: '3' };
  await using project = await makeServerProject({ units: { a: slow('a'), b: slow('b') } }, environment);
  await using place = await temporaryDirectory();
  const other = place.path;
  const quick = { tasks: [{ gate: 'test -e quick', sh: 'echo > quick' }] };
  await commitFiles(other, projectFiles({ units: { quick } }));
  await project.serve();
  const greedy = await project.submit();
  const count = async (state: string, run: string): Promise<unknown> =>
    (
      await project.rows(`select count(*)::int as n from units where run = '${run}' and state = '${state}'`)
    )[0]?.['n'];
  await expect.poll(async () => count('running', greedy), { timeout: 20_000 }).toBe(2);
  const { stdout } = await project.choo('submit', other, '--json');
  const { run: short } = JSON.parse(stdout) as { readonly run: string };
  await project.rows(
    `insert into installations (name, served) values ('other', 0);
     update repositories set installation = 'other' where remote = '${other}'`,
  );
  await expect.poll(async () => count('complete', short), { timeout: 60_000, interval: 200 }).toBe(1);
  expect(await count('complete', greedy)).toBe(0);
  await expect.poll(async () => count('complete', greedy), { timeout: 90_000, interval: 500 }).toBe(2);
  const rows = await project.rows(`select body from events where run = '${greedy}' order by seq`);
  const events = rows.map(({ body }) => body as RunEvent);
  expect(events.flatMap((event) => (event.type === 'unit.released' ? event.reason : []))).toEqual([
    'others wait for its slot',
  ]);
  expect(events.filter(({ type }) => type === 'task.provider.invoke')).toHaveLength(2 * TASKS);
  for (const unit of ['a', 'b']) {
    const log = await git(project.remote, 'log', '--reverse', '--format=%s', `main..choo/unit/main/${unit}`);
    expect(log.split('\n')).toEqual(Array.from({ length: TASKS }, (_, at) => `Step ${at + 1} of ${unit}`));
  }
});
