import examples from '@octokit/webhooks-examples' with { type: 'json' };
import { execa } from 'execa';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { planned, quiet } from '../test/helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO } from '../test/helpers/app-world.ts';
import { projectFiles, type UnitSpec } from '../test/helpers/spec-project.ts';
import { table } from './measure.ts';
import { type Answered, Load } from './webhooks-load.ts';

const FLOOR = fileURLToPath(new URL('webhooks-floor.ts', import.meta.url));

/** Deliveries that are answered, and the database that must hold them; then what is asked of GitHub for a plan and for a run. */
export async function benchWebhooks(): Promise<void> {
  const rows: (readonly string[])[] = [['what', 'measured', 'target', '']];
  const row = (what: string, measured: string, target: string, met: boolean): void =>
    void rows.push([what, measured, target, met ? 'met' : 'MISSED']);
  await benchDeliveries(row);
  await benchPlan(row);
  await benchRun(row);
  console.log(`\n${table(rows)}`);
}

type Row = (what: string, measured: string, target: string, met: boolean) => void;

async function benchDeliveries(row: Row): Promise<void> {
  await using world = await makeAppWorld({ units: {} });
  const { environment } = world.github;
  using load = new Load(pushExample(), environment.WEBHOOK_SECRET);
  const serve = async () => world.server.serve({ role: 'web' });

  // In turn, so that a moment's trouble of the machine meets both.
  const rates: { readonly floor: number; readonly choo: number }[] = [];
  for (let round = 0; round < 3; round += 1) {
    await using bare = await startFloor(environment);
    const floor = await rateOf(load, bare.port);
    const server = await serve();
    const choo = await rateOf(load, server.port);
    server.child.kill('SIGTERM');
    await server.child;
    rates.push({ floor, choo });
  }
  const [middle = { floor: NaN, choo: NaN }] = rates
    .toSorted((a, b) => a.choo / a.floor - b.choo / b.floor)
    .slice(1);
  const ratio = middle.choo / middle.floor;
  row(
    `deliveries of ${(load.bytes / 1_024).toFixed(0)} KiB, beside a bare Probot app`,
    `${middle.choo.toFixed(0)}/s, ${ratio.toFixed(2)} of ${middle.floor.toFixed(0)}/s`,
    '>= 0.30',
    ratio >= 0.3,
  );

  const server = await serve();
  await load.flood(server.port, 200, 10);
  const steady = p99(await load.steady(server.port, 50, 10));
  row('answer at 50 a second, p99', `${steady.toFixed(1)} ms`, '<= 50 ms', steady <= 50);
  const burst = p99(await load.flood(server.port, 1_000, 1_000));
  row('answer in a burst of 1,000, p99', `${burst.toFixed(0)} ms`, '<= 1000 ms', burst <= 1_000);

  const before = (await world.server.rows('select count(*)::int as n from deliveries'))[0]?.['n'];
  const killed = load.flood(server.port, 1_000, 1_000);
  // In the middle: some are on disk, and some are not.
  for (let n = before; n === before;)
    n = (await world.server.rows('select count(*)::int as n from deliveries'))[0]?.['n'];
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.child.kill('SIGKILL');
  const answered = (await killed).filter(({ status }) => status === 200);
  await server.child;
  await serve();
  const kept = await world.server.rows('select id from deliveries');
  const ids = new Set(kept.map(({ id }) => id));
  const lost = answered.filter(({ guid }) => !ids.has(guid)).length;
  row(`answered before a kill -9 (${answered.length} of 1,000), and lost`, String(lost), '0', lost === 0);
}

async function benchPlan(row: Row): Promise<void> {
  const units: Record<string, UnitSpec> = {};
  for (let index = 0; index < 1_000; index += 1)
    units[`u${index}`] = {
      dependsOn: index < 10 ? [] : [`u${index - 10}`],
      tasks: [{ gate: 'true' }, { gate: 'true' }],
    };
  await using world = await makeAppWorld({ units });
  await world.start();
  const warm = await world.push(
    'alice',
    'main',
    projectFiles({ units: { more: { tasks: [{ gate: 'true' }] } } }),
  );
  await planned(world, warm);
  await quiet(world);
  const times: number[] = [];
  let requests = 0;
  for (let round = 0; round < 3; round += 1) {
    const before = apiRequests(world);
    const text = (await world.git('show', `main:specs/tasks/u${round}/01-step.md`)).replace(
      '# Step',
      `# ${round} step`,
    );
    const head = await world.push('alice', 'main', { [`specs/tasks/u${round}/01-step.md`]: text });
    const from = performance.now(); // the push has just returned
    await planned(world, head);
    times.push(performance.now() - from);
    requests = Math.max(requests, apiRequests(world) - before);
    await quiet(world);
  }
  const ms = times.toSorted((a, b) => a - b)[1] ?? NaN;
  row('push to plan check, 1,000 units, warm', `${ms.toFixed(0)} ms`, '<= 2000 ms', ms <= 2_000);
  row('requests for it', String(requests), '<= 6', requests <= 6);
}

async function benchRun(row: Row): Promise<void> {
  const units: Record<string, UnitSpec> = {};
  for (let index = 0; index < 30; index += 1)
    units[`u${index}`] = {
      dependsOn: index < 6 ? [] : [`u${index - 6}`],
      tasks: [1, 2].map((task) => ({ gate: `test -f u${index}-${task}`, sh: `echo > u${index}-${task}` })),
    };
  await using world = await makeAppWorld({ units, config: 'parallelism: 6\n' });
  await world.start({ CHOO_CONCURRENCY: '6' });
  const alice = world.github.as('alice');
  const issue = await alice.createIssue(REPO, { title: 'Thirty' });
  await alice.comment(REPO, issue, '/choo run');
  await world.until(
    'the end',
    ({ comments }) => comments.some(({ body }) => body.includes('choo:end')),
    600_000,
  );
  await quiet(world);
  const requests = apiRequests(world);
  const most = 10 + 8 * 30;
  row('requests for a run of 30 units of 2 tasks', String(requests), `<= ${most}`, requests <= most);
}

/** What the App asked of the API; git is not it. */
function apiRequests({ github }: AppWorld): number {
  return github.requests.filter(({ path }) => !path.includes('.git/')).length;
}

async function rateOf(load: Load, port: number): Promise<number> {
  await load.flood(port, 500, 50);
  const from = performance.now();
  const answers = await load.flood(port, 4_000, 50);
  const wrong = answers.find(({ status }) => status !== 200);
  if (wrong !== undefined) throw new Error(`a delivery was answered with ${wrong.status}`);
  return answers.length / ((performance.now() - from) / 1_000);
}

function p99(answers: readonly Answered[]): number {
  const sorted = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? NaN;
}

async function startFloor({
  APP_ID: appId,
  PRIVATE_KEY: privateKey,
  WEBHOOK_SECRET: secret,
}: AppWorld['github']['environment']) {
  const child = execa(process.execPath, [FLOOR, JSON.stringify({ appId, privateKey, secret })], {
    reject: false,
    buffer: false,
    stderr: 'inherit',
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    port: Number(line),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await child;
    },
  };
}

/** A real push. */
function pushExample(): unknown {
  const all = examples as unknown as readonly {
    readonly name: string;
    readonly examples: readonly unknown[];
  }[];
  return all.find(({ name }) => name === 'push')?.examples[0];
}
