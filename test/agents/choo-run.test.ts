import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Rule } from '../helpers/model-server/script.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { fileOn, resultBranch, story } from '../helpers/spec-project.ts';
import { asked, eventsOf, KEY, keyHolders, makeAgentProject } from './agent-project.ts';

const UNITS = {
  first: {
    tasks: [{ gate: 'sh check.sh greeting.txt hello' }, { gate: 'test "$(cat shown.txt)" = hello' }],
  },
  second: { dependsOn: ['first'], tasks: [{ gate: 'sh check.sh answer.txt hello world' }] },
};

const CHECK = `wanted=$(shift; echo "$*")
test "$(cat "$1")" = "$wanted" || { echo "$1 says <$(cat "$1")> and not <$wanted>"; exit 1; }
`;
const RED = 'greeting.txt says <hullo> and not <hello>';

/** Every step has costs of its own, so that none can stand for another. */
const RULES: readonly Rule[] = [
  {
    match: asked('first', { task: 1, attempt: 1 }),
    steps: [
      {
        write: { path: 'greeting.txt', content: 'hullo\n' },
        say: 'I greet.',
        usage: { input: 100, output: 1, cacheRead: 7_000, cacheWrite: 100 },
      },
      { text: 'It says hello.', usage: { input: 200, output: 2, cacheRead: 9_000 } },
    ],
  },
  {
    match: asked('first', { task: 1, attempt: 2 }),
    steps: [
      { bash: 'env; cat greeting.txt', usage: { input: 400, output: 4 } },
      { write: { path: 'greeting.txt', content: 'hello\n' }, usage: { input: 800, output: 8 } },
      { text: 'Now it does.', usage: { input: 1_600, output: 16, cacheWrite: 300 } },
    ],
  },
  {
    match: asked('first', { task: 2 }),
    steps: [
      { bash: 'cat greeting.txt > shown.txt', usage: { input: 3_200, output: 32 } },
      { text: 'Shown.', usage: { input: 6_400, output: 64 } },
    ],
  },
  {
    match: asked('second'),
    steps: [
      // It stands on what the first unit made.
      { bash: 'echo "$(cat shown.txt) world" > answer.txt', usage: { input: 12_800, output: 128 } },
      { text: 'Both.', usage: { input: 25_600, output: 256 } },
    ],
  },
];
/** Input, output and cache writes; not what was read from a cache. */
const TOKENS = 51_100 + 511 + 400;

describe.each(SANDBOXES)('choo run, in %s', (sandbox) => {
  test.each(['claude', 'codex'] as const)('carries a plan out with the real %s', async (agent) => {
    await using project = await makeAgentProject({
      agent,
      sandbox,
      units: UNITS,
      rules: RULES,
      files: { 'check.sh': CHECK },
    });
    const before = await project.git('rev-parse', 'main');
    const { exitCode, stdout, stderr } = await project.start();
    expect(stderr).toBe('');
    expect(eventsOf(stdout).filter(({ type }) => type === 'unit.failed')).toEqual([]);
    expect(exitCode).toBe(0);

    // One commit for each task, which says where it is from.
    expect(await story(project, 'choo/unit/main/first')).toEqual(['Step 1 of first', 'Step 2 of first']);
    expect(await project.git('log', '--format=%s', 'choo/unit/main/first..choo/unit/main/second')).toBe(
      'Step 1 of second',
    );
    const [run = ''] = readdirSync(join(project.path, '.git/choo/runs'));
    const trailers =
      '%(trailers:key=Choo-Run,key=Choo-Unit,key=Choo-Task,key=Choo-Attempt,valueonly,separator=%x2F)';
    const told = await project.git('log', '--reverse', `--format=${trailers}`, 'main..choo/unit/main/second');
    expect(told.split('\n')).toEqual([`${run}/first/1/2`, `${run}/first/2/1`, `${run}/second/1/1`]);
    const result = await resultBranch(project);
    expect(result).toBe(`choo/run/${run}`);
    expect(await project.git('merge-base', result, 'choo/unit/main/second')).toBe(
      await project.git('rev-parse', 'choo/unit/main/second'),
    );
    expect(await fileOn(project, result, 'greeting.txt')).toBe('hello');
    expect(await fileOn(project, result, 'answer.txt')).toBe('hello world');
    const made = await project.git('diff', '--name-only', 'main', result, '--', '.', ':!specs');
    expect(made.split('\n')).toEqual(['answer.txt', 'greeting.txt', 'shown.txt']);
    expect(await project.git('rev-parse', 'main')).toBe(before);
    expect(await project.git('status', '--porcelain')).toBe('');

    // The second attempt was told what the gate said of the first one.
    const prompts = (unit: string, attempt: number): readonly string[] =>
      project.server.log.flatMap(({ prompt }) => (asked(unit, { attempt }).test(prompt) ? [prompt] : []));
    expect(prompts('first', 1).join()).not.toContain(RED);
    expect(prompts('first', 2)).toHaveLength(3);
    expect(prompts('first', 2)[0]).toContain(RED);
    expect(prompts('first', 2)[0]).toContain('- `greeting.txt`');

    // It counted what the model says it cost, and the key went nowhere but to the model.
    const status = await project.choo('status', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ status: 'complete', totals: { tokens: TOKENS } });
    expect(new Set(project.server.log.map(({ key }) => key))).toEqual(new Set([KEY]));
    expect(await keyHolders(project, stdout + status.stdout)).toEqual([]);
    // It did print its variables, which the model was told.
    expect(JSON.stringify(project.server.log.map(({ results }) => results))).toContain('PATH=');
    expect(eventsOf(stdout).at(-1)).toMatchObject({ type: 'orch.completed', branch: result });
  });
});
