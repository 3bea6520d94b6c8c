import { execa } from 'execa';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { liveProcesses } from '../helpers/live-processes.ts';
import { CHOO, runProgram, untilPrinted } from '../helpers/run-choo.ts';
import { fileOn, makeProject, resultBranch, type RunOutcome, story } from '../helpers/spec-project.ts';

const UNIT = 'choo/unit/main/unit';

function invocations({ events }: RunOutcome, unit = 'unit'): readonly string[] {
  return events
    .filter((event) => event['type'] === 'task.provider.invoke' && event['unit'] === unit)
    .map((event) => `${String(event['task'])}.${String(event['attempt'])}`);
}

function failureOf({ events }: RunOutcome, unit = 'unit'): unknown {
  return events.findLast((event) => event['type'] === 'unit.failed' && event['unit'] === unit)?.['failure'];
}

/** Every row of the table in SPEC-FORMAT §1 that only a run can show, by its words. */
describe('SPEC-FORMAT §1', () => {
  test('dependency on a unit that is already complete: satisfied', async () => {
    await using project = await makeProject({
      units: {
        before: { tasks: [{ gate: 'test -e there', status: 'complete' }] },
        unit: { dependsOn: ['before'], tasks: [{ gate: 'test -e there -a -e work', sh: 'touch work' }] },
      },
      files: { there: '' },
    });
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(0);
    expect(invocations(outcome, 'before')).toEqual([]);
    expect(await fileOn(project, UNIT, 'work')).toBe('');
  });

  test('task left `in_progress`: pending', async () => {
    await using project = await makeProject({
      units: { unit: { tasks: [{ gate: 'test -e work', sh: 'touch work', status: 'in_progress' }] } },
    });
    expect(invocations(await project.run())).toEqual(['1.1']);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit']);
  });

  describe('gate green before any work', () => {
    const spec = { units: { unit: { tasks: [{ gate: 'true', sh: 'echo work > work' }] } } };

    test('marked *already green*; the agent runs all the same', async () => {
      await using project = await makeProject(spec);
      const outcome = await project.run();
      expect(invocations(outcome)).toEqual(['1.1']);
      expect(await fileOn(project, UNIT, 'work')).toBe('work');
      expect(outcome.events.find(({ type }) => type === 'task.completed')).toMatchObject({
        alreadyGreen: true,
      });
      expect((await project.choo('status')).stdout).toContain('already green');
    });

    test('unless `skip_green: true`', async () => {
      await using project = await makeProject({ ...spec, config: 'skip_green: true\n' });
      const outcome = await project.run();
      expect(outcome.exitCode).toBe(0);
      expect(invocations(outcome)).toEqual([]);
      expect(await fileOn(project, UNIT, 'work')).toBeUndefined();
      expect(await fileOn(project, UNIT, 'specs/tasks/unit/01-step.md')).toContain('status: complete');
    });
  });

  test('a gate that was green is looked at again when other work may have turned it', async () => {
    await using project = await makeProject({
      units: {
        unit: {
          tasks: [
            { gate: 'test -e one', sh: 'touch one', dependsOn: [] },
            { gate: 'test ! -e one', sh: 'true', dependsOn: [] },
          ],
        },
      },
      config: 'skip_green: true\nverify: false\nlimits: { attempts: 1 }\n',
    });
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(1);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit']);
  });

  test.each([
    ['126', 'sh -c "exit 126"'],
    ['127', 'no-such-program --now'],
  ])('gate exits %s: fault of the environment, the unit ends before an agent starts', async (_, gate) => {
    await using project = await makeProject({ units: { unit: { tasks: [{ gate, sh: 'touch work' }] } } });
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(1);
    expect(invocations(outcome)).toEqual([]);
    expect(failureOf(outcome)).toBe('environment');
  });

  test('agent commits its own work: its commits are reduced to their tree, choo writes the commit', async () => {
    const commit = 'git -c user.name=agent -c user.email=agent@localhost commit -q';
    await using project = await makeProject({
      units: {
        unit: {
          tasks: [
            {
              gate: 'test -e one -a -e two',
              sh: `touch one; git add one; ${commit} -m Mine; touch two; git add two; ${commit} -m "Mine too"`,
            },
            {
              gate: 'test -e three',
              sh: `touch three; git checkout -q -b elsewhere; git add -A; ${commit} -m Away`,
            },
          ],
        },
      },
    });
    expect((await project.run()).exitCode).toBe(0);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit', 'Step 2 of unit']);
    expect(await project.git('log', '--format=%an', `main..${UNIT}`)).toBe('choo\nchoo');
    expect(await fileOn(project, UNIT, 'three')).toBe('');
    expect(await project.git('branch', '--list', 'elsewhere')).toBe('');
  });

  test('`status: complete` in all tasks: satisfied without a worktree, and verified (no agent) when named by `--unit`', async () => {
    await using project = await makeProject({
      units: {
        unit: { tasks: [{ gate: 'test -e there', status: 'complete' }] },
        other: { tasks: [{ gate: 'test -e x', sh: 'touch x' }] },
      },
      files: { there: '' },
    });
    const all = await project.run('--unit', 'other');
    expect(all.events.filter((event) => event['unit'] === 'unit')).toEqual([]);
    const named = await project.run('--unit', 'unit');
    expect(named.exitCode).toBe(0);
    expect(invocations(named)).toEqual([]);
    expect(named.events.find(({ type }) => type === 'unit.completed')).toMatchObject({ verified: true });
    await project.git('rm', '-q', 'there');
    await project.git('commit', '-q', '-m', 'Break it');
    const broken = await project.run('--unit', 'unit');
    expect(broken.exitCode).toBe(1);
    expect(failureOf(broken)).toBe('verify');
  });

  test('agent finishes two offered tasks: both gates are run, both may complete', async () => {
    await using project = await makeProject({
      units: {
        unit: {
          tasks: [
            { gate: 'test -e one', sh: 'touch one two', dependsOn: [] },
            { gate: 'test -e two', sh: 'echo must not run; exit 1', dependsOn: [] },
          ],
        },
      },
    });
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(0);
    expect(invocations(outcome)).toEqual(['1.1']);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit', 'Step 2 of unit']);
    expect(
      outcome.events.filter(({ type }) => type === 'task.completed').map((each) => each['alreadyGreen']),
    ).toEqual([false, false]);
  });

  test('gate red in all attempts, then a resume: a task is complete only after its gate passed', async () => {
    await using project = await makeProject({
      units: {
        unit: {
          tasks: [
            { gate: 'test -e one', sh: 'touch one' },
            { gate: 'false', sh: 'touch two' },
          ],
        },
      },
      config: 'limits: { attempts: 2 }\n',
    });
    const first = await project.run();
    expect(invocations(first)).toEqual(['1.1', '2.1', '2.2']);
    for (const outcome of [first, await project.run(), await project.run()]) {
      expect(outcome.exitCode).toBe(1);
      expect(failureOf(outcome)).toBe('attempts');
      expect(await story(project, UNIT)).toEqual(['Step 1 of unit']);
      expect(await fileOn(project, UNIT, 'specs/tasks/unit/02-step.md')).toContain('status: pending');
      expect(await resultBranch(project)).toBe('');
    }
  });

  test('`baseline_checks`, `worktree.setup`/`teardown`, `parallelism`, `target_branch`: they work', async () => {
    await using project = await makeProject({
      units: {
        a: { tasks: [{ gate: 'test -e prepared && test -e a.txt', sh: 'echo bad > a.txt' }] },
        b: { tasks: [{ gate: 'test -e prepared && test -e b.md', sh: 'echo bad > b.md' }] },
      },
      files: { '.gitignore': 'prepared\n', 'setup.json': '{}' },
      config: [
        'parallelism: 1',
        'target_branch: release',
        'limits: { attempts: 2 }',
        'baseline_checks:',
        '  - { name: words, command: "! grep -rq bad --include=*.txt .", pattern: "**/*.txt" }',
        'worktree:',
        '  setup:',
        '    - { command: touch prepared, if: setup.json }',
        '    - { command: touch never, if: not-there.json }',
        '  teardown:',
        '    - { command: "echo gone >> $(git rev-parse --show-toplevel)/../torn-down" }',
      ].join('\n'),
    });
    const outcome = await project.run();
    expect(failureOf(outcome, 'a')).toBe('environment'); // nobody here can repair it: the plan has no rehearsal
    expect(outcome.events.filter(({ type }) => type === 'baseline.fail').length).toBeGreaterThan(0);
    expect(failureOf(outcome, 'b')).toBeUndefined();
    expect(
      outcome.events.filter((event) => String(event['type']).startsWith('baseline') && event['unit'] === 'b'),
    ).toEqual([]);
    expect(await fileOn(project, 'choo/unit/release/b', 'never')).toBeUndefined();
    // One after the other: no unit starts before the one before it has ended.
    const turns = outcome.events.filter(({ type }) =>
      ['unit.started', 'unit.completed', 'unit.failed'].includes(String(type)),
    );
    expect(turns.map(({ unit }) => unit)).toEqual(['a', 'a', 'b', 'b']);
    const [home = ''] = readdirSync(join(project.dataDirectory, 'repositories'));
    expect(
      readFileSync(join(project.dataDirectory, 'repositories', home, 'worktrees/torn-down'), 'utf8'),
    ).toMatch(/gone\ngone\n/);
  });

  test('a unit that fails at `node --test` says which test failed, and why', async () => {
    const lines = [
      "import assert from 'node:assert/strict';",
      "import { test } from 'node:test';",
      "test('adds', () => assert.deepEqual([1 + 1], [3]));",
    ];
    await using project = await makeProject({
      units: { unit: { tasks: [{ gate: 'node --test sum.test.mjs', sh: 'touch made' }] } },
      files: { 'sum.test.mjs': lines.join('\n') },
      config: 'limits: { attempts: 1 }\n',
    });
    const { events } = await project.run();
    expect(events.find(({ type }) => type === 'unit.failed')).toMatchObject({
      failure: 'attempts',
      hint: expect.stringContaining('adds: Expected values to be strictly deep-equal'),
    });
  });

  test('a pattern of a baseline check that fits nearly, in many ways, takes no time', async () => {
    await using project = await makeProject({
      units: { unit: { tasks: [{ gate: '"true"', sh: `echo good > ${'a'.repeat(60)}` }] } },
      config: `baseline_checks:\n  - { name: never, command: "false", pattern: "${'*a'.repeat(8)}*b" }\n`,
    });
    const seconds = 20; // of the processor, whatever else the machine does
    const run = ['bash', '-c', `ulimit -t ${seconds}; exec "$@"`, 'bash', ...CHOO, 'run'] as const;
    const outcome = await runProgram(project.path, [...run, '--sandbox', 'host'], project.environment);
    expect(outcome).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is complete') });
  });

  test('a red baseline check is given to the agent to repair', async () => {
    await using project = await makeProject({
      units: {
        unit: {
          tasks: [
            {
              gate: 'test -e a.txt',
              sh: 'if [ -e a.txt ]; then echo good > a.txt; else echo bad > a.txt; fi',
            },
          ],
        },
      },
      config: 'baseline_checks:\n  - { name: words, command: "! grep -q bad a.txt" }\n',
    });
    // The rehearsal of a repair is the block of the unit's plan.
    const plan = 'specs/tasks/unit/IMPLEMENTATION_PLAN.md';
    await writeFile(
      join(project.path, plan),
      '---\ndepends_on: []\n---\n\n# A unit\n\n```sh rehearsal\necho good > a.txt\n```\n',
    );
    await project.git('commit', '-qam', 'Rehearse the repair');
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(0);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit', 'Make the check words pass']);
    expect(await project.git('log', '-1', '--format=%(trailers:key=Choo-Task,valueonly)', UNIT)).toContain(
      'baseline',
    );
    expect(await fileOn(project, UNIT, 'a.txt')).toBe('good');
  });

  test('the gate leaves a background child: the whole process tree ends', async () => {
    await using project = await makeProject({
      units: {
        unit: {
          tasks: [
            { gate: '(setsid sleep 600 & sleep 601 &) ; test -e work', sh: 'touch work; sleep 602 & disown' },
          ],
        },
      },
    });
    const started = performance.now();
    expect((await project.run()).exitCode).toBe(0);
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(await liveProcesses(/^sleep 60[012]$/)).toEqual([]);
  });

  test('the gate takes too long: the whole process tree ends at the limit', async () => {
    await using project = await makeProject({
      units: { unit: { tasks: [{ gate: 'sh -c "sleep 603; true"', sh: 'touch work' }] } },
      config: 'limits: { gate_timeout: 1s, attempts: 1 }\n',
    });
    const outcome = await project.run();
    expect(failureOf(outcome)).toBe('attempts');
    expect(await liveProcesses(/sleep 603/)).toEqual([]);
  });

  test('two runs at once in one repository: the second is refused, with the reason', async () => {
    await using project = await makeProject({
      units: {
        unit: {
          tasks: [
            {
              gate: 'test -e work',
              sh: 'until [ -e "$PWD/../../../../go" ]; do sleep 0.05; done; touch work',
            },
          ],
        },
      },
    });
    const [node, cli] = CHOO;
    const env = { ...project.environment, PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' };
    const first = execa(node, [cli, 'run', '--json', '--sandbox', 'host'], {
      cwd: project.path,
      env,
      extendEnv: false,
      reject: false,
    });
    await untilPrinted(first.stdout, 'task.provider.invoke');
    const second = await project.run();
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(new RegExp(`running since .* \\(process ${first.pid ?? 0}\\)`));
    await writeFile(join(project.dataDirectory, 'go'), '');
    expect((await first).exitCode).toBe(0);
  });

  test('two units with the same task file name: the prompt names unit, full path, gate and attempt', async () => {
    await using project = await makeProject({
      units: {
        left: { tasks: [{ gate: 'test -e l', sh: 'touch l' }] },
        right: { tasks: [{ gate: 'test -e r', sh: 'touch r' }] },
      },
      directory: 'deep/app/',
    });
    const { stdout } = await project.choo('prompt', 'right');
    expect(stdout).toContain('`right`');
    expect(stdout).toContain('`deep/app/specs/tasks/right/01-step.md`');
    expect(stdout).toContain('`test -e r`');
    expect(stdout).toContain('Attempt: 1 of 3');
    expect(stdout).not.toContain('test -e l');
    expect((await project.run()).exitCode).toBe(0);
    expect(await fileOn(project, 'choo/unit/main/deep+app+right', 'deep/app/r')).toBe('');
  });
});

test('a run leaves no worktree, no process and no change in the checkout behind', async () => {
  await using project = await makeProject({
    units: { unit: { tasks: [{ gate: 'test -e work', sh: 'touch work' }] } },
  });
  await writeFile(join(project.path, 'untracked'), 'mine');
  expect((await project.run()).exitCode).toBe(0);
  expect(await project.git('status', '--porcelain')).toBe('?? untracked');
  expect((await project.git('worktree', 'list')).split('\n')).toHaveLength(1);
  const [home = ''] = readdirSync(join(project.dataDirectory, 'repositories'));
  expect(readdirSync(join(project.dataDirectory, 'repositories', home, 'worktrees'))).toEqual([]);
  expect(existsSync(join(project.path, '.git/choo/lock'))).toBe(false);
});

test('a unit whose branch somebody has checked out is not run', async () => {
  await using project = await makeProject({
    units: { unit: { tasks: [{ gate: 'test -e work', sh: 'touch work' }] } },
  });
  await project.git('branch', UNIT);
  await project.git('worktree', 'add', '-q', join(project.path, '../mine'), UNIT);
  const before = await project.git('rev-parse', UNIT);
  const { exitCode, stderr } = await project.run();
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`\`${UNIT}\` is checked out`);
  expect(await project.git('rev-parse', UNIT)).toBe(before);
});

test('a head that choo did not make is left as it is, until `--fresh` puts it aside', async () => {
  await using project = await makeProject({
    units: { unit: { tasks: [{ gate: 'test -e work', sh: 'touch work' }] } },
  });
  expect((await project.run()).exitCode).toBe(0);
  await project.git(
    'update-ref',
    `refs/heads/${UNIT}`,
    await project.git('commit-tree', '-p', UNIT, '-m', 'mine', `${UNIT}^{tree}`),
  );
  const mine = await project.git('rev-parse', UNIT);
  const refused = await project.run();
  expect(refused.exitCode).toBe(1);
  expect(failureOf(refused)).toBe('needs-human');
  expect(await project.git('rev-parse', UNIT)).toBe(mine);
  expect((await project.run('--fresh', '--unit', 'unit')).exitCode).toBe(0);
  expect(await story(project, UNIT)).toEqual(['Step 1 of unit']);
  expect(await project.git('for-each-ref', '--format=%(objectname)', 'refs/heads/choo/old')).toBe(mine);
});

test('what was built on work that is done anew is brought up to it', async () => {
  const units = {
    unit: { tasks: [{ gate: 'test -e work', sh: 'date +%N > work' }] },
    after: { dependsOn: ['unit'], tasks: [{ gate: 'test -e more', sh: 'touch more' }] },
  };
  await using project = await makeProject({ units });
  expect((await project.run()).exitCode).toBe(0);
  expect((await project.run('--unit', 'unit', '--fresh')).exitCode).toBe(0);
  const again = await project.run();
  expect(again.exitCode).toBe(0);
  expect(again.events.filter(({ type }) => type === 'unit.satisfied').map(({ unit }) => unit)).toEqual([
    'unit',
  ]);
  expect(invocations(again)).toEqual([]); // its gate is green on the new base
  const head = await project.git('rev-parse', UNIT);
  for (const branch of ['choo/unit/main/after', `choo/run/${String(again.events[0]?.['run'])}`])
    expect(await project.git('merge-base', branch, UNIT)).toBe(head);
});

test('the same work is not done twice, and new specs go on with what is there', async () => {
  await using project = await makeProject({
    units: {
      unit: { tasks: [{ gate: 'test -e work', sh: 'touch work' }] },
      after: { dependsOn: ['unit'], tasks: [{ gate: 'test -e work -a -e more', sh: 'touch more' }] },
    },
  });
  expect((await project.run()).exitCode).toBe(0);
  const head = await project.git('rev-parse', UNIT);
  const again = await project.run();
  expect(again.exitCode).toBe(0);
  expect(again.events.filter(({ type }) => type === 'unit.satisfied').map(({ unit }) => unit)).toEqual([
    'unit',
    'after',
  ]);
  expect(invocations(again)).toEqual([]);
  expect(await project.git('rev-parse', UNIT)).toBe(head);
  // What the task asks for changes: its unit and the one that builds on it have other keys now.
  const spec = 'specs/tasks/unit/01-step.md';
  await writeFile(
    join(project.path, spec),
    (await project.git('show', `main:${spec}`)).replaceAll('work', 'other').replace('Step 1', 'Step one'),
  );
  await project.git('commit', '-qam', 'Ask for something else');
  const changed = await project.run('--unit', 'unit');
  expect(changed.exitCode).toBe(0);
  expect(await project.git('merge-base', head, UNIT)).toBe(head);
  expect(await fileOn(project, UNIT, 'other')).toBe('');
  expect(await fileOn(project, UNIT, 'work')).toBe('');
  expect(await fileOn(project, UNIT, spec)).toContain('status: complete');
});

test('heads that do not merge fail the unit that needs both, and stay', async () => {
  await using project = await makeProject({
    units: {
      left: { tasks: [{ gate: 'test -e l', sh: 'touch l; echo left > shared' }] },
      right: { tasks: [{ gate: 'test -e r', sh: 'touch r; echo right > shared' }] },
      both: { dependsOn: ['left', 'right'], tasks: [{ gate: 'test -e x', sh: 'touch x' }] },
      later: { dependsOn: ['both'], tasks: [{ gate: 'test -e y', sh: 'touch y' }] },
    },
    files: { shared: 'as it was\n' },
  });
  const outcome = await project.run();
  expect(outcome.exitCode).toBe(1);
  expect(failureOf(outcome, 'both')).toBe('conflict');
  const message = String(outcome.events.find(({ type }) => type === 'unit.failed')?.['message']);
  for (const part of ['`left`', '`right`', '`shared`']) expect(message).toContain(part);
  expect(outcome.events.find(({ type }) => type === 'unit.blocked')).toMatchObject({
    unit: 'later',
    cause: 'both',
  });
  expect(await fileOn(project, 'choo/unit/main/left', 'shared')).toBe('left');
  expect(await fileOn(project, 'choo/unit/main/right', 'shared')).toBe('right');
});

test('what is not committed is listed, and nothing starts', async () => {
  await using project = await makeProject({
    units: { unit: { tasks: [{ gate: 'test -e work', sh: 'touch work' }] } },
  });
  await writeFile(join(project.path, 'specs/tasks/unit/01-step.md'), 'changed');
  await writeFile(join(project.path, 'specs/tasks/unit/02-step.md'), 'new');
  await writeFile(join(project.path, 'specs/tasks/unit/.02-step.md.swp'), 'what an editor leaves');
  const { exitCode, stderr } = await project.run();
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/changed +specs\/tasks\/unit\/01-step\.md/);
  expect(stderr).toMatch(/not in git +specs\/tasks\/unit\/02-step\.md/);
  expect(stderr).not.toContain('.swp');
  expect(existsSync(join(project.path, '.git/choo'))).toBe(false);
  expect((await project.run('--rev', 'HEAD')).exitCode).toBe(0);
});

test('`--dry-run` starts nothing at all', async () => {
  await using project = await makeProject({
    units: { unit: { tasks: [{ gate: 'test -e work', sh: 'touch work' }] } },
  });
  const { exitCode, stdout } = await project.choo('run', '--dry-run');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('1 unit in 1 wave');
  expect(existsSync(join(project.path, '.git/choo'))).toBe(false);
  expect(existsSync(project.dataDirectory)).toBe(false);
});
