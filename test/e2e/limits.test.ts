import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CHOO, runProgram } from '../helpers/run-choo.ts';
import { allowCommand } from '../helpers/allow-command.ts';
import { makeProject, type RunOutcome, type SpecProject, type UnitSpec } from '../helpers/spec-project.ts';

/** A line of Claude Code's stream that says what has been used by now. */
function said(id: number, tokens: number): string {
  const usage = {
    input_tokens: tokens,
    output_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  return JSON.stringify({
    type: 'assistant',
    message: { id: `m${id}`, content: [{ type: 'text', text: `step ${id}` }], usage },
  });
}

function result(tokens: number, cost: number): string {
  const usage = { input_tokens: tokens, output_tokens: 0 };
  return JSON.stringify({
    type: 'result',
    subtype: 'success',
    is_error: false,
    num_turns: 1,
    result: 'Done',
    total_cost_usd: cost,
    usage,
  });
}

const ENDLESS = Array.from({ length: 40 }, (_, index) => `echo '${said(index, 100)}'; sleep 0.05`).join('\n');

/** A project whose agent is a stand-in for Claude Code: a shell script. `config` are lines of `.choo.yml`. */
async function makeSpending(
  script: string,
  config: string,
  units: Readonly<Record<string, UnitSpec>> = { unit: { tasks: [{ gate: 'test -e work' }] } },
): Promise<SpecProject> {
  const project = await makeProject({ units });
  const place = join(project.path, '../agent');
  mkdirSync(place);
  writeFileSync(join(place, 'agent.sh'), `#!/bin/sh\ncat > /dev/null\n${script}\n`, { mode: 0o755 });
  const provider = `provider:\n  type: claude\n  providers: { claude: { command: ${join(place, 'agent.sh')} } }\n`;
  writeFileSync(join(project.path, '.choo.yml'), provider + config);
  await project.git('commit', '-qam', 'Take the stand-in');
  await allowCommand(project.dataDirectory, 'claude', { command: join(place, 'agent.sh') });
  return project;
}

const failures = ({ events }: RunOutcome) =>
  events.filter(({ type }) => type === 'unit.failed').map((event) => event['failure']);

async function totals(project: SpecProject): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await project.choo('status', '--json');
  return (JSON.parse(stdout) as { totals: Readonly<Record<string, unknown>> }).totals;
}

describe('budgets', () => {
  test('an agent is stopped at 1.2 times the tokens of its unit, and no other attempt starts', async () => {
    await using project = await makeSpending(ENDLESS, 'limits: { unit_tokens: 1000 }\n');
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(1);
    expect(failures(outcome)).toEqual(['budget']);
    expect(outcome.events.filter(({ type }) => type === 'task.provider.invoke')).toHaveLength(1);
    const { tokens } = await totals(project);
    expect(tokens).toBeGreaterThan(1_200 - 1);
    expect(tokens).toBeLessThanOrEqual(1_300); // what it said last is counted, too
  });

  test('units that race for the last of a run do not exceed it together', async () => {
    const units = Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((id) => [id, { tasks: [{ gate: 'test -e work' }] }]),
    );
    // On a busy machine choo reads late; an agent that says less a second says no more than this meanwhile.
    const slowly = ENDLESS.replaceAll('sleep 0.05', 'sleep 0.5');
    await using project = await makeSpending(slowly, 'parallelism: 4\n', units);
    const outcome = await project.run('--max-tokens', '2000');
    expect(outcome.exitCode).toBe(1);
    expect(new Set(failures(outcome))).toEqual(new Set(['budget']));
    const hints = outcome.events.filter(({ type }) => type === 'unit.failed').map(({ hint }) => hint);
    for (const hint of hints) expect(hint).toContain('`--max-tokens`');
    const { tokens } = await totals(project);
    expect(tokens).toBeLessThanOrEqual(2_000 * 1.2 + 400); // each of the four is stopped by what it said last
  });

  test('money binds where the CLI names a price', async () => {
    await using project = await makeSpending(
      `echo '${said(1, 10)}'; echo '${result(10, 3)}'`,
      'limits: { unit_cost: 5 }\n',
    );
    const outcome = await project.run();
    expect(failures(outcome)).toEqual(['budget']);
    expect(outcome.events.filter(({ type }) => type === 'task.provider.invoke')).toHaveLength(2);
    expect(await totals(project)).toMatchObject({ cost: 6, costComplete: true });
  });

  test('a cost that nobody knows is what was set aside, and shown as such', async () => {
    await using project = await makeSpending(
      `echo '${said(1, 10)}'; touch work`,
      'limits: { unit_cost: 5 }\n',
    );
    const { stdout, exitCode } = await project.choo('run', '--sandbox', 'host');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/10 tokens, \$0\.50, some of it only set aside/);
    expect(await totals(project)).toMatchObject({ tokens: 10, cost: 0.5, costBasis: 'reserved' });
  });

  test('a cost that nobody knows is not shown as none where no money is limited', async () => {
    await using project = await makeSpending(`echo '${said(1, 10)}'; touch work`, '');
    const { stdout, exitCode } = await project.choo('run', '--sandbox', 'host');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/10 tokens, cost unknown/);
    expect(stdout).not.toContain('$0');
    expect(await totals(project)).toMatchObject({ tokens: 10, cost: null });
  });
});

describe('secrets', () => {
  const KEY = 'sk-ant-very-secret-value';
  const run = async (project: SpecProject) =>
    runProgram(project.path, [...CHOO, 'run', '--json', '--sandbox', 'host'], {
      ...project.environment,
      ANTHROPIC_API_KEY: KEY,
    });

  test.each([
    ['a file', 'echo "key: $ANTHROPIC_API_KEY" > notes.txt; touch work'],
    ['base64 in a file', 'printf "user:$ANTHROPIC_API_KEY" | base64 -w0 > notes.txt; touch work'],
    ["a file's name", 'touch "$ANTHROPIC_API_KEY" work'],
    ["a link's target", 'ln -s "$ANTHROPIC_API_KEY" link; touch work'],
  ])('a key that an agent writes into %s is not committed', async (_, script) => {
    await using project = await makeSpending(
      `echo "the key is $ANTHROPIC_API_KEY"\n${script}`,
      'limits: { attempts: 1 }\n',
    );
    const { exitCode, stdout, stderr } = await run(project);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('secret value');
    expect(await project.git('for-each-ref', 'refs/heads/choo/unit')).toBe('');
    expect(stdout + stderr).not.toContain(KEY);
    const { stdout: log } = await project.choo('logs', 'unit');
    expect(log).not.toContain(KEY);
  });
});

test('tasks that are each small enough are together no more than one unit may change', async () => {
  const files = (task: number): UnitSpec['tasks'][number] => ({
    gate: `test -e many-${task}/done`,
    sh: `mkdir many-${task}; cd many-${task}; seq 12000 | xargs touch; touch done`,
  });
  await using project = await makeProject({
    units: { unit: { tasks: [files(1), files(2)] } },
    config: 'limits: { attempts: 1 }\n',
  });
  const outcome = await project.run();
  expect(failures(outcome)).toEqual(['attempts']);
  expect(outcome.stdout).toContain('it may change 20000');
  const branch = 'choo/unit/main/unit';
  const changed = (await project.git('diff', '--name-only', `main..${branch}`)).split('\n');
  expect(changed.filter((path) => path.startsWith('many-1/'))).toHaveLength(12_001);
  expect(changed.filter((path) => path.startsWith('many-2/'))).toEqual([]);
});

test('what is missing is found before anything starts', async () => {
  await using project = await makeProject({ units: { unit: { tasks: [{ gate: 'test -e work' }] } } });
  writeFileSync(
    join(project.path, '.choo.yml'),
    'provider: { type: opencode, providers: { opencode: { command: no-such-agent } } }\n',
  );
  await project.git('commit', '-qam', 'Name what is not here');
  const { exitCode, stderr } = await project.run();
  expect(exitCode).toBe(1);
  expect(stderr).toContain('`no-such-agent`, which is not on the PATH');
  expect(existsSync(join(project.path, '.git/choo'))).toBe(false);
});
