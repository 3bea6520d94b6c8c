import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, planned, quiet, seen } from '../../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO } from '../../helpers/app-world.ts';
import { commitFiles } from '../../helpers/git-repository.ts';
import { projectFiles } from '../../helpers/spec-project.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const slow = { tasks: [{ gate: 'test -f slow.txt', sh: 'sleep 90; echo > slow.txt' }] };
const flaky = (gate: string) => ({ tasks: [{ gate, sh: 'true' }] });
const config = 'parallelism: 8\nlimits:\n  attempts: 1\n';

describe('what is under way', () => {
  let world: AppWorld;
  beforeAll(async () => {
    world = await makeAppWorld({ units: { slow, flaky: flaky('test -f one.txt') }, config });
    await world.start({ CHOO_CONCURRENCY: '8' });
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  const statuses = async (where = 'true'): Promise<readonly unknown[]> =>
    (
      await world.server.rows(
        `select status from runs join reports on run = id join events on events.run = id and events.seq = 1
         where ${where} order by events.at`,
      )
    ).map(({ status }) => status);
  const becomes = async (expected: readonly string[], where?: string): Promise<void> => {
    await expect.poll(async () => statuses(where), { interval: 100, timeout: 30_000 }).toEqual(expected);
  };
  const answer = async (issue: number, words: RegExp): Promise<string> => {
    const state = await world.until(`an answer with ${words.source}`, ({ comments }) =>
      comments.some(
        (each) => each.issue === issue && each.body.includes('choo:answer') && words.test(each.body),
      ),
    );
    return state.comments.find((each) => each.issue === issue && words.test(each.body))?.body ?? '';
  };
  /** Pushes new specs, which run by themselves; the id of that run once its slow unit runs. */
  const pushedRun = async (name: string): Promise<{ readonly run: string; readonly commit: string }> => {
    const commit = await world.push('alice', 'main', {
      ...projectFiles({ units: { [name]: slow }, config: `${config}run_on: push\n` }),
    });
    await world.until('the unit to run', ({ checks }) =>
      checks.some(
        (each) => each.name === `choo / ${name}` && each.head_sha === commit && each.status === 'in_progress',
      ),
    );
    const [row] = await world.server.rows(
      `select id from runs join github_repositories using (repository) where status = 'running'`,
    );
    return { run: String(row?.['id']), commit };
  };

  test('is cancelled before what waits for it', async () => {
    const alice = world.github.as('alice');
    const issue = await alice.createIssue(REPO, { title: 'Two runs' });
    await alice.comment(REPO, issue, '/choo run slow');
    await becomes(['running']);
    await alice.comment(REPO, issue, '/choo run slow');
    await becomes(['running', 'waiting']);
    const [, second] = await world.server.rows(
      `select run from reports join events using (run) where events.seq = 1 order by events.at`,
    );
    await alice.comment(REPO, issue, '/choo cancel');
    await becomes(['cancelled', 'running']);
    await answer(issue, new RegExp(`is cancelled.*${String(second?.['run'])}`));
    await alice.comment(REPO, issue, '/choo cancel');
    await becomes(['cancelled', 'cancelled']);
    await quiet(world);
    expect(await statuses()).toEqual(['cancelled', 'cancelled']);
    await alice.comment(REPO, issue, '/choo run slow');
    await becomes(['cancelled', 'cancelled', 'running']);
    await alice.comment(REPO, issue, '/choo run slow');
    await becomes(['cancelled', 'cancelled', 'running', 'waiting']);
    await alice.comment(REPO, issue, '/choo cancel all');
    await becomes(['cancelled', 'cancelled', 'cancelled', 'cancelled']);
    await quiet(world);
    const [started] = await world.server.rows(
      `select count(*)::int as n from events where run = (
         select run from events where events.seq = 1 order by at desc limit 1) and body->>'type' = 'unit.started'`,
    );
    expect(started).toEqual({ n: 0 }); // what waited never began
  });

  test('goes with its pull request, and so does what waits for it', async () => {
    const alice = world.github.as('alice');
    const { '.choo.yml': _, ...files } = projectFiles({ units: { late: slow } });
    await planned(world, await world.push('alice', 'closed', files));
    const pull = await alice.openPull(REPO, { head: 'closed', base: 'main', title: 'Closed' });
    await seen(world, pull);
    await alice.comment(REPO, pull, '/choo run late');
    await becomes(['running'], `thread = ${pull}`);
    await alice.comment(REPO, pull, '/choo run late');
    await becomes(['running', 'waiting'], `thread = ${pull}`);
    await alice.close(REPO, pull);
    await becomes(['cancelled', 'cancelled'], `thread = ${pull}`);
    await quiet(world);
    expect(await statuses(`thread = ${pull}`)).toEqual(['cancelled', 'cancelled']);
  });

  test('is retried with the specs of today, unless the old ones are asked for', async () => {
    const alice = world.github.as('alice');
    const issue = await alice.createIssue(REPO, { title: 'Changed' });
    await alice.comment(REPO, issue, '/choo run flaky');
    const state = await ended(world, 1, issue);
    const { '.choo.yml': _, ...files } = projectFiles({ units: { flaky: flaky('test -f two.txt') } });
    const commit = await world.push('alice', 'main', files);
    await planned(world, commit);
    const counts = async (): Promise<unknown> => {
      const rows = await world.server.rows(
        `select (select count(*)::int from reports where thread = ${issue}) as runs,
           (select count(*)::int from events join reports using (run)
            where thread = ${issue} and body->>'type' = 'unit.retried') as retries`,
      );
      return rows[0];
    };
    // Nobody can say before which plan a button was pressed.
    const check = state.checks.findLast(({ name }) => name === 'choo / flaky');
    alice.pressButton(REPO, check?.id ?? 0, 'retry');
    expect(await answer(issue, /have changed/)).toContain('/choo retry flaky');
    await quiet(world);
    expect(await counts()).toEqual({ runs: 1, retries: 0 });

    await alice.comment(REPO, issue, '/choo retry flaky --same');
    await ended(world, 2, issue);
    expect(await counts()).toEqual({ runs: 1, retries: 1 });

    await alice.comment(REPO, issue, '/choo retry flaky');
    await ended(world, 3, issue);
    expect(await answer(issue, /new run of what is there now/)).toContain('--same');
    expect(await counts()).toEqual({ runs: 2, retries: 1 });
    const [newest] = await world.server.rows(
      `select body->>'commit' as commit from events join reports using (run)
       where thread = ${issue} and events.seq = 1 order by at desc limit 1`,
    );
    expect(newest).toEqual({ commit });
  });

  test('though a push started it, is stopped by a button, by its name, and from a thread of its branch', async () => {
    const alice = world.github.as('alice');
    const one = await pushedRun('slow1');
    const state = await world.until('a button', ({ checks }) =>
      checks.some(
        ({ name, head_sha, status }) =>
          name === 'choo / run' && head_sha === one.commit && status === 'completed',
      ),
    );
    const check = state.checks.find(({ name, head_sha }) => name === 'choo / run' && head_sha === one.commit);
    alice.pressButton(REPO, check?.id ?? 0, 'cancel');
    await becomes(['cancelled'], `id = '${one.run}'`);

    await using place = await temporaryDirectory();
    const other = join(place.path, 'other');
    await mkdir(other);
    await commitFiles(other, projectFiles({ units: { slow } }));
    const submitted = await world.server.choo('submit', other, '--json');
    const foreign = (JSON.parse(submitted.stdout) as { readonly run: string }).run;
    await world.server.rows(`insert into reports (run, repository, thread, is_pull, base)
      select id, repository, null, false, 'main' from runs where id = '${foreign}'`);
    const two = await pushedRun('slow2');
    const issue = await alice.createIssue(REPO, { title: 'By its name' });
    await alice.comment(REPO, issue, '/choo cancel zzzzzzzzzz');
    const unknown = await answer(issue, /zzzzzzzzzz/);
    await alice.comment(REPO, issue, `/choo cancel ${foreign}`);
    const refused = await answer(issue, new RegExp(foreign));
    const withoutMark = (text: string): string => text.replace(/<!--.*-->/, '');
    expect(withoutMark(refused).replaceAll(foreign, 'zzzzzzzzzz')).toBe(withoutMark(unknown));
    expect(await statuses(`id = '${foreign}'`)).toEqual(['running']);
    await alice.comment(REPO, issue, `/choo cancel ${two.run}`);
    await becomes(['cancelled'], `id = '${two.run}'`);

    const three = await pushedRun('slow3');
    const another = await alice.createIssue(REPO, { title: 'On its branch' });
    await alice.comment(REPO, another, '/choo cancel');
    await becomes(['cancelled'], `id = '${three.run}'`);
    expect(await answer(another, /is cancelled/)).toContain(three.run);
  });
});
