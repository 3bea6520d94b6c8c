import { execa } from 'execa';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { makeAppWorld, REPO } from '../helpers/app-world.ts';
import type { DoorAnswer } from '../helpers/door-client.ts';
import { taskText } from '../helpers/memory-tree.ts';
import { projectFiles } from '../helpers/spec-project.ts';

const WATCH = fileURLToPath(new URL('../fixtures/watch-door.ts', import.meta.url));
const PRESS = fileURLToPath(new URL('../fixtures/press-door.ts', import.meta.url));

/** Answers and does nothing, until its input ends. Prints its port. */
const BARE = `
const server = require('node:http').createServer((_, response) => response.end('{}'));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();`;

/** A unit whose file has a name that the pattern below is slow to miss where it is tried in every way. */
const LONG_NAME = 'a'.repeat(120);
const SLOW_GLOB = `baseline_checks:\n  - { name: slow, command: 'true', pattern: '${'*a'.repeat(20)}*b' }\n`;

/** What wants all slots, all tokens and all time there is. */
const GREEDY = `parallelism: 100
limits: { attempts: 20, run_tokens: 10000000000, unit_tokens: 1000000000, gate_timeout: 24h }
`;

/** Twenty spec files with a row of 60,000 blanks each; a letter makes them other files. */
function blanks(letter: string): Readonly<Record<string, string>> {
  const files = projectFiles({ units: { wide: { tasks: [{ gate: 'true' }] } } });
  const row = `x${' '.repeat(60_000)}x`;
  for (let task = 2; task <= 21; task += 1)
    files[`specs/tasks/wide/${String(task).padStart(2, '0')}-wide.md`] = taskText(
      { task: String(task), backpressure: `"true" ${row}`, depends_on: '[1]', reason: `${letter}${row}` },
      `# Wide ${letter}\n`,
    );
  return files;
}

interface Summary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

function summary(answers: readonly DoorAnswer[]): Summary {
  const sorted = answers.map(({ ms }) => ms).toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? NaN };
}

function said({ count, p50, p99, most }: Summary): string {
  const [half, nearly, all] = [p50, p99, most].map((ms) => ms.toFixed(0));
  return `${count} times: p50 ${half} ms, p99 ${nearly} ms, most ${all} ms`;
}

test('a hostile tenant and hostile strangers keep neither the web, nor deliveries, nor another tenant from going on', async () => {
  const sleeper = { tasks: [{ gate: 'sleep 300', sh: 'echo > greedy' }] };
  const honest = {
    tasks: [1, 2].map((task) => ({ gate: `test -e done-${task}`, sh: `echo > done-${task}` })),
  };
  const repository = (name: string, files: Readonly<Record<string, string>>) => ({
    owner: 'mallory',
    name,
    files,
  });
  await using world = await makeAppWorld(
    { units: { honest } },
    {
      environment: {
        CHOO_CONCURRENCY: '2',
        CHOO_MAX_GATE_TIME: '5s',
        CHOO_MAX_ATTEMPTS: '2',
        CHOO_SLOT_SECONDS: '3',
      },
      others: [
        repository('blanks', blanks('a')),
        repository(
          'globs',
          projectFiles({
            config: SLOW_GLOB,
            units: { glob: { tasks: [{ gate: 'true', sh: `echo > ${LONG_NAME}` }] } },
          }),
        ),
        repository(
          'greedy',
          projectFiles({
            config: GREEDY,
            units: Object.fromEntries(['a', 'b', 'c', 'd'].map((id) => [id, sleeper])),
          }),
        ),
      ],
    },
  );
  const { github, server } = world;
  const { port } = await world.start();
  const ask = async (login: string, repo: string): Promise<void> => {
    const issue = await github.as(login).createIssue(repo, { title: 'Run' });
    await github.as(login).comment(repo, issue, '/choo run');
  };
  const running = async (): Promise<unknown> =>
    (await server.rows(`select count(*)::int as n from units where state = 'running'`))[0]?.['n'];

  // H8: both slots are taken before anything else comes.
  await ask('mallory', 'mallory/greedy');
  await expect.poll(running, { timeout: 60_000 }).toBe(2);
  // H10, from processes of their own, as what is measured is not this one.
  const bareServer = execa(process.execPath, ['--eval', BARE], { reject: false });
  const [barePort] = (await once(createInterface({ input: bareServer.stdout }), 'line')) as [string];
  const watch = execa(process.execPath, [WATCH, String(port), github.environment.WEBHOOK_SECRET, barePort], {
    reject: false,
  });
  const press = execa(process.execPath, [PRESS, String(port)], { reject: false });
  await using ending = new AsyncDisposableStack();
  for (const child of [bareServer, watch, press]) ending.defer(() => void child.kill('SIGKILL'));
  // C1 and C2, and what an honest tenant asks for in the middle of it.
  await ask('mallory', 'mallory/globs');
  const from = performance.now();
  await ask('alice', REPO);
  let honestMs = NaN;
  const finished = world
    .until(
      'the end of the honest run',
      ({ comments }) => comments.some(({ body }) => body.includes('<!-- choo:end')),
      120_000,
    )
    .then(() => (honestMs = performance.now() - from));
  let last = '';
  for (const letter of ['b', 'c', 'd', 'e', 'f'])
    last = await world.push('mallory', 'main', blanks(letter), { repo: 'mallory/blanks' });
  await finished;
  // What is hostile was met, too.
  const matched = async (): Promise<unknown> =>
    (await server.rows(`select state from units where id = 'glob'`))[0]?.['state'];
  const read = async (): Promise<boolean> =>
    (await github.state('mallory/blanks')).checks.some(
      ({ head_sha, status }) => head_sha === last && status === 'completed',
    );
  await expect.poll(matched, { interval: 200, timeout: 60_000 }).toBe('complete');
  await expect.poll(read, { interval: 200, timeout: 60_000 }).toBe(true);
  press.stdin.end();
  watch.stdin.end();
  await press;
  const answers = JSON.parse((await watch).stdout) as Readonly<
    Record<'health' | 'bare' | 'deliveries', readonly DoorAnswer[]>
  >;
  bareServer.stdin.end();
  await bareServer;

  const [health, bare, deliveries] = [
    summary(answers.health),
    summary(answers.bare),
    summary(answers.deliveries),
  ];
  console.log(
    `/healthz ${said(health)}; a bare server beside it ${said(bare)}; deliveries ${said(deliveries)}; ` +
      `the other tenant's run took ${(honestMs / 1_000).toFixed(1)} s`,
  );
  const statuses = new Set([...answers.health, ...answers.deliveries].map(({ status }) => status));
  expect(statuses).toEqual(new Set([200]));
  expect(github.deliveries.filter(({ state }) => state === 'failed')).toEqual([]);
  // On a machine that is too busy for a bare server, too, there is more time.
  expect(health.p99).toBeLessThan(Math.max(200, 6 * bare.p99));
  expect(health.most).toBeLessThan(Math.max(1_000, 6 * bare.most));
  expect(deliveries.most).toBeLessThan(10_000);
  const head = await world.git('rev-parse', 'choo/unit/main/honest');
  expect(await world.git('ls-tree', '--name-only', head)).toContain('done-2');
}, 240_000);
