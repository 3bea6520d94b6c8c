import { describe, expect, test } from 'vitest';
import { runChoo } from '../helpers/run-choo.ts';
import { makeServerProject } from '../helpers/server-project.ts';
import { ended } from '../helpers/server-waits.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

interface Report {
  readonly failed: number;
  readonly findings: readonly { readonly name: string; readonly status: string; readonly cure?: string }[];
}

describe('choo doctor', () => {
  test('says what is wrong with a machine and what to do, for people and for scripts', async () => {
    await using place = await temporaryDirectory();
    const environment = { CHOO_DATA_DIR: place.path, CHOO_ALLOWED_PROVIDERS: 'claude', CHOO_SANDBOX: 'host' };
    const { exitCode, stdout } = await runChoo(place.path, ['doctor', '--json'], environment);
    const report = JSON.parse(stdout) as Report;
    expect([exitCode, report.failed]).toEqual([1, 1]);
    const statuses = Object.fromEntries(report.findings.map(({ name, status }) => [name, status]));
    expect(statuses).toMatchObject({
      git: 'ok',
      sandbox: 'warning',
      'agent claude': 'failed',
      database: 'skipped',
      App: 'skipped',
    });
    for (const { status, cure } of report.findings)
      expect(cure !== undefined).toBe(status === 'failed' || status === 'warning');
    const text = await runChoo(place.path, ['doctor'], environment);
    expect(text.stdout).toMatch(/^failed {3}agent claude .*\n {28}cure: /m);
    expect(text.stdout).toContain('1 failed, ');
  });

  test('finds a server in order', async () => {
    await using project = await makeServerProject({ units: {} }, { CHOO_MIN_FREE_GIB: '0' });
    const { exitCode, stdout } = await project.choo('doctor');
    expect(stdout).toMatch(/^ok {7}database/m);
    expect(stdout).toMatch(/^ok {7}tables/m);
    expect(exitCode).toBe(0);
  });
});

describe('a server on a full disk', () => {
  test('starts no unit, says so once, and starts it when there is room', async () => {
    await using project = await makeServerProject({
      units: { api: { tasks: [{ gate: 'test -e a', sh: 'touch a' }] } },
    });
    const run = await project.submit();
    const full = await project.serve({ role: 'worker', environment: { CHOO_MIN_FREE_GIB: '1000000' } });
    const said = () => full.log().filter(({ msg }) => msg === 'the disk is nearly full: no unit starts');
    await expect.poll(said, { timeout: 60_000 }).toHaveLength(1);
    const beat = async (): Promise<number> => {
      const [row] = await project.rows('select extract(epoch from beat_at)::float8 as at from workers');
      return Number(row?.['at']);
    };
    const first = await beat();
    await expect.poll(beat, { timeout: 60_000 }).toBeGreaterThan(first + 2); // it polls each second
    expect((await project.status(run)).units).toMatchObject([{ state: 'pending' }]);
    expect(said()).toHaveLength(1);
    full.child.kill('SIGTERM');
    await full.child;
    await project.serve({ role: 'worker', environment: { CHOO_MIN_FREE_GIB: '0' } });
    expect(await ended(project, run)).toBe('complete');
  });
});
