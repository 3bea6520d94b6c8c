import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ended, planned, quiet } from '../helpers/app-waits.ts';
import { type AppWorld, makeAppWorld, REPO, type State } from '../helpers/app-world.ts';
import { git } from '../helpers/git-repository.ts';
import type { Rule } from '../helpers/model-server/script.ts';
import { startModelServer } from '../helpers/model-server/server.ts';
import { projectFiles } from '../helpers/spec-project.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { asked, KEY, prepareAgents, providerConfig } from './agent-project.ts';

const GATES = { first: 'sh check.sh greeting.txt hello', second: 'sh check.sh answer.txt hello world' };
const UNITS = {
  first: { tasks: [{ gate: GATES.first }] },
  second: { dependsOn: ['first'], tasks: [{ gate: GATES.second }] },
};

const CHECK = `wanted=$(shift; echo "$*")
test "$(cat "$1")" = "$wanted" || { echo "$1 says <$(cat "$1")> and not <$wanted>"; exit 1; }
`;
const RED = 'answer.txt says <hello word> and not <hello world>';

/** Every step has costs of its own, so that none can stand for another. */
const RULES: readonly Rule[] = [
  {
    match: asked('first'),
    steps: [
      {
        write: { path: 'greeting.txt', content: 'hello\n' },
        usage: { input: 1_000, output: 100, cacheRead: 70_000 },
      },
      { text: 'It says hello.', usage: { input: 2_000, output: 200 } },
    ],
  },
  {
    match: asked('second', { attempt: 1 }),
    steps: [
      { bash: 'echo "$(cat greeting.txt) word" > answer.txt', usage: { input: 10_000, output: 100 } },
      { text: 'Both.', usage: { input: 20_000, output: 200 } },
    ],
  },
  {
    match: asked('second', { attempt: 2 }),
    steps: [
      { bash: 'echo "$(cat greeting.txt) world" > answer.txt', usage: { input: 40_000, output: 400 } },
      { text: 'Now both.', usage: { input: 80_000, output: 800 } },
    ],
  },
];
/** Input and output; not what was read from a cache. */
const TOKENS = { first: '3.3k', second: '151.5k' };

// On the host a server gives agents /tmp as theirs, and codex starts no command when its own directory is below that.
beforeEach(() => vi.stubEnv('TMPDIR', '/var/tmp'));
afterEach(() => vi.unstubAllEnvs());

describe('the App', () => {
  test.each(['claude', 'codex'] as const)(
    'has the real %s carry a pushed plan out to pull requests',
    async (agent) => {
      await using model = await startModelServer({ rules: RULES, key: KEY });
      await using place = await temporaryDirectory();
      const { variables } = await prepareAgents(place.path, model.url);
      await using world = await makeAppWorld(
        { units: {}, files: { 'check.sh': CHECK } },
        { environment: { ...variables, CHOO_ALLOWED_PROVIDERS: agent, CHOO_SANDBOX: 'bubblewrap' } },
      );
      const { github } = world;
      const alice = github.as('alice');
      const server = await world.start();
      const commit = await world.push('alice', 'main', {
        ...projectFiles({ units: UNITS }),
        '.choo.yml': providerConfig(agent),
      });
      await planned(world, commit);
      expect(model.log).toEqual([]);
      const issue = await alice.createIssue(REPO, { title: 'Build it' });
      await alice.comment(REPO, issue, '/choo run');
      await ended(world, 1);
      const state = await quiet(world);

      // One status comment, which counts what the model says it cost.
      const comments = state.comments.filter(({ body }) => body.includes('<!-- choo:run'));
      expect(comments.map((comment) => comment.issue)).toEqual([issue]);
      expect(rowsOf(comments[0]?.body ?? '')).toEqual([
        ['`first`', '✅ complete', '1/1', '1', TOKENS.first, `#${state.pulls[0]?.number}`],
        ['`second`', '✅ complete', '1/1', '2', TOKENS.second, `#${state.pulls[1]?.number}`],
      ]);

      // One commit a unit, on the commit that was pushed, each by its gate: red without it and green with it.
      const { refs } = state;
      expect(refs['refs/heads/main']).toBe(commit);
      const [first = '', second = ''] = [
        refs['refs/heads/choo/unit/main/first'],
        refs['refs/heads/choo/unit/main/second'],
      ];
      expect(await gatedCommits(world, commit, second)).toEqual([
        [first, 'first', '1', '1', gateTrailer(GATES.first)],
        [second, 'second', '1', '2', gateTrailer(GATES.second)],
      ]);
      expect(await gateAt(world, first, GATES.first, '^')).not.toBe(0);
      expect(await gateAt(world, first, GATES.first)).toBe(0);
      expect(await gateAt(world, second, GATES.second, '^')).not.toBe(0);
      expect(await gateAt(world, second, GATES.second)).toBe(0);
      expect(await filesOf(world, commit, first)).toEqual({ 'greeting.txt': 'hello' });
      expect(await filesOf(world, commit, second)).toEqual({
        'answer.txt': 'hello world',
        'greeting.txt': 'hello',
      });

      // A pull request each, on what it builds on; a draft until that is merged.
      expect(
        state.pulls.map(({ head, base, draft, state: how }) => [head.ref, head.sha, base.ref, draft, how]),
      ).toEqual([
        ['choo/unit/main/first', first, 'main', false, 'open'],
        ['choo/unit/main/second', second, 'choo/unit/main/first', true, 'open'],
      ]);
      expect(conclusions(state)).toEqual(
        [
          ['choo / plan', commit],
          ['choo / first', commit],
          ['choo / first', first],
          ['choo / second', commit],
          ['choo / second', second],
        ]
          .map(([name, sha]) => `${name} ${sha} success`)
          .toSorted(),
      );
      const plan = state.checks.find(({ name }) => name === 'choo / plan');
      expect(plan?.output.title).toBe('2 units in 2 waves');
      expect(plan?.output.summary).toContain(`| ${agent} (`);

      // It was the real CLI that asked, with the key that it was given; the gate's words came back to it.
      const paths = new Set(model.log.map(({ path }) => path));
      expect(paths).toEqual(new Set([agent === 'claude' ? '/v1/messages' : '/v1/responses']));
      expect(new Set(model.log.map(({ key }) => key))).toEqual(new Set([KEY]));
      const prompts = model.log.filter(({ prompt }) => asked('second', { attempt: 2 }).test(prompt));
      expect(prompts.map(({ prompt }) => prompt.includes(RED))).toEqual([true, true]);
      expect(JSON.stringify([state, server.log(), github.requests])).not.toContain(KEY);
    },
  );
});

/** Of the commits of a range that an agent made, oldest first: commit, unit, task, attempt, gate. */
async function gatedCommits(world: AppWorld, from: string, to: string): Promise<readonly string[][]> {
  const trailers = ['Unit', 'Task', 'Attempt', 'Gate'].map(
    (name) => `%(trailers:key=Choo-${name},valueonly,separator=%x2C)`,
  );
  const log = await world.git(
    'log',
    '--reverse',
    `--format=%H%x09${trailers.join('%x09')}`,
    `${from}..${to}`,
  );
  return log.split('\n').map((line) => line.split('\t'));
}

function gateTrailer(gate: string): string {
  return `exit=0 sha256=${createHash('sha256').update(gate).digest('hex')}`;
}

/** How a gate ends in a checkout of a commit, or of what `which` makes of it. */
async function gateAt(world: AppWorld, commit: string, gate: string, which = ''): Promise<number> {
  await using place = await temporaryDirectory();
  const clone = join(place.path, 'clone');
  await git(place.path, 'clone', '--quiet', '--no-checkout', world.github.bare(REPO), clone);
  await git(clone, 'checkout', '--quiet', '--detach', `${commit}${which}`);
  const { exitCode = -1 } = await execa('sh', ['-c', gate], { cwd: clone, reject: false });
  return exitCode;
}

/** What was made between two commits outside the specs, by path. */
async function filesOf(world: AppWorld, from: string, to: string): Promise<Record<string, string>> {
  const names = await world.git('diff', '--name-only', from, to, '--', '.', ':!specs');
  const entries = names
    .split('\n')
    .map(async (name) => [name, await world.git('show', `${to}:${name}`)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Each check with its commit, in the order of their names. */
function conclusions({ checks }: State): readonly string[] {
  return checks
    .map(({ name, head_sha, conclusion, status }) => `${name} ${head_sha} ${conclusion ?? status}`)
    .toSorted();
}

/** The rows of a status comment's table by unit: state, tasks, attempts, tokens, result. */
function rowsOf(body: string): readonly (readonly (string | undefined)[])[] {
  return body
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, unit, how, tasks, attempts, , tokens, , result]) => [
      unit,
      how,
      tasks,
      attempts,
      tokens,
      result,
    ]);
}
