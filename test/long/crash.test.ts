import { execa } from 'execa';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allowCommand } from '../helpers/allow-command.ts';
import { expectNoProcess } from '../helpers/live-processes.ts';
import { IS_WHOLE } from '../helpers/long-part.ts';
import { CHOO, untilPrinted } from '../helpers/run-choo.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { fileOn, makeProject, resultBranch, type SpecProject, story } from '../helpers/spec-project.ts';

/** How many runs are killed at random moments. */
const ROUNDS = IS_WHOLE ? { host: 20, bubblewrap: 20 } : { host: 4, bubblewrap: 2 };
const SEED = Number(process.env['CHOO_TEST_SEED'] ?? 1);

/** Work that takes a moment, so that there is something to be killed in the middle of. `mark` is seen in the process list. */
const work = (name: string, mark: string) => ({
  gate: `test -e ${name} && sleep 0.05`,
  sh: `sleep 0.${mark}; echo ${name} > ${name}`,
});

const UNITS = {
  left: { tasks: [work('l1', '1171'), work('l2', '1172')] },
  right: { tasks: [work('r1', '1173'), work('r2', '1174')] },
  last: { dependsOn: ['left', 'right'], tasks: [work('x1', '1175')] },
};
const KILLED_UPDATE_REF = new URL('../fixtures/killed-update-ref.ts', import.meta.url).pathname;
const MARKS = /sleep 0\.117[1-5]/;

/** Starts `choo run` and leaves it to its fate. */
function start(project: SpecProject, sandbox: string, path = process.env['PATH'] ?? '', ...words: string[]) {
  const [node, cli] = CHOO;
  return execa(node, [cli, 'run', '--json', '--sandbox', sandbox, ...words], {
    cwd: project.path,
    env: { ...project.environment, PATH: path, HOME: '/nonexistent' },
    extendEnv: false,
    reject: false,
  });
}

/** What must hold however often choo was killed: everything is done, once, and nothing stands in the way. */
async function expectAllDone(project: SpecProject): Promise<void> {
  expect(await story(project, 'choo/unit/main/left')).toEqual(['Step 1 of left', 'Step 2 of left']);
  expect(await story(project, 'choo/unit/main/right')).toEqual(['Step 1 of right', 'Step 2 of right']);
  const branches = (await resultBranch(project)).split('\n');
  const result = branches.at(-1) ?? '';
  const commits = await project.git('log', '--no-merges', '--format=%s', `main..${result}`);
  expect(commits.split('\n').toSorted()).toEqual([
    'Step 1 of last',
    'Step 1 of left',
    'Step 1 of right',
    'Step 2 of left',
    'Step 2 of right',
  ]);
  for (const name of ['l1', 'l2', 'r1', 'r2', 'x1']) expect(await fileOn(project, result, name)).toBe(name);
  for (const commit of (await project.git('log', '--no-merges', '--format=%H', `main..${result}`)).split(
    '\n',
  )) {
    // The gate of each commit's task passes on its tree.
    const [unit = '', task = ''] = (
      await project.git(
        'log',
        '-1',
        '--format=%(trailers:key=Choo-Unit,valueonly,separator=)/%(trailers:key=Choo-Task,valueonly,separator=)',
        commit,
      )
    ).split('/');
    const name = `${unit === 'last' ? 'x' : unit.charAt(0)}${task}`;
    expect(await fileOn(project, commit, name)).toBe(name);
  }
  expect((await project.git('fsck', '--strict', '--no-dangling')).trim()).toBe('');
  expect(await project.git('status', '--porcelain')).toBe('');
  const [home = ''] = readdirSync(join(project.dataDirectory, 'repositories'));
  expect(readdirSync(join(project.dataDirectory, 'repositories', home, 'worktrees'))).toEqual([]);
}

interface Kill {
  readonly nth: number;
  readonly after?: boolean;
  /** Text of a `.gitattributes`: git itself stages then, and `hash-object` is started by the first commit. */
  readonly attributes?: string;
}

/**
 * The PATH with a `git` that kills choo, once: at the nth call with these words, before the real git works; or at the nth move of a
 * ref below `refs/heads/choo/`, before or after.
 */
async function killerGit(project: SpecProject, at: string, { nth, after = false }: Kill): Promise<string> {
  const directory = join(project.dataDirectory, '..', 'bin');
  await mkdir(directory);
  const { stdout: real } = await execa('which', ['git']);
  const count = join(directory, 'count');
  const [node] = CHOO;
  const proxy = [node, KILLED_UPDATE_REF, count, nth, after ? 'after' : 'before', at, real].join(' ');
  const script = at.startsWith('refs/')
    ? ['case "$*" in', `  *update-ref*--stdin*) exec ${proxy} "$@" ;;`, 'esac']
    : [
        'case "$*" in',
        `  ${at})`,
        `    echo >> ${count}`,
        `    if [ "$(wc -l < ${count})" = ${nth} ]; then kill -9 $PPID; exit 1; fi ;;`,
        'esac',
      ];
  writeFileSync(join(directory, 'git'), `#!/bin/sh\n${script.join('\n')}\nexec ${real} "$@"\n`);
  chmodSync(join(directory, 'git'), 0o755);
  return `${directory}${delimiter}${process.env['PATH'] ?? ''}`;
}

type Sandbox = (typeof SANDBOXES)[number];

/** Where a run can be cut off: what git is asked for, at the nth time. */
const POINTS: Readonly<Record<string, readonly [string, Kill]>> = {
  'between agent and gate': ['*hash-object*', { nth: 1 }],
  'between gate and commit': ['*hash-object*', { nth: 1, attributes: '*.txt text\n' }],
  'between commit and push': ['refs/heads/choo/unit/', { nth: 2 }],
  'between push and record': ['refs/heads/choo/unit/', { nth: 2, after: true }],
  'before the result is pushed': ['refs/heads/choo/run/', { nth: 1 }],
  'after the result is pushed': ['refs/heads/choo/run/', { nth: 1, after: true }],
};

/**
 * The points are git's and the journal's: the sandbox has no part in them but for what an agent and a gate leave behind, of
 * which the first three tell.
 */
const CASES = Object.entries(POINTS).flatMap(([name, point], at) =>
  SANDBOXES.filter((sandbox) => sandbox === 'host' || at < 3).map(
    (sandbox): readonly [string, Sandbox, string, Kill] => [name, sandbox, ...point],
  ),
);

describe('killed with -9', () => {
  test.each(CASES)('%s, in %s, it goes on where it was', async (_, sandbox, at, kill) => {
    const files = kill.attributes === undefined ? {} : { '.gitattributes': kill.attributes };
    await using project = await makeProject({ units: UNITS, files }, { sandbox });
    const killed = await start(project, sandbox, await killerGit(project, at, kill));
    expect(killed.signal).toBe('SIGKILL');
    if (sandbox === 'bubblewrap') await expectNoProcess(MARKS);
    const { exitCode, stderr } = await start(project, sandbox);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    await expectNoProcess(MARKS);
    await expectAllDone(project);
  });

  test('a first commit that was never pushed is not made again', async () => {
    const units = { unit: { tasks: [work('u1', '1176')] } };
    await using project = await makeProject({ units });
    const path = await killerGit(project, 'refs/heads/choo/unit/', { nth: 1 });
    expect((await start(project, 'host', path)).signal).toBe('SIGKILL');
    expect(await project.git('for-each-ref', 'refs/heads/choo/unit')).toBe('');
    const { exitCode, stdout } = await start(project, 'host');
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('task.provider.invoke');
    expect(await story(project, 'choo/unit/main/unit')).toEqual(['Step 1 of unit']);
  });

  test.each([
    ['before the second unit begins', { nth: 1, after: true }],
    ['when the old head of the second is put aside', { nth: 2 }],
  ])('a run that starts over, killed %s, goes on so, and no unit starts over twice', async (_, when) => {
    const units = {
      one: { tasks: [work('o1', '1177')] },
      two: { dependsOn: ['one'], tasks: [work('t1', '1178')] },
    };
    await using project = await makeProject({ units, config: 'parallelism: 1\n' });
    expect((await start(project, 'host')).exitCode).toBe(0);
    const old = await Promise.all(
      ['one', 'two'].map((id) => project.git('rev-parse', `choo/unit/main/${id}`)),
    );
    const path = await killerGit(project, 'refs/heads/choo/unit/', when);
    expect((await start(project, 'host', path, '--fresh')).signal).toBe('SIGKILL');
    const one = await project.git('rev-parse', 'choo/unit/main/one');
    expect(one).not.toBe(old[0]);
    const { exitCode, stderr } = await start(project, 'host');
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(await project.git('rev-parse', 'choo/unit/main/one')).toBe(one);
    expect(await story(project, 'choo/unit/main/two')).toEqual(['Step 1 of one', 'Step 1 of two']);
    const kept = await project.git('for-each-ref', '--format=%(objectname)', 'refs/heads/choo/old');
    expect(kept.split('\n').toSorted()).toEqual(old.toSorted());
  });

  test.each(SANDBOXES.map((sandbox) => [ROUNDS[sandbox], sandbox] as const))(
    `at random moments, %i times in %s (seed ${SEED})`,
    { timeout: 600_000 },
    async (rounds, sandbox) => {
      let seed = SEED % 2_147_483_647 || 1;
      const random = (limit: number): number => (seed = (seed * 48_271) % 2_147_483_647) % limit;
      for (let round = 0; round < rounds; round += 1) {
        // An attempt that is cut off counts, so there must be enough of them.
        const config = 'limits: { attempts: 20 }\n';
        await using project = await makeProject({ units: UNITS, config }, { sandbox });
        // As many kills as it takes: the first at any time from its start on, the others when there is something to lose, each
        // run living longer than the one before.
        for (let life = 0; ; life += 1) {
          const run = start(project, sandbox);
          if (life > 0) await Promise.race([once(run.stdout, 'data'), run]);
          const timer = setTimeout(() => run.kill('SIGKILL'), life * 250 + random(600));
          const { exitCode, signal, stderr, stdout } = await run;
          clearTimeout(timer);
          if (sandbox === 'bubblewrap') await expectNoProcess(MARKS);
          if (signal === 'SIGKILL') continue;
          expect(stderr).toBe('');
          expect(stdout.split('\n').filter((line) => line.includes('"unit.failed"'))).toEqual([]);
          expect(exitCode).toBe(0);
          break;
        }
        await expectNoProcess(MARKS);
        await expectAllDone(project);
      }
    },
  );

  test('what an agent had spent is still counted, and the attempt with it', async () => {
    const usage = {
      input_tokens: 500,
      output_tokens: 100,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    };
    const message = JSON.stringify({
      type: 'assistant',
      message: { id: 'm1', content: [{ type: 'text', text: 'thinking' }], usage },
    });
    const place = '#!/bin/sh\n';
    const units = { unit: { provider: 'claude', tasks: [{ gate: 'test -e never' }] } };
    await using project = await makeProject({ units });
    const agent = join(project.path, '../agent/agent.sh');
    await mkdir(join(project.path, '../agent'));
    writeFileSync(agent, `${place}cat > /dev/null\necho '${message}'\nsleep 1179\n`);
    chmodSync(agent, 0o755);
    writeFileSync(
      join(project.path, '.choo.yml'),
      `provider:\n  providers: { claude: { command: ${agent} } }\nlimits: { attempts: 2, unit_tokens: 1000 }\n`,
    );
    await project.git('commit', '-qam', 'Take the stand-in');
    await allowCommand(project.dataDirectory, 'claude', { command: agent });
    for (let kill = 0; kill < 2; kill += 1) {
      const run = start(project, 'host');
      await untilPrinted(run.stdout, 'task.provider.usage');
      run.kill('SIGKILL');
      await run;
    }
    const { exitCode } = await start(project, 'host');
    await expectNoProcess(/sleep 1179/);
    expect(exitCode).toBe(1);
    const [run = ''] = readdirSync(join(project.path, '.git/choo/runs'));
    const events = readFileSync(join(project.path, '.git/choo/runs', run, 'events.jsonl'), 'utf8');
    expect(events.match(/"type":"task\.provider\.invoke"/g)).toHaveLength(2);
    const { stdout } = await project.choo('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ totals: { tokens: 1_200 } });
  });
});

test('a run that goes on gives another turn to what had failed for want of a tool', async () => {
  const units = {
    broken: { tasks: [{ gate: 'tool-of-the-test', sh: 'touch broken' }] },
    blocked: { dependsOn: ['broken'], tasks: [{ gate: 'test -e blocked', sh: 'touch blocked' }] },
    slow: { tasks: [{ gate: 'test -e slow', sh: 'sleep 2.1179; touch slow' }] },
  };
  await using project = await makeProject({ units, config: 'parallelism: 2\n' });
  const run = start(project, 'host');
  await untilPrinted(run.stdout, 'unit.blocked');
  run.kill('SIGINT');
  expect((await run).exitCode).toBe(130);
  const tools = join(project.dataDirectory, '../tools');
  await mkdir(tools);
  writeFileSync(join(tools, 'tool-of-the-test'), '#!/bin/sh\ntest -e broken\n', { mode: 0o755 });
  const { exitCode, stdout } = await start(
    project,
    'host',
    `${tools}${delimiter}${process.env['PATH'] ?? ''}`,
  );
  expect(stdout).toContain('orch.resumed');
  expect(exitCode).toBe(0);
  expect(await story(project, 'choo/unit/main/blocked')).toEqual(['Step 1 of broken', 'Step 1 of blocked']);
});

test('a run whose reader goes away stops in order and can go on', async () => {
  const tasks = (id: string) => [1, 2, 3].map((number) => work(`${id}${number}`, '1176'));
  const units = { unit: { tasks: tasks('u') }, other: { tasks: tasks('o') }, third: { tasks: tasks('t') } };
  await using project = await makeProject({ units, config: 'parallelism: 3\n' });
  const run = start(project, 'host');
  await untilPrinted(run.stdout, 'task.completed');
  run.stdout.destroy(); // as `head` does
  expect((await run).exitCode).toBe(130);
  await expectNoProcess(/sleep 0\.1176/);
  expect((await project.choo('status')).stdout).toContain('Interrupted');
  const { exitCode, stdout } = await start(project, 'host');
  expect(stdout).toContain('orch.resumed');
  expect(exitCode).toBe(0);
  expect(await story(project, 'choo/unit/main/unit')).toHaveLength(3);
});
