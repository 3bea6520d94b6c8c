import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { ended as appEnded, planned, quiet } from '../helpers/app-waits.ts';
import { makeAppWorld, REPO } from '../helpers/app-world.ts';
import { makeServerProject, type ServerProject } from '../helpers/server-project.ts';
import { ended } from '../helpers/server-waits.ts';

/** What a repository writes that wants all there is. */
const GREEDY = `parallelism: 100
limits:
  attempts: 20
  unit_tokens: 1000000000
  run_tokens: 10000000000
  run_cost: 1000000
  task_timeout: 24h
  gate_timeout: 24h
`;

async function statusAtEnd(
  project: ServerProject,
  run: string,
): Promise<Awaited<ReturnType<ServerProject['status']>>> {
  await ended(project, run);
  return project.status(run);
}

describe("the operator's ceilings", () => {
  test('hold for a repository that asks for more, and the plan says so', async () => {
    await using project = await makeServerProject({
      config: GREEDY,
      units: { a: { tasks: [{ gate: 'true', sh: 'true' }] } },
    });
    await project.serve({ role: 'web' });
    const { stdout, stderr } = await project.choo('submit', project.remote, '--json');
    const { run } = JSON.parse(stdout) as { readonly run: string };
    const [row] = await project.rows(
      `select parallelism, body from runs join events on run = id where id = '${run}' and events.seq = 1`,
    );
    expect(row).toMatchObject({
      parallelism: 16,
      body: { parallelism: 16, limits: { attempts: 10, runTokens: 50_000_000, runCost: 100 } },
    });
    expect(stderr).toContain('`limits.run_cost` asks for $1000000: the operator allows $100');
    expect(stderr).toContain('`parallelism` asks for 100: the operator allows 16');
  });

  test('end gates and the preparation of a worktree in time', async () => {
    await using project = await makeServerProject(
      {
        config: `${GREEDY}worktree:\n  setup:\n    - { command: sleep 41, if: slow }\n`,
        files: { slow: '' },
        units: { a: { tasks: [{ gate: 'true', sh: 'true' }] } },
      },
      { CHOO_MAX_GATE_TIME: '1s' },
    );
    await project.serve();
    const { units } = await statusAtEnd(project, await project.submit());
    expect(units).toMatchObject([{ state: 'failed', message: expect.stringContaining('after 1 s') }]);
  });
});

/** A line of Claude Code's stream that says what an attempt has cost. */
const THREE_DOLLARS = JSON.stringify({
  type: 'result',
  subtype: 'success',
  is_error: false,
  num_turns: 1,
  result: 'Done',
  total_cost_usd: 3,
  usage: { input_tokens: 1_000, output_tokens: 0 },
});

describe('the budget of a day', () => {
  test('is one for all runs of an installation, survives a crash, and has what is over it wait', async () => {
    const unit = { provider: 'claude', tasks: [{ gate: 'test -e work' }] };
    const environment = { CHOO_ALLOWED_PROVIDERS: 'claude,rehearsal', CHOO_MAX_COST_INSTALLATION_DAY: '5' };
    await using project = await makeServerProject({ units: { a: unit, b: unit, c: unit } }, environment);
    const place = join(project.dataDirectory, '../agents');
    mkdirSync(place, { recursive: true });
    const script = `#!/bin/sh\ncat > /dev/null\necho done > work\necho '${THREE_DOLLARS}'\n`;
    writeFileSync(join(place, 'claude'), script, { mode: 0o755 });
    const more = { PATH: `${place}:${process.env['PATH'] ?? ''}` };
    const first = await project.serve({ environment: more });
    for (const id of ['a', 'b'])
      expect((await statusAtEnd(project, await project.submit('--unit', id))).units).toMatchObject([
        { state: 'complete' },
      ]);

    const run = await project.submit('--unit', 'c');
    const waiting = async () =>
      (await project.status(run)).units.map(({ givenBack, state }) => givenBack ?? state).join();
    await expect.poll(waiting, { interval: 200, timeout: 30_000 }).toMatch(/CHOO_MAX_COST_INSTALLATION_DAY/);
    first.child.kill('SIGKILL');
    await first.child;
    await project.serve({ environment: more });
    await expect.poll(waiting, { interval: 200, timeout: 30_000 }).toMatch(/CHOO_MAX_COST_INSTALLATION_DAY/);
    expect(await project.status(run)).toMatchObject({ status: 'running', units: [{ state: 'pending' }] });
    const invoked = `select from events where run = '${run}' and body->>'type' = 'task.provider.invoke'`;
    expect(await project.rows(invoked)).toHaveLength(0);
    const midnight = `select to_timestamp((body->>'until')::float8 / 1000)
                        = (date_trunc('day', now() at time zone 'utc') + interval '1 day') at time zone 'utc' as it_is
                      from events where run = '${run}' and body->>'type' = 'unit.released'`;
    expect(await project.rows(midnight)).toContainEqual({ it_is: true });
  });
});

const QUICK = { tasks: [{ gate: 'test -e work', sh: 'echo x > work' }] };

describe('a run that is too large', () => {
  test('opens so many pull requests; further results keep their branches, and its comment says so', async () => {
    const units = Object.fromEntries(['a', 'b', 'c', 'd'].map((id) => [id, QUICK]));
    await using world = await makeAppWorld({ units }, { environment: { CHOO_MAX_PULL_REQUESTS: '2' } });
    const alice = world.github.as('alice');
    await world.start();
    const commit = await world.push('alice', 'main', { 'specs/tasks/a/note.md': 'Mind.' });
    await planned(world, commit);
    const issue = await alice.createIssue(REPO, { title: 'Build it' });
    await alice.comment(REPO, issue, '/choo run');
    await appEnded(world, 1);
    const { pulls, refs, comments } = await quiet(world);
    expect(pulls).toHaveLength(2);
    for (const id of Object.keys(units)) expect(refs).toHaveProperty(`refs/heads/choo/unit/main/${id}`);
    const without = Object.keys(units).filter((id) => !pulls.some(({ head }) => head.ref.endsWith(`/${id}`)));
    const status = comments.find(({ body }) => body.includes('<!-- choo:run'))?.body;
    expect(status).toContain(
      `The operator allows a run 2 pull requests (CHOO_MAX_PULL_REQUESTS). These results are on their branches alone: ${without.map((id) => `\`${id}\``).join(', ')}.`,
    );
  });

  test('is refused when it is submitted', async () => {
    const units = { a: QUICK, b: QUICK, c: QUICK };
    await using project = await makeServerProject({ units }, { CHOO_MAX_RUN_UNITS: '2' });
    const { exitCode, stderr } = await project.choo('submit', project.remote);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('the run would have 3 units, and the operator allows 2 (CHOO_MAX_RUN_UNITS)');
    const { stdout } = await project.choo('submit', project.remote, '--unit', 'a', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ run: expect.any(String) });
  });
});
