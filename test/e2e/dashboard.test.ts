import { execa } from 'execa';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readStream } from '../helpers/event-stream.ts';
import { CHOO, runProgram } from '../helpers/run-choo.ts';
import { makeServerProject } from '../helpers/server-project.ts';
import { makeProject, type ProjectSpec } from '../helpers/spec-project.ts';

/** Two units that complete, and one whose agent does not end. */
const PROJECT: ProjectSpec = {
  units: {
    api: { tasks: [{ gate: 'test -e api.txt', sh: 'echo "built <b>it</b>"; touch api.txt' }] },
    ui: { dependsOn: ['api'], tasks: [{ gate: 'test -e ui.txt', sh: 'touch ui.txt' }] },
    docs: { tasks: [{ gate: 'test -e docs.txt', sh: 'sleep 600; touch docs.txt' }] },
  },
};

const sameOrigin = (url: string) => ({ origin: new URL(url).origin, 'sec-fetch-site': 'same-origin' });

async function post(url: string, fields: Readonly<Record<string, string>>): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: sameOrigin(url),
    redirect: 'manual',
  });
  return response.status;
}

describe('choo run --web', () => {
  test('shows a run from its start to its end, and cancels a unit by a button', async () => {
    await using project = await makeProject(PROJECT);
    const [node, cli] = CHOO;
    const child = execa(node, [cli, 'run', '--web', '--sandbox', 'host'], {
      cwd: project.path,
      env: { ...project.environment, PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
      extendEnv: false,
      reject: false,
    });
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let text = '';
        child.stderr.on('data', (chunk: Buffer) => {
          text += String(chunk);
          const found = /^Dashboard: (\S+)$/m.exec(text)?.[1];
          if (found !== undefined) resolve(found);
        });
        void child.then(() => reject(new Error(text)));
      });
      const path = async (): Promise<string> =>
        /runs\/[0-9a-z]{10}/.exec(await (await fetch(url)).text())?.[0] ?? '';
      await expect.poll(path, { timeout: 60_000 }).not.toBe('');
      const run = `${url}${await path()}`;
      const has = (id: string, words: string) => (messages: Awaited<ReturnType<typeof readStream>>) =>
        messages.some(({ data }) => data.parts?.[id]?.includes(words));
      await readStream(`${run}/stream?after=0&axis=0`, has('unit-docs', 's-running'));
      const ending = readStream(`${run}/stream?after=0&axis=0`, has('summary', 's-failed'));
      const output = readStream(`${run}/units/api/stream?after=0-0`, (messages) =>
        messages.some(({ data }) => data.html?.includes('built &lt;b&gt;it&lt;/b&gt;')),
      );
      await output;
      expect(await post(`${run}/change`, { kind: 'cancel', unit: 'docs' })).toBe(303);
      const last = (await ending).at(-1);
      expect(last?.data.parts?.['summary']).toContain('2 of 3 units complete, 1 cancelled');
      expect((await child).exitCode).toBe(1);
    } finally {
      child.kill('SIGKILL');
      await child;
    }
  });
});

describe('choo serve --web-token', () => {
  test('serves who can read its file: the same address after a restart, changes as by the command line', async () => {
    await using project = await makeServerProject({
      units: { api: { tasks: [{ gate: 'test -e a', sh: 'echo hello; sleep 600' }] } },
    });
    const first = await project.serve({ args: ['--web-token'] });
    const file = join(project.dataDirectory, 'dashboard-address');
    const url = (await readFile(file, 'utf8')).trim();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(first.log())).not.toContain(new URL(url).pathname.split('/')[2]);
    const run = await project.submit();
    const has = (words: string) => (messages: Awaited<ReturnType<typeof readStream>>) =>
      messages.some(({ data }) => data.parts?.['unit-api']?.includes(words));
    await readStream(`${url}runs/${run}/stream?after=0&axis=0`, has('s-running'));
    await readStream(`${url}runs/${run}/units/api/stream?after=0-0`, (messages) =>
      messages.some(({ data }) => data.html?.includes('hello')),
    );
    expect(await (await fetch(`${url}runs/${run}/units/api`)).text()).toContain('hello');
    expect(await (await fetch(`${url}runs/${run}/units/api/output`)).text()).toContain('    | hello');

    const metrics = await fetch(`http://127.0.0.1:${first.port}/metrics`);
    expect(metrics.headers.get('content-type')).toContain('version=0.0.4');
    expect(await metrics.text()).toContain('\nchoo_units{state="running"} 1\n');
    const shown = await project.choo('db', 'show', 'claims');
    expect(shown.stdout).toMatch(new RegExp(`^worker +host .*\n.* ${run} +api `));

    first.child.kill('SIGTERM');
    await first.child;
    const second = await project.serve({ args: ['--web-token'], port: first.port });
    expect(second.port).toBe(first.port);
    expect(await post(`${url}runs/${run}/change`, { kind: 'cancel' })).toBe(303);
    await readStream(`${url}runs/${run}/stream?after=0&axis=0`, has('s-cancelled'), { lastEventId: '1' });
    expect(await project.status(run)).toMatchObject({ status: 'cancelled' });
    expect(await post(`${url}runs/${run}/change`, { kind: 'cancel' })).toBe(409);
  });

  test.each([
    [['--web-token', '--host', '0.0.0.0'], 'serves this machine only, and `--host` is `0.0.0.0`'],
    [['--web-token', '--role', 'worker'], 'needs a role that serves pages'],
  ])('refuses %j', async (args, message) => {
    const outcome = await runProgram('/', [...CHOO, 'serve', ...args], {
      CHOO_DATA_DIR: '/nonexistent/choo',
    });
    expect(outcome).toMatchObject({ exitCode: 2 });
    expect(outcome.stderr).toContain(message);
  });
});
