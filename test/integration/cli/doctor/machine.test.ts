import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { compareClocks } from '../../../../src/cli/doctor/clocks.ts';
import { checkDatabase } from '../../../../src/cli/doctor/database.ts';
import { runCheck } from '../../../../src/cli/doctor/finding.ts';
import {
  checkAgents,
  checkCgroups,
  checkDisk,
  checkGit,
  checkSandbox,
} from '../../../../src/cli/doctor/machine.ts';
import { ChooError } from '../../../../src/errors.ts';
import { openServerDatabase } from '../../../../src/store/server-database.ts';
import { openDatabase } from '../../../../src/store/database/database.ts';
import { openTestDatabase } from '../../../helpers/database.ts';
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts';

const PATH = process.env['PATH'] ?? '';

/** A directory with programs that print this. */
async function programs(directory: string, printed: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(printed))
    await writeFile(join(directory, name), `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 });
  return directory;
}

describe('git', () => {
  test('is fine here, missing on an empty PATH, and too old before 2.38', async () => {
    await using place = await temporaryDirectory();
    expect(await checkGit(PATH)).toMatchObject([{ status: 'ok' }]);
    expect(await checkGit(place.path)).toMatchObject([
      {
        status: 'failed',
        message: 'git is not on the PATH',
        cure: expect.stringContaining('install git 2.38'),
      },
    ]);
    const old = await programs(place.path, { git: 'git version 2.37.9' });
    expect(await checkGit(old)).toMatchObject([
      { status: 'failed', message: 'git version 2.37.9 is too old' },
    ]);
    const newer = await programs(place.path, { git: 'git version 3.0.1' });
    expect(await checkGit(newer)).toMatchObject([{ status: 'ok' }]);
  });
});

describe('the sandbox', () => {
  test('is fine, a warning where there is none, and failed with the hint of its self-test', async () => {
    expect(await checkSandbox(async () => ({ kind: 'bubblewrap' }))).toMatchObject([{ status: 'ok' }]);
    expect(await checkSandbox(async () => ({ kind: 'host' }))).toMatchObject([{ status: 'warning' }]);
    const broken = async (): Promise<never> => {
      throw new ChooError('environment', 'bubblewrap does not work here: no namespaces', {
        hint: 'allow them',
      });
    };
    expect(await runCheck('sandbox', async () => checkSandbox(broken), 'x')).toEqual([
      {
        name: 'sandbox',
        status: 'failed',
        message: 'bubblewrap does not work here: no namespaces',
        cure: 'allow them',
      },
    ]);
  });
});

describe('cgroups', () => {
  test('are a warning without version 2, or without its limits', async () => {
    await using place = await temporaryDirectory();
    expect(await checkCgroups(place.path)).toMatchObject([
      { status: 'warning', message: expect.stringContaining('no version 2') },
    ]);
    await writeFile(join(place.path, 'cgroup.controllers'), 'cpuset cpu pids\n');
    expect(await checkCgroups(place.path)).toMatchObject([
      { status: 'warning', message: expect.stringContaining('lack memory') },
    ]);
    await writeFile(join(place.path, 'cgroup.controllers'), 'cpu memory pids\n');
    expect(await checkCgroups(place.path)).toMatchObject([{ status: 'ok' }]);
  });
});

describe('agents', () => {
  test('are a failure where none can run, and where one that the operator named cannot', async () => {
    await using place = await temporaryDirectory();
    const none = checkAgents(place.path, []);
    expect(none.at(-1)).toMatchObject({ name: 'agents', status: 'failed' });
    expect(none.find(({ name }) => name === 'agent claude')).toMatchObject({ status: 'skipped' });
    const named = checkAgents(place.path, ['claude']);
    expect(named.filter(({ status }) => status === 'failed')).toMatchObject([
      { name: 'agent claude', cure: expect.stringContaining('npm install') },
    ]);
  });
});

describe('the disk', () => {
  test('is failed below what a server needs, a warning a little above, also where the directory is not there yet', async () => {
    await using place = await temporaryDirectory();
    const directory = join(place.path, 'not', 'yet');
    expect(await checkDisk(directory, 1_000_000)).toMatchObject([{ name: 'disk', status: 'failed' }]);
    expect(await checkDisk(directory, 0)).toMatchObject([{ status: expect.stringMatching(/ok|warning/) }]);
    await mkdir(directory, { recursive: true });
    const [found] = await checkDisk(directory, 0);
    const free = Number(/^([0-9.]+) GiB/.exec(found?.message ?? '')?.[1]);
    expect(await checkDisk(directory, Math.max(0, free - 2))).toMatchObject([{ status: 'warning' }]);
  });
});

describe('the database', () => {
  test('is failed where it does not answer, and without its tables', async () => {
    const open = async (url: string) =>
      openServerDatabase({ url, dataDirectory: '/nonexistent', name: 'test', size: 1, onError: () => {} });
    const nowhere = await runCheck(
      'database',
      async () => checkDatabase(async () => open('postgres://127.0.0.1:1/x')),
      'x',
    );
    expect(nowhere).toMatchObject([{ name: 'database', status: 'failed', cure: 'check DATABASE_URL' }]);
    const { connection, ...test } = await openTestDatabase();
    await using _database = test;
    const openTest = async () => {
      const database = openDatabase(connection, { name: 'test', onError: () => {} });
      return { address: connection, database, [Symbol.asyncDispose]: async () => database.destroy() };
    };
    expect(await checkDatabase(openTest)).toMatchObject([
      { name: 'database', status: 'ok' },
      { name: 'tables', status: 'failed', cure: expect.stringContaining('choo db migrate') },
      { name: 'clock of the database', status: 'ok' },
    ]);
    const findings = await checkDatabase(openTest, () => Date.now() + 60_000);
    expect(findings.at(-1)).toMatchObject({ status: 'warning', cure: expect.stringContaining('NTP') });
  });

  test('and whatever does not answer in time is failed', async () => {
    const findings = await runCheck('x', async () => new Promise(() => {}), 'wake it', 20);
    expect(findings).toMatchObject([{ status: 'failed', cure: 'wake it' }]);
  });
});

describe('clocks', () => {
  test('may differ by seconds, not by more, in both directions', () => {
    expect(compareClocks('x', 1_000_000, 1_004_000)).toMatchObject({ status: 'ok' });
    expect(compareClocks('x', 1_000_000, 1_030_000)).toMatchObject({
      status: 'warning',
      message: 'this machine is 30.0 s ahead of it',
    });
    expect(compareClocks('x', 1_030_000, 1_000_000)).toMatchObject({ status: 'warning' });
  });
});
