import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../src/events/event.ts';
import { makeDashboardWorld } from '../../helpers/dashboard-world.ts';
import { readStream } from '../../helpers/event-stream.ts';
import { git } from '../../helpers/git-repository.ts';
import { powersOf } from '../../helpers/page-powers.ts';
import { commit, factsOf, plannedUnit, started } from '../../helpers/run-events.ts';

const RUN = 'run0000001';
const HOSTILE = '<img src=x onerror=alert(1)>"\'><script>alert(2)</script>[a](javascript:alert(3))';

/** A run whose unit `api` failed with words of a stranger. */
function hostileRun(run = RUN): readonly EventBody[] {
  const api = factsOf('api');
  return [
    {
      ...started([plannedUnit('api', { title: HOSTILE }), plannedUnit('ui', { dependsOn: ['api'] })], run),
      actor: HOSTILE,
    },
    api.started(),
    api.invoke(1),
    {
      ...(api.red(1) as Extract<EventBody, { type: 'task.validation.fail' }>),
      tail: `${HOSTILE}\n\u001b[31mred\u001b[0m\n`,
    },
    { type: 'unit.notice', unit: 'api', code: 'x', message: HOSTILE },
    { type: 'unit.failed', unit: 'api', failure: 'attempts', message: HOSTILE, hint: HOSTILE, head: null },
    { type: 'unit.blocked', unit: 'ui', cause: 'api' },
  ];
}

describe('the pages', () => {
  test('show a run, its units, and what needs a person, and nothing of a stranger acts in them', async () => {
    await using world = await makeDashboardWorld();
    await world.append(RUN, hostileRun());
    await world.print(RUN, 'api', `12:00:00 claude starts\n    | ${HOSTILE}\n`);
    const inbox = await world.page('');
    expect(inbox).toContain('Needs a person');
    expect(inbox).toContain('choo retry api'); // no process works on the run, so a button would do nothing
    const run = await world.page(`runs/${RUN}`);
    expect(run).toMatch(/id="unit-ui" class="s-blocked"/);
    const unit = await world.page(`runs/${RUN}/units/api`);
    expect(unit).toContain('<span class="ansi-red">red</span>');
    for (const page of [inbox, run, unit]) {
      expect(powersOf(page, '/t/')).toEqual([]);
      expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
    }
    expect(world.errors).toEqual([]);
  });

  test('carry headers against script, frames and readers of other sites, also where something is wrong', async () => {
    await using world = await makeDashboardWorld();
    await world.append(RUN, hostileRun());
    for (const path of ['', `runs/${RUN}`, 'nothing', 'runs/aaaaaaaaaa', `runs/${RUN}/units/api/output`]) {
      const { headers } = await fetch(`${world.url}${path}`);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  test.each([
    ['no such run', 'runs/aaaaaaaaaa'],
    ['a run that is no id', 'runs/..%2f..%2fconfig'],
    ['no such unit', `runs/${RUN}/units/web`],
    ['a unit that is a path', `runs/${RUN}/units/..%2f..%2f..%2f..%2fconfig`],
    ['the output of a unit that is a path', `runs/${RUN}/units/..%2f..%2f..%2f..%2fconfig/output`],
    ['a property of objects', `runs/${RUN}/units/__proto__`],
    ['an asset that is a path', 'assets/..%2fdashboard.ts'],
  ])('answer %s with 404', async (_, path) => {
    await using world = await makeDashboardWorld();
    await world.append(RUN, hostileRun());
    expect((await fetch(`${world.url}${path}`)).status).toBe(404);
    expect(world.errors).toEqual([]);
  });

  test('are not there for who lacks the secret, and the health of the process is', async () => {
    await using world = await makeDashboardWorld();
    const root = `http://127.0.0.1:${world.port}`;
    expect((await fetch(`${root}/t/another-secret/`)).status).toBe(404);
    expect((await fetch(`${root}/`)).status).toBe(404);
    expect((await fetch(`${root}/healthz`)).status).toBe(200);
  });

  test('show the patch of a commit of the unit, and of no other commits', async () => {
    await using world = await makeDashboardWorld();
    const head = async (): Promise<string> => (await git(world.path, 'rev-parse', 'HEAD')).trim();
    const parent = await head();
    await git(world.path, 'commit', '--quiet', '--allow-empty', '-m', 'x');
    await git(world.path, 'rm', '--quiet', 'README.md');
    await git(world.path, 'commit', '--quiet', '-m', 'remove');
    const api = factsOf('api');
    const own: EventBody = {
      type: 'task.committed',
      unit: 'api',
      task: 1,
      attempt: 1,
      commit: await head(),
      parent,
      alreadyGreen: false,
    };
    await world.append(RUN, [started([plannedUnit('api')]), api.started(), own]);
    expect(await world.page(`runs/${RUN}/units/api/patch/${parent}..${await head()}`)).toContain(
      '<span class="del">-hello</span>',
    );
    const { status } = await fetch(`${world.url}runs/${RUN}/units/api/patch/${await head()}..${parent}`);
    expect(status).toBe(404);
  });

  test('stay below 100 KB over the wire for 500 units and for megabytes of output', async () => {
    await using world = await makeDashboardWorld();
    const units = Array.from({ length: 500 }, (_, at) =>
      plannedUnit(`unit-${at}`, {
        tasks: 3,
        dependsOn: at < 50 ? [] : [`unit-${at - 50}`, `unit-${at - 37}`],
      }),
    );
    const work = units.flatMap(({ id }) => {
      const facts = factsOf(id);
      const tasks = [1, 2, 3].flatMap((task) => [
        facts.task(task),
        facts.gate(task),
        facts.invoke(task),
        facts.gate(task),
        facts.green(task),
      ]);
      return [facts.started(), facts.worktree(), ...tasks, facts.task(3)];
    });
    await world.append(RUN, [started(units), ...work]);
    const noise = Array.from({ length: 8_000 }, () => `    | ${Math.random().toString(36).repeat(20)}`).join(
      '\n',
    );
    await world.print(RUN, 'unit-7', `${noise}\nthe end\n`);
    for (const path of ['', `runs/${RUN}`, `runs/${RUN}/units/unit-7`]) {
      const page = await world.page(path);
      expect(gzipSync(page).length).toBeLessThan(90_000);
      const { headers } = await fetch(`${world.url}${path}`);
      expect(headers.get('content-encoding')).toBe('gzip');
    }
    expect(await world.page(`runs/${RUN}/units/unit-7`)).toContain('the end');
    const whole = await world.page(`runs/${RUN}/units/unit-7/output`);
    expect(whole).toBe(`${noise}\nthe end\n`);
  });
});

describe('a change', () => {
  const body = new URLSearchParams({ kind: 'cancel', unit: 'api' });
  const headers = (port: number) => ({ origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' });

  test('is carried out for a form of a page, which is then shown again', async () => {
    await using world = await makeDashboardWorld({ alive: RUN });
    await world.append(RUN, [started([plannedUnit('api')])]);
    const response = await fetch(`${world.url}runs/${RUN}/change`, {
      method: 'POST',
      body,
      headers: headers(world.port),
      redirect: 'manual',
    });
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      `${world.base}/runs/${RUN}/units/api`,
    ]);
    expect(world.changes).toEqual([{ kind: 'cancel', run: RUN, units: ['api'] }]);
  });

  test('is refused for what is no change, for the whole of a local run, and where no process works on the run', async () => {
    await using world = await makeDashboardWorld({ alive: RUN });
    await world.append(RUN, [started([plannedUnit('api')])]);
    await world.append('run0000002', [started([plannedUnit('api')], 'run0000002')]);
    const ask = async (run: string, fields: Record<string, string>): Promise<number> =>
      (
        await fetch(`${world.url}runs/${run}/change`, {
          method: 'POST',
          body: new URLSearchParams(fields),
          headers: headers(world.port),
        })
      ).status;
    expect(await ask(RUN, { kind: 'delete', unit: 'api' })).toBe(400);
    expect(await ask(RUN, { kind: 'cancel' })).toBe(400);
    expect(await ask(RUN, { kind: 'cancel', unit: 'web' })).toBe(400);
    expect(await ask(RUN, { kind: 'cancel', unit: 'x'.repeat(20_000) })).toBe(413);
    expect(await ask('run0000002', { kind: 'cancel', unit: 'api' })).toBe(409);
    expect(world.changes).toEqual([]);
  });

  test.each([
    ['of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of another port', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['that hides where it comes from', { origin: 'null' }],
    ['without an origin', {}],
    ['that a browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
  ])('is refused for a form %s', async (_, from: Record<string, string>) => {
    await using world = await makeDashboardWorld({ alive: RUN });
    await world.append(RUN, [started([plannedUnit('api')])]);
    const sent = 'sec-fetch-site' in from && !('origin' in from) ? { ...headers(world.port), ...from } : from;
    const { status } = await fetch(`${world.url}runs/${RUN}/change`, { method: 'POST', body, headers: sent });
    expect(status).toBe(403);
    expect(world.changes).toEqual([]);
  });

  test('and a page are refused under a name that only resolves to this machine', async () => {
    await using world = await makeDashboardWorld({ alive: RUN });
    await world.append(RUN, [started([plannedUnit('api')])]);
    const ask = async (method: string, host: string): Promise<number | undefined> => {
      const asked = request({
        port: world.port,
        path: `${world.base}/runs/${RUN}${method === 'POST' ? '/change' : ''}`,
        method,
        headers: { host, origin: `http://${host}` },
      });
      asked.end();
      const [response] = (await once(asked, 'response')) as [{ statusCode?: number; resume: () => void }];
      response.resume();
      return response.statusCode;
    };
    expect(await ask('GET', `rebound.example:${world.port}`)).toBe(421);
    expect(await ask('POST', `rebound.example:${world.port}`)).toBe(421);
    expect(await ask('GET', `127.0.0.1:${world.port}`)).toBe(200);
    expect(world.changes).toEqual([]);
  });
});

describe('a stream', () => {
  test('brings what changes, and goes on after the last message that a browser saw', async () => {
    await using world = await makeDashboardWorld({ alive: RUN });
    const [api, ui] = [factsOf('api'), factsOf('ui')];
    await world.append(RUN, [
      started([plannedUnit('api'), plannedUnit('ui'), plannedUnit('web')]),
      api.started(),
    ]);
    const address =
      /data-stream="([^"]+)"/.exec(await world.page(`runs/${RUN}`))?.[1]?.replaceAll('&amp;', '&') ?? '';
    const url = `http://127.0.0.1:${world.port}${address}`;
    const reading = readStream(url, (messages) =>
      messages.some(({ data }) => data.parts?.['unit-ui']?.includes('s-running')),
    );
    await world.append(RUN, [ui.started()]);
    const messages = await reading;
    const last = messages.at(-1);
    expect(last).toMatchObject({ event: 'parts', id: '3' });
    expect(Object.keys(last?.data.parts ?? {})).not.toContain('unit-web');

    await world.append(RUN, [{ type: 'unit.skipped', unit: 'web', actor: 'me' }]);
    const [first] = await readStream(url, () => true, { lastEventId: '3' });
    expect(Object.keys(first?.data.parts ?? {}).filter((id) => id.startsWith('unit-'))).toEqual(['unit-web']);
    expect(first?.id).toBe('4');
  });

  test('brings the output of a unit as it comes, rendered, and from where a reader was', async () => {
    await using world = await makeDashboardWorld({ alive: RUN });
    await world.append(RUN, [started([plannedUnit('api')]), factsOf('api').started()]);
    await world.print(RUN, 'api', 'before\n');
    const url = `${world.url}runs/${RUN}/units/api/stream`;
    const outputs = (messages: Awaited<ReturnType<typeof readStream>>): string =>
      messages.map(({ data }) => data.html ?? '').join('');
    const reading = readStream(`${url}?after=2-7`, (messages) => outputs(messages).includes('after'));
    await world.print(RUN, 'api', '<b>\u001b[32mafter\u001b[0m\n');
    const messages = await reading;
    expect(outputs(messages)).toBe('&lt;b&gt;<span class="ansi-green">after</span>\n');
    await world.print(RUN, 'api', 'more\n');
    const id = messages.findLast(({ event }) => event === 'output')?.id ?? '';
    const again = await readStream(url, (all) => outputs(all).includes('more'), { lastEventId: id });
    expect(outputs(again)).toBe('more\n');
  });

  test('brings the end of a run before its process closes it', async () => {
    await using world = await makeDashboardWorld({ alive: RUN });
    await world.append(RUN, [started([plannedUnit('api')])]);
    const reading = readStream(`${world.url}runs/${RUN}/stream?after=1&axis=10000`, () => false);
    await world.streamsOpen(1);
    await world.append(RUN, [{ type: 'orch.completed', branch: 'choo/run/x', head: commit('a') }]);
    await world.close();
    const messages = await reading;
    expect(messages.at(-1)?.data.parts?.['summary']).toContain('s-complete');
  });

  test('holds back what a slow reader does not take, and serves the others', async () => {
    await using world = await makeDashboardWorld({ alive: RUN });
    await world.append(RUN, [started([plannedUnit('api')]), factsOf('api').started()]);
    const slow = connect(world.port, '127.0.0.1');
    await once(slow, 'connect');
    slow.write(
      `GET ${world.base}/runs/${RUN}/units/api/stream?after=2-0 HTTP/1.1\r\nHost: 127.0.0.1:${world.port}\r\n\r\n`,
    );
    await once(slow, 'readable');
    slow.pause(); // it reads nothing from here on
    const before = process.memoryUsage().arrayBuffers;
    const line = `    | ${'x'.repeat(1_000)}\n`;
    for (let round = 0; round < 40; round += 1) await world.print(RUN, 'api', line.repeat(1_000));
    await world.print(RUN, 'api', 'the very end\n');
    const [parts] = await readStream(`${world.url}runs/${RUN}/units/api/stream?after=0-0`, (messages) =>
      messages.some(({ data }) => data.html?.includes('the very end')),
    ).then((messages) => messages.filter(({ data }) => data.html !== undefined));
    expect(parts?.data.html).toContain('left out here'); // 40 MB are not sent one after the other
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30 * 1024 * 1024);
    slow.destroy();
  });
});
