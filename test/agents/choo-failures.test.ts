import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpError, Rule, Step } from '../helpers/model-server/script.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { fileOn, story } from '../helpers/spec-project.ts';
import {
  type AgentName,
  type AgentProject,
  asked,
  eventsOf,
  type JsonEvent,
  KEY,
  keyHolders,
  makeAgentProject,
  processesLeft,
  untilEvents,
  untilProcess,
} from './agent-project.ts';

const [sandbox = 'host'] = SANDBOXES;
const WORK: Step = { write: { path: 'work.txt', content: 'done\n' } };
const GATE = 'grep -q . work.txt';
const unit = { tasks: [{ gate: GATE }] };
const branchOf = (name: string): string => `choo/unit/main/${name}`;

/** What one unit's agents came to, one after the other. */
function outcomes(events: readonly JsonEvent[], unit: string): readonly unknown[] {
  return ofUnit(events, unit, 'task.provider.done').map(({ outcome }) => outcome);
}

function ofUnit(events: readonly JsonEvent[], unit: string, type: string): readonly JsonEvent[] {
  return events.filter((event) => event['unit'] === unit && event['type'] === type);
}

/** What no other test starts: a process that leaves its session behind. */
function child(mark: string): Step {
  return { bash: `setsid ${mark} </dev/null >/dev/null 2>&1 & echo started` };
}

interface Errors {
  readonly key: HttpError;
  readonly overload: HttpError;
  readonly limit: (resetsAt: number) => HttpError;
  /** How a model takes the key where its CLI keeps it. */
  readonly leak: Step;
  readonly hint: string;
}

const ERRORS: Readonly<Record<AgentName, Errors>> = {
  claude: {
    key: { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
    overload: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
    limit: (resetsAt) => ({
      status: 429,
      type: 'rate_limit_error',
      message: `Your limit is reached; try again in ${Math.round((resetsAt - Date.now()) / 1_000)} seconds.`,
    }),
    leak: { bash: 'printenv ANTHROPIC_API_KEY > work.txt; cat work.txt' },
    hint: 'set ANTHROPIC_API_KEY',
  },
  codex: {
    key: { status: 401, type: 'invalid_request_error', message: 'Incorrect API key provided' },
    overload: { status: 503, type: 'server_is_overloaded', message: 'Overloaded' },
    limit: (resetsAt) => ({
      status: 429,
      type: 'usage_limit_reached',
      message: 'The usage limit has been reached',
      fields: { plan_type: 'pro', resets_at: Math.round(resetsAt / 1_000) },
    }),
    leak: { write: { path: 'work.txt', content: `${KEY}\n` } }, // its tools do not see the key
    hint: 'set CODEX_API_KEY or OPENAI_API_KEY',
  },
};

describe.each(['claude', 'codex'] as const)('%s, with a model that', (agent) => {
  const { key, overload, leak, hint } = ERRORS[agent];
  const open = new AsyncDisposableStack();
  let project: AgentProject;
  let events: readonly JsonEvent[];
  let stdout: string;
  let exitCode: number | undefined;

  // One run in which every unit meets something else.
  beforeAll(async () => {
    const rules: Rule[] = [
      { match: asked('stranger'), steps: [{ error: key }] },
      { match: asked('busy'), steps: [{ error: overload }] },
      { match: asked('cut'), steps: [{ cut: true }] },
      { match: asked('refused'), steps: [{ refusal: 'I will not.' }] },
      { match: asked('idle'), steps: [{ text: 'All is done.' }] },
      { match: asked('leak', { attempt: 1 }), steps: [leak] },
      {
        match: asked('leak', { attempt: 2 }),
        steps: [{ bash: `echo "{\\"key\\":\\"${KEY}\\"}" | base64 -w 0 > work.txt` }],
      },
    ];
    const names = ['stranger', 'busy', 'cut', 'refused', 'idle', 'leak'];
    project = open.use(
      await makeAgentProject({
        agent,
        sandbox,
        rules,
        units: Object.fromEntries(names.map((name) => [name, unit])),
        limits: '{ attempts: 2 }',
      }),
    );
    const run = project.start('--parallelism', '3');
    const waits = untilEvents(run, (events) =>
      ['busy', 'cut'].every((unit) => ofUnit(events, unit, 'task.provider.waiting').length > 0),
    );
    await waits.catch(() => {}); // tests below say so
    rules.unshift(
      { match: asked('busy'), steps: [WORK] }, // once choo waits, the model is there again
      { match: asked('cut'), steps: [WORK] },
    );
    ({ exitCode, stdout } = await run);
    events = eventsOf(stdout);
  });
  afterAll(async () => open.disposeAsync());

  test('does not know the key: the unit fails at once, and says what to do', () => {
    expect(outcomes(events, 'stranger')).toEqual(['not-authenticated']);
    expect(ofUnit(events, 'stranger', 'unit.failed')).toMatchObject([
      { failure: 'not-authenticated', hint: expect.stringContaining(hint) },
    ]);
    expect(exitCode).toBe(1);
  });

  test('is overloaded until choo has waited: that costs no attempt', async () => {
    expect(ofUnit(events, 'busy', 'task.provider.waiting')).toMatchObject([{ reason: 'overloaded' }]);
    expect(outcomes(events, 'busy')).toEqual(['overloaded', 'finished']);
    expect(ofUnit(events, 'busy', 'task.provider.invoke').map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(ofUnit(events, 'busy', 'task.retry')).toEqual([]);
    expect(ofUnit(events, 'busy', 'task.completed')).toMatchObject([{ attempts: 1 }]);
    expect(await story(project, branchOf('busy'))).toEqual(['Step 1 of busy']);
  });

  test('is cut off until choo has waited: that costs no attempt', async () => {
    expect(outcomes(events, 'cut')).toEqual(['overloaded', 'finished']);
    expect(ofUnit(events, 'cut', 'task.completed')).toMatchObject([{ attempts: 1 }]);
    expect(await fileOn(project, branchOf('cut'), 'work.txt')).toBe('done');
  });

  test('refuses: the unit fails when its attempts are used up', () => {
    expect(outcomes(events, 'refused')).toEqual(['refused', 'refused']);
    expect(ofUnit(events, 'refused', 'unit.failed')).toMatchObject([
      { failure: 'attempts', message: expect.stringContaining('after 2 attempts: the agent refused (') },
    ]);
  });

  test('says that all is done, and it is not: only the gate counts', async () => {
    expect(outcomes(events, 'idle')).toEqual(['finished', 'finished']);
    expect(ofUnit(events, 'idle', 'unit.failed')).toMatchObject([{ failure: 'attempts' }]);
    const second = project.server.log.find(({ prompt }) => asked('idle', { attempt: 2 }).test(prompt));
    expect(second?.prompt).toContain('It changed no file.');
    expect(second?.prompt).toContain('work.txt: No such file or directory');
    expect(await project.git('for-each-ref', `refs/heads/${branchOf('idle')}`)).toBe('');
  });

  test('writes the key into a file, as it is or encoded: nothing is committed', async () => {
    expect(ofUnit(events, 'leak', 'task.retry')).toMatchObject([
      { reason: expect.stringContaining('it wrote a secret value into `work.txt`') },
    ]);
    expect(ofUnit(events, 'leak', 'unit.failed')).toMatchObject([
      { failure: 'attempts', message: expect.stringContaining('it wrote a secret value into `work.txt`') },
    ]);
    expect(ofUnit(events, 'leak', 'task.committed')).toEqual([]);
    expect(await project.git('for-each-ref', `refs/heads/${branchOf('leak')}`)).toBe('');
  });

  test('gets the key, which nothing else does', async () => {
    expect(await keyHolders(project, stdout)).toEqual([]);
  });

  test('leaves no process behind', async () => {
    expect(await processesLeft(project.agents)).toEqual([]);
  });
});

describe.each(['claude', 'codex'] as const)('%s is stopped', (agent) => {
  test('when it stalls or goes on for ever, with all that it started', async () => {
    const mark = `sleep 4711.${process.pid}`;
    await using project = await makeAgentProject({
      agent,
      sandbox,
      units: { stalled: unit, endless: unit },
      limits: '{ attempts: 1, idle_timeout: 6s, task_timeout: 10s }',
      rules: [
        { match: asked('stalled'), steps: [{ hang: true }] },
        {
          match: asked('endless'),
          steps: [child(mark), ...Array.from({ length: 50 }, () => ({ bash: 'sleep 0.5' }))],
        },
      ],
    });
    const run = project.start();
    await untilProcess(mark);
    const { exitCode, stdout } = await run;
    expect(await processesLeft(mark, project.agents)).toEqual([]);
    expect(exitCode).toBe(1);
    const events = eventsOf(stdout);
    expect(outcomes(events, 'stalled')).toEqual(['stalled']);
    expect(outcomes(events, 'endless')).toEqual(['timed-out']);
    expect(ofUnit(events, 'stalled', 'unit.failed')).toMatchObject([
      { failure: 'attempts', message: expect.stringContaining('the agent stalled (after 6 s)') },
    ]);
    expect(ofUnit(events, 'endless', 'unit.failed')).toMatchObject([
      { failure: 'attempts', message: expect.stringContaining('the agent timed-out (after 10 s)') },
    ]);
  });

  test('when choo is interrupted, and when it is killed', async () => {
    const mark = `sleep 4712.${process.pid}`;
    const resetsAt = Date.now() + 100_000;
    const { overload, limit } = ERRORS[agent];
    const works: readonly Rule[] = ['limited', 'busy'].map((name) => ({ match: asked(name), steps: [WORK] }));
    const rules: Rule[] = [
      { match: asked('limited'), steps: [{ error: limit(resetsAt) }] },
      { match: asked('busy'), steps: [{ error: overload }] },
      { match: asked('working'), steps: [child(mark), { hang: true }] },
    ];
    await using project = await makeAgentProject({
      agent,
      sandbox,
      rules,
      units: { limited: unit, busy: unit, working: unit },
      limits: '{ attempts: 3 }',
    });

    const interrupted = project.start();
    await untilEvents(interrupted, (events) =>
      ['limited', 'busy'].every((name) => ofUnit(events, name, 'task.provider.waiting').length > 0),
    );
    await untilProcess(mark);
    const since = performance.now();
    interrupted.kill('SIGINT');
    const { exitCode, stdout } = await interrupted;
    expect(performance.now() - since).toBeLessThan(5_500);
    expect(await processesLeft(mark, project.agents)).toEqual([]);
    expect(exitCode).toBe(130);
    const events = eventsOf(stdout);
    const [waits] = ofUnit(events, 'limited', 'task.provider.waiting');
    expect(waits).toMatchObject({ reason: 'rate-limited' });
    // codex says the minute, without seconds.
    expect(Math.abs(Number(waits?.['until']) - resetsAt)).toBeLessThan(60_000);
    expect(ofUnit(events, 'limited', 'task.provider.invoke')).toHaveLength(1);
    expect(ofUnit(events, 'busy', 'task.provider.waiting')).toMatchObject([{ reason: 'overloaded' }]);
    expect(events.filter(({ type }) => type === 'task.retry')).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'orch.interrupted' });

    if (sandbox === 'host') return; // there, the next start of choo ends what it left
    rules.unshift(...works);
    const killed = project.start();
    await untilEvents(killed, (events) => ofUnit(events, 'busy', 'unit.completed').length > 0);
    await untilProcess(mark);
    killed.kill('SIGKILL');
    expect((await killed).signal).toBe('SIGKILL');
    expect(await processesLeft(mark, project.agents)).toEqual([]);
    expect(await story(project, branchOf('busy'))).toEqual(['Step 1 of busy']);

    rules.unshift({ match: asked('working'), steps: [WORK] });
    expect((await project.start()).exitCode).toBe(0);
    const status = await project.choo('status', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ status: 'complete', totals: { complete: 3 } });
  });
});

test('claude reaches its limit of turns: what it did stays, and the next attempt goes on', async () => {
  const file = (path: string): Step => ({ write: { path, content: `${path}\n` } });
  await using project = await makeAgentProject({
    agent: 'claude',
    sandbox,
    args: ['--max-turns', '1'],
    units: { turns: { tasks: [{ gate: 'cat one.txt two.txt' }] } },
    limits: '{ attempts: 2 }',
    rules: [
      { match: asked('turns', { attempt: 1 }), steps: [file('one.txt'), file('two.txt')] },
      { match: asked('turns', { attempt: 2 }), steps: [file('two.txt')] },
    ],
  });
  const { exitCode, stdout } = await project.start();
  const events = eventsOf(stdout);
  expect(outcomes(events, 'turns')).toEqual(['truncated', 'truncated']);
  expect(ofUnit(events, 'turns', 'task.retry')).toMatchObject([{ reason: expect.stringMatching(/turns/) }]);
  expect(await fileOn(project, branchOf('turns'), 'one.txt')).toBe('one.txt');
  expect(exitCode).toBe(0); // the gate is green, whatever the agent came to
});
