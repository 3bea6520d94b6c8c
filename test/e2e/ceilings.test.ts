import { describe, expect, test } from 'vitest';
import { makeServerProject, type ServerProject } from '../helpers/server-project.ts';

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

async function ended(
  project: ServerProject,
  run: string,
): Promise<Awaited<ReturnType<ServerProject['status']>>> {
  await expect
    .poll(async () => (await project.status(run)).status, { interval: 200, timeout: 60_000 })
    .not.toMatch(/running|waiting/);
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
    const { units } = await ended(project, await project.submit());
    expect(units).toMatchObject([{ state: 'failed', message: expect.stringContaining('after 1 s') }]);
  });
});
