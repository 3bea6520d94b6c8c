import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, planned, quiet } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO } from '../helpers/app-world.ts';
import type { ServerProcess } from '../helpers/server-project.ts';

/** One task that an agent does at its first attempt. */
const PROJECT = { units: { api: { tasks: [{ gate: 'test -f api.txt', sh: 'echo x > api.txt' }] } } };

type Line = Readonly<Record<string, unknown>>;

describe('what an operator reads of one run through the App', () => {
  let world: AppWorld;
  let server: ServerProcess;
  let [issue, run] = [0, ''];
  /** What was told to the operator's own address. */
  const told: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const key = randomBytes(32);
  const listener = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      told.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
    });
  });

  beforeAll(async () => {
    world = await makeAppWorld(PROJECT);
    const { github } = world;
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}/hook`;
    const secret = `whsec_${key.toString('base64')}`;
    server = await world.start({ CHOO_NOTIFY_URL: address, CHOO_NOTIFY_SECRET: secret });
    const commit = await world.push('alice', 'main', { 'specs/tasks/api/note.md': 'Mind.' });
    await planned(world, commit);
    issue = await github.as('alice').createIssue(REPO, { title: 'Build it' });
    await github.as('reader').comment(REPO, issue, '/choo run');
    await world.until('a refusal', ({ comments }) =>
      comments.some(({ body }) => body.includes('Nothing was done')),
    );
    await github.as('alice').comment(REPO, issue, '/choo run');
    await ended(world, 1);
    await quiet(world);
    run = String((await world.server.rows('select id from runs'))[0]?.['id']);
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    listener.close();
  });

  test('is a line for each thing that happened, in order, with the same ids', () => {
    const own = server.log().filter((line) => line['run'] === run);
    expect(own.map(storyOf)).toEqual([
      'run submitted',
      'unit started',
      'gate ended base failed',
      'agent started',
      'agent ended finished',
      'gate ended attempt passed',
      'branch pushed',
      'gate ended verify passed',
      'unit ended complete',
      'run ended complete',
    ]);
    expect(own.filter((line) => line['repository'] !== REPO)).toEqual([]);
    const ofUnit = own.filter((line) => line['unit'] !== undefined);
    expect(ofUnit.filter((line) => line['unit'] !== 'api' || line['claim'] !== 1)).toEqual([]);
    expect(own[0]).toMatchObject({ actor: 'alice', purpose: 'work', target: 'main', units: 1 });
    for (const line of own.filter(({ msg }) => String(msg).endsWith(' ended')))
      expect(line).toMatchObject({ durationMs: expect.any(Number), outcome: expect.any(String) });
    for (const line of [own.at(-1), own.at(-2)])
      expect(line).toMatchObject({ tokens: expect.any(Number), cost: expect.any(Number) });
  });

  test('names each delivery that came and what became of it, and each request with its actor', () => {
    const said = (message: string) => server.log().filter(({ msg }) => msg === message);
    const received = said('delivery received').map(({ delivery }) => delivery);
    expect(received.length).toBeGreaterThan(3);
    expect(new Set(said('delivery handled').map(({ delivery }) => delivery))).toEqual(new Set(received));
    const requests = said('request');
    expect(requests).toMatchObject([
      { actor: 'reader', request: 'run', outcome: 'refused', reason: expect.any(String) },
      { actor: 'alice', request: 'run', outcome: 'started' },
    ]);
    for (const line of requests) {
      expect(line).toMatchObject({ repository: REPO, thread: issue, actorId: expect.any(Number) });
      expect(received).toContain(line['delivery']);
    }
    expect(said('planned')[0]).toMatchObject({ repository: REPO, target: 'main', runnable: true, errors: 0 });
  });

  test('is told once to the address for notices, signed, when the run has ended', async () => {
    while (!server.log().some(({ msg }) => msg === 'notice sent')) await new Promise(setImmediate);
    expect(told).toHaveLength(1);
    const { headers, body } = told[0] ?? { headers: {}, body: '' };
    expect(JSON.parse(body)).toMatchObject({
      type: 'run.ended',
      data: {
        repository: REPO,
        run,
        outcome: 'complete',
        url: `${world.github.origin}/${REPO}/issues/${issue}`,
      },
    });
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    const digest = createHmac('sha256', key).update(signed).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${digest}`);
    expect(JSON.stringify(server.log())).not.toContain(key.toString('base64'));
  });

  test('is in the audit: who asked, what ran, what it cost, what was pushed and merged', async () => {
    const [pull] = (await world.github.state(REPO)).pulls;
    await world.github.as('alice').merge(REPO, pull?.number ?? 0);
    type Audit = { chain: object; entries: readonly Line[] };
    const audit = async (): Promise<Audit> =>
      JSON.parse((await world.server.choo('audit', '--since', '1h', '--json')).stdout) as Audit;
    const has = ({ entries }: Audit, what: string) => entries.some((entry) => entry['what'] === what);
    let read = await audit();
    while (!has(read, 'run ended') || !has(read, 'pull request merged')) read = await audit();
    expect(read.chain).toMatchObject({ ok: true, rows: read.entries.length });
    const of = (what: string) => read.entries.filter((entry) => entry['what'] === what);
    expect(of('tables migrated').length + of('worker started').length).toBeGreaterThan(0);
    expect(JSON.stringify(read)).not.toContain(world.github.environment['WEBHOOK_SECRET']);
    expect(of('request')).toMatchObject([
      { actor: 'reader', request: 'run', outcome: 'refused', thread: issue },
      { actor: 'alice', request: 'run', outcome: 'started', thread: issue },
    ]);
    expect(read.entries.filter((entry) => entry['run'] === run).map(({ what }) => what)).toEqual([
      'run submitted',
      'agent ended',
      'branch pushed',
      'unit ended',
      'run ended',
    ]);
    expect(of('run submitted')).toMatchObject([{ actor: 'alice', repository: REPO }]);
    expect(of('agent ended')).toMatchObject([
      { unit: 'api', tokens: expect.any(Number), outcome: 'finished' },
    ]);
    expect(of('pull request merged')).toMatchObject([{ actor: 'alice', unit: 'api', repository: REPO }]);
  });
});

function storyOf({ msg, phase, outcome }: Line): string {
  return [msg, phase, outcome].flatMap((word) => (typeof word === 'string' ? [word] : [])).join(' ');
}
