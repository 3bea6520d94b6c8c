import { Ajv } from 'ajv';
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import eventSchema from '../../schema/event.schema.json' with { type: 'json' };
import statusSchema from '../../schema/status.schema.json' with { type: 'json' };
import type { RunStatus } from '../../src/cli/views/status-schema.ts';
import type { EventBody } from '../../src/events/event.ts';
import { findRepository, Repository, repositoryHome } from '../../src/git/repository.ts';
import { WorktreeManager } from '../../src/git/worktree.ts';
import { acquireLock } from '../../src/store/journal/journal-lock.ts';
import { Journal } from '../../src/store/journal/journal.ts';
import { commitFiles, git } from '../helpers/git-repository.ts';
import { unitFiles } from '../helpers/plan-of.ts';
import { CHOO, type Outcome, runChoo } from '../helpers/run-choo.ts';
import { commit, factsOf, plannedUnit, started } from '../helpers/run-events.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { hasTmux, openScreen } from '../helpers/tmux.ts';

const RUN = 'run0000001';
const [api, web, app] = [factsOf('api'), factsOf('web'), factsOf('app')];
const UNITS = [
  plannedUnit('api', { tasks: 2 }),
  plannedUnit('web'),
  plannedUnit('app', { dependsOn: ['web'] }),
];
const START: EventBody = started(UNITS);
const BRANCH = `choo/run/${RUN}`;

const HALF: readonly EventBody[] = [
  START,
  ...[api.started(), api.task(1), api.invoke(1), api.usage(1, 1500, 0.25)],
];
const WHOLE: readonly EventBody[] = [
  ...HALF,
  ...[api.done(1, 2000, 0.5), api.taskDone(1), api.completed()],
  ...[
    web.started(),
    web.task(1),
    web.invoke(1),
    web.done(1, 10, null),
    web.failed('task 1 is red', 'look at its gate'),
  ],
  app.blocked('web'),
  { type: 'orch.failed', branch: BRANCH, head: commit('f'), unmerged: [] },
];

/** A repository with specs, in which choo has run. */
async function repository() {
  const place = await temporaryDirectory();
  const root = join(place.path, 'project');
  await mkdir(root);
  const head = await commitFiles(root, { ...unitFiles('api'), ...unitFiles('web'), 'src/x.txt': 'x' });
  const common = join(root, '.git');
  const data = join(place.path, 'data');
  return {
    root,
    head,
    common,
    data,
    tell: async (events: readonly EventBody[], run = RUN): Promise<void> => {
      await using journal = new Journal(common);
      await journal.append(run, (await journal.read(run)).length, events);
    },
    log: async (unit: string, text: string, run = RUN): Promise<string> => {
      const path = new Journal(common).unitLog(run, unit);
      await mkdir(join(path, '..'), { recursive: true });
      await appendFile(path, text);
      return path;
    },
    choo: async (...args: string[]): Promise<Outcome> => runChoo(root, args, { CHOO_DATA_DIR: data }),
    [Symbol.asyncDispose]: async () => place[Symbol.asyncDispose](),
  };
}

describe.concurrent('choo status', () => {
  test('says that nothing has run yet', async () => {
    await using world = await repository();
    expect(await world.choo('status')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('Nothing has run here yet.'),
    });
  });

  test('tells what became of a run', async () => {
    await using world = await repository();
    await world.tell(WHOLE);
    const { stdout, stderr, exitCode } = await world.choo('status');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    for (const part of ['1 of 3 units complete', '✗ web  task 1 is red', 'by web', `git merge ${BRANCH}`])
      expect(stdout).toContain(part);
  });

  test('shows a run that another process works on, and who that is', async () => {
    await using world = await repository();
    await world.tell(HALF);
    await using lock = await acquireLock(world.common, RUN);
    const { stdout } = await world.choo('status', 'specs');
    expect(stdout).toContain(
      `Run ${RUN} for main has been running since ${new Date(lock.owner.since).toISOString()} (process ${process.pid}).`,
    );
    expect(stdout).toMatch(/▸ api +task 1 of 2 .*1\.5k +\$0\.25 +agent\n/);
    expect(stdout).toContain('1 running, 2 waiting');
  });

  test('says so when a process ended without a word, and how to go on', async () => {
    await using world = await repository();
    await world.tell(HALF);
    const { stdout } = await world.choo('status');
    expect(stdout).toContain('The process running it died; no process is working on it.');
    expect(stdout).toMatch(/To resume it\n {2}\S*choo run\n/);
    const status = JSON.parse((await world.choo('status', '--json')).stdout) as RunStatus;
    expect(status).toMatchObject({ status: 'stopped', owner: null });
  });

  test('shows the newest run, or the one that is named', async () => {
    await using world = await repository();
    await world.tell(WHOLE);
    await world.tell([started([plannedUnit('new')], 'run0000002')], 'run0000002');
    await using _ = await acquireLock(world.common, 'run0000002');
    expect((await world.choo('status')).stdout).toContain('Run run0000002 for main has been running');
    const older = await world.choo('status', '--run', RUN);
    expect(older.stdout).toContain('Run run0000002 has been running since');
    expect(older.stdout).toContain('1 of 3 units complete');
    const value = JSON.parse((await world.choo('status', '--run', RUN, '--json')).stdout) as RunStatus;
    expect(value).toMatchObject({ run: RUN, status: 'failed', owner: null });
    const none = await world.choo('status', '--run', 'run0000009');
    expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('the newest is run0000002') });
    expect(await world.choo('status', '--run', '../..')).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('prints what its schema describes', async () => {
    await using world = await repository();
    await world.tell(WHOLE);
    await using _ = await acquireLock(world.common, RUN);
    const status = JSON.parse((await world.choo('status', '--json')).stdout) as RunStatus;
    const valid = new Ajv({ strict: false, validateFormats: false }).compile(statusSchema);
    expect(valid(status), JSON.stringify(valid.errors)).toBe(true);
    expect(status).toMatchObject({
      version: 1,
      run: RUN,
      status: 'failed',
      owner: { pid: process.pid },
      seq: WHOLE.length,
      branch: BRANCH,
      totals: {
        complete: 1,
        failed: 1,
        blocked: 1,
        running: 0,
        waiting: 0,
        tokens: 2010,
        cost: 0.5,
        costComplete: false,
      },
    });
    expect(status.units.map(({ id, state, cost, costComplete }) => [id, state, cost, costComplete])).toEqual([
      ['api', 'complete', 0.5, true],
      ['web', 'failed', null, false], // nobody said a price: that is not nothing
      ['app', 'blocked', 0, true],
    ]);
    expect(JSON.parse((await world.choo('schema', 'status')).stdout)).toEqual(statusSchema);
  });

  test('prints what was cancelled and skipped as its schema describes', async () => {
    await using world = await repository();
    await world.tell([...HALF, api.cancelled(), web.skipped(), app.cancelled()]);
    await world.tell([{ type: 'orch.cancelled', actor: 'ann' }]);
    const status = JSON.parse((await world.choo('status', '--json')).stdout) as RunStatus;
    const valid = new Ajv({ strict: false, validateFormats: false }).compile(statusSchema);
    expect(valid(status), JSON.stringify(valid.errors)).toBe(true);
    expect(status).toMatchObject({
      status: 'cancelled',
      totals: { complete: 0, running: 0, failed: 0, blocked: 0, cancelled: 2, skipped: 1, waiting: 0 },
    });
    expect(status.units.map(({ state }) => state)).toEqual(['cancelled', 'skipped', 'cancelled']);
    expect((await world.choo('status')).stdout).toContain('Cancelled: 0 of 3 units complete');
  });

  test('is found from a linked worktree, and not outside of a repository', async () => {
    await using world = await repository();
    await world.tell(WHOLE);
    await git(world.root, 'worktree', 'add', '--quiet', '../linked');
    const { stdout } = await runChoo(join(world.root, '../linked'), ['status']);
    expect(stdout).toContain('1 of 3 units complete');
    await using elsewhere = await temporaryDirectory();
    expect(await runChoo(elsewhere.path, ['status'])).toMatchObject({ exitCode: 2 });
  });
});

describe.concurrent('choo logs', () => {
  test('prints the log of a unit as it is, and in a pipe no escape sequence unless it is asked for', async () => {
    await using world = await repository();
    await world.tell(WHOLE);
    const text =
      'one\n\x1B[31mred\x1B[0m \x1B]8;;http://evil.example\x07link\x1B]8;;\x07 \x1B \x9B2J\r\nno end 漢';
    await world.log('api', text);
    const [plain, raw] = [await world.choo('logs', 'api'), await world.choo('logs', 'api', '--raw')];
    expect(plain).toMatchObject({ exitCode: 0, stderr: '' });
    expect(plain.stdout).toMatch(/^one\nred link .*\r\nno end 漢\n$/);
    expect(plain.stdout).not.toMatch(/[\x1B\x80-\x9F]/);
    expect(raw).toEqual({ exitCode: 0, stdout: `${text}\n`, stderr: '' });
  });

  test('prints a long one, characters whole', async () => {
    await using world = await repository();
    await world.tell(WHOLE);
    const text = `x${'漢字 '.repeat(40_000)}\n`.repeat(3);
    await world.log('api', text);
    expect((await world.choo('logs', 'api')).stdout === text).toBe(true);
  });

  test('finds the newest run that has the unit', async () => {
    await using world = await repository();
    await world.tell(WHOLE);
    await world.log('api', 'from the first\n');
    await world.tell([started([plannedUnit('other')], 'run0000002')], 'run0000002');
    expect((await world.choo('logs', 'api')).stdout).toBe('from the first\n');
    const named = await world.choo('logs', 'api', '--run', 'run0000002');
    expect(named).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('run run0000002 has no unit `api`'),
    });
  });

  test('knows what a misspelled unit was meant to be, and what has no log', async () => {
    await using world = await repository();
    await world.tell(WHOLE);
    const { exitCode, stderr } = await world.choo('logs', 'appi');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'choo: no run here has a unit `appi`\n  hint: did you mean `api`?\n',
    });
    expect(await world.choo('logs', 'app')).toMatchObject({ exitCode: 1, stdout: '' });
    expect(await world.choo('logs', '../../events')).toMatchObject({ exitCode: 2, stdout: '' });
    await using fresh = await repository();
    expect(await fresh.choo('logs', 'api')).toMatchObject({ exitCode: 2 });
  });

  test('prints the events of a unit as lines that their schema describes', async () => {
    await using world = await repository();
    await world.tell([...WHOLE.slice(0, -1), api.notice('hidden \u202E text')]);
    const { stdout } = await world.choo('logs', 'api', '--json');
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; unit: string });
    expect(events.map(({ type }) => type)).toEqual([
      ...[
        'unit.started',
        'task.started',
        'task.provider.invoke',
        'task.provider.usage',
        'task.provider.done',
      ],
      ...['task.completed', 'unit.completed', 'unit.notice'],
    ]);
    expect(stdout).toContain(String.raw`hidden \u202e text`);
    const valid = new Ajv({ strict: false }).compile(eventSchema);
    expect(events.filter((event) => !valid(event))).toEqual([]);
    expect(valid({ ...events[0], type: 'unit.exploded' })).toBe(false);
    expect(JSON.parse((await world.choo('schema', 'events')).stdout)).toEqual(eventSchema);
  });

  test.each([false, true])('follows a unit to its end, as JSON: %s', async (json) => {
    await using world = await repository();
    await world.tell(HALF);
    await using _ = await acquireLock(world.common, RUN);
    await using journal = new Journal(world.common);
    const [program, ...words] = CHOO;
    const child = execa(program, [...words, 'logs', 'api', '--follow', ...(json ? ['--json'] : [])], {
      cwd: world.root,
      reject: false,
    });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => void (printed += chunk.toString()));
    const see = async (text: string): Promise<void> =>
      vi.waitFor(() => expect(printed).toContain(text), { timeout: 30_000, interval: 20 });
    const say = async (text: string, tokens: number): Promise<void> => {
      await world.log('api', `${text}\n`);
      await journal.append(RUN, (await journal.read(RUN)).length, [api.usage(1, tokens, 1)]);
      await see(json ? `"tokens":${tokens}` : `${text}\n`);
    };
    await say('first', 2001);
    await say('second', 2002);
    await journal.append(RUN, HALF.length + 2, [web.started(), web.completed()]); // another's end is not its own
    await say('third', 2003);
    await world.log('api', 'last words');
    await journal.append(RUN, HALF.length + 5, [api.completed()]);
    expect(await child).toMatchObject({ exitCode: 0 });
    expect(
      printed
        .trimEnd()
        .split('\n')
        .slice(json ? -4 : 0)
        .map((line) => (json ? JSON.parse(line).type : line)),
    ).toEqual(
      json
        ? ['task.provider.usage', 'task.provider.usage', 'task.provider.usage', 'unit.completed']
        : ['first', 'second', 'third', 'last words'],
    );
  });

  test('does not wait for a run that nobody works on', async () => {
    await using world = await repository();
    await world.tell(HALF);
    await world.log('api', 'cut off\n');
    expect(await world.choo('logs', 'api', '--follow')).toMatchObject({ exitCode: 0, stdout: 'cut off\n' });
  });

  test('does not wait for a unit that was cancelled, or skipped', async () => {
    await using world = await repository();
    await world.tell([...HALF, api.cancelled(), web.skipped()]);
    await using _ = await acquireLock(world.common, RUN);
    for (const unit of ['api', 'web']) {
      await world.log(unit, 'stopped\n');
      expect(await world.choo('logs', unit, '--follow')).toMatchObject({ exitCode: 0, stdout: 'stopped\n' });
    }
  });

  test('is safe to look at in a terminal', async ({ skip }) => {
    skip(!(await hasTmux()), 'needs tmux');
    await using world = await repository();
    await world.tell(WHOLE);
    await world.log('api', 'before\n\x1B[31mred\x1B[0m \x1B]0;owned\x07 \x1B[2J\x1B[H \u202Etxt\rover\n');
    await using screen = await openScreen(world.root, `${CHOO.join(' ')} logs api`, {
      columns: 120,
      rows: 10,
    });
    await vi.waitFor(async () => expect(await screen.read()).toHaveLength(2), {
      timeout: 30_000,
      interval: 50,
    });
    expect(await screen.read()).toEqual(['before', String.raw`red   <U+202E>txt\rover`]);
  });
});

describe.concurrent('choo cleanup', () => {
  /** A repository with everything that runs leave. */
  async function leftovers() {
    const world = await repository();
    const other = 'run0000002';
    const open = 'run0000003';
    await world.tell(WHOLE);
    await world.tell(
      [started([plannedUnit('api')], other), { type: 'orch.completed', branch: 'x', head: null }],
      other,
    );
    await world.tell([started([plannedUnit('api')], open), { type: 'orch.interrupted', reason: 'x' }], open);
    for (const run of [RUN, other, open]) await world.log('api', 'text\n', run);
    await git(world.root, 'branch', BRANCH);
    await git(world.root, 'branch', 'choo/unit/main/api');
    await git(world.root, 'switch', '--quiet', '--create', 'elsewhere');
    await commitFiles(world.root, { 'src/y.txt': 'y' });
    await git(world.root, 'branch', `choo/run/${other}`);
    await git(world.root, 'switch', '--quiet', 'main');
    const path = process.env['PATH'] ?? '';
    const place = await findRepository(world.root, path);
    const home = repositoryHome(world.data, place);
    await mkdir(home, { recursive: true });
    await using repo = await Repository.open(place, home, path);
    const manager = new WorktreeManager(repo, path);
    await manager.create('api-1', world.head);
    await (await manager.create('web-1', world.head)).lock();
    return { world, other, open, worktrees: join(home, 'worktrees') };
  }

  test('removes what nobody needs, keeps what work goes on from, and says so', async () => {
    const { world, other, open, worktrees } = await leftovers();
    await using _ = world;
    const journal = new Journal(world.common);
    const dry = await world.choo('cleanup', '--dry-run');
    expect(dry.stdout).toContain(`would remove branch ${BRANCH}\n`);
    expect(await readdir(worktrees)).toHaveLength(2);
    expect(existsSync(journal.logDirectory(RUN))).toBe(true);
    expect(await git(world.root, 'branch', '--list', BRANCH)).not.toBe('');

    const { stdout, stderr, exitCode } = await world.choo('cleanup');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout.replaceAll('would remove', 'removed')).toBe(
      dry.stdout.replaceAll('would remove', 'removed'),
    );
    expect(stdout).toContain(
      `removed worktree ${join(worktrees, 'api-1')}\nremoved worktree ${join(worktrees, 'web-1')}\n`,
    );
    expect(stdout).toContain(`removed branch ${BRANCH}\n`);
    expect(stdout).toContain(
      `kept branch choo/run/${other}: not merged into HEAD\n  git branch -D choo/run/${other}\n`,
    );
    expect(stdout).toContain(`kept logs of run ${open}: the run can be resumed\n`);
    expect(stdout).toContain(
      'kept 1 branch of units: the only copy of this work\n  git branch -D choo/unit/main/api\n',
    );
    expect(stdout).toContain('kept the journal of 3 runs: ');

    expect(await readdir(worktrees)).toEqual([]);
    expect([RUN, other, open].map((run) => existsSync(journal.logDirectory(run)))).toEqual([
      false,
      false,
      true,
    ]);
    const branches = (
      await git(world.root, 'for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/choo')
    ).split('\n');
    expect(branches).toEqual([`choo/run/${other}`, 'choo/unit/main/api']);
    expect(await journal.runs()).toHaveLength(3);
    expect((await world.choo('cleanup')).stdout).toMatch(/^nothing to remove\nkept /);
  });

  test('removes the logs of a run that was cancelled', async () => {
    await using world = await repository();
    await world.tell([...HALF, api.cancelled(), { type: 'orch.cancelled', actor: 'ann' }]);
    await world.log('api', 'text\n');
    expect((await world.choo('cleanup')).stdout).toContain(`removed logs of run ${RUN}\n`);
  });

  test('says the same as JSON', async () => {
    const { world, other, worktrees } = await leftovers();
    await using _ = world;
    const done = JSON.parse((await world.choo('cleanup', '--json')).stdout) as unknown;
    expect(done).toMatchObject({
      version: 1,
      dryRun: false,
      removed: {
        worktrees: [join(worktrees, 'api-1'), join(worktrees, 'web-1')],
        logs: [other, RUN],
        branches: [BRANCH],
      },
    });
  });

  test('removes nothing while a run is under way, and takes over after one that was killed', async () => {
    const { world, worktrees } = await leftovers();
    await using _ = world;
    {
      await using lock = await acquireLock(world.common, RUN);
      const refused = await world.choo('cleanup');
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
      expect(refused.stderr).toContain(
        `run \`${RUN}\` has been running since ${new Date(lock.owner.since).toISOString()}`,
      );
      expect(await readdir(worktrees)).toHaveLength(2);
    }
    await writeFile(join(world.common, 'choo/lock'), '{}');
    expect((await world.choo('cleanup')).exitCode).toBe(0);
  });

  test('does not remove a branch that is checked out', async () => {
    await using world = await repository();
    await git(world.root, 'switch', '--quiet', '--create', BRANCH);
    const { stdout } = await world.choo('cleanup');
    expect(stdout).toBe(
      `nothing to remove\nkept branch ${BRANCH}: checked out in ${world.root}\n  git branch -D ${BRANCH}\n`,
    );
  });

  test('finds nothing where nothing has run, and makes nothing', async () => {
    await using world = await repository();
    expect(await world.choo('cleanup')).toEqual({ exitCode: 0, stdout: 'nothing to remove\n', stderr: '' });
    expect(existsSync(world.data)).toBe(false);
  });
});
