import { describe, expect, test } from 'vitest';
import { classify, type Outcome } from '../../../../src/provider/outcome/outcome.ts';
import type { AgentEvent, ProviderError } from '../../../../src/provider/provider.ts';
import type { Ending } from '../../../../src/sandbox/sandbox.ts';

const AGENT = {
  name: 'claude',
  executable: 'agent',
  installation: 'install it',
  authentication: 'set KEY',
} as const;

function judge(ending: Ending, { tail = '', events = [] as readonly AgentEvent[] } = {}): Outcome {
  return classify(AGENT, { ending, tail, durationMs: 1 }, events);
}

const exited = (exitCode: number): Ending => ({ kind: 'exited', exitCode });
const says = (type: 'trouble' | 'result', trouble: ProviderError): AgentEvent => ({
  type,
  trouble,
  message: 'so',
  resetsAt: 7,
});
const DONE: AgentEvent = { type: 'result', trouble: undefined, message: 'done', resetsAt: null };

/** What a trouble is called when the invocation has ended with it. */
const OUTCOMES: readonly (readonly [ProviderError, Outcome])[] = [
  ['error', { kind: 'failed', message: 'so' }],
  ['rate-limited', { kind: 'rate-limited', message: 'so', resetsAt: 7 }],
  ['overloaded', { kind: 'overloaded', message: 'so' }],
  ['not-authenticated', { kind: 'not-authenticated', message: 'so', hint: 'set KEY' }],
  ['misconfigured', { kind: 'misconfigured', message: 'so', hint: 'set KEY' }],
  ['refused', { kind: 'refused', message: 'so' }],
  ['truncated', { kind: 'truncated', message: 'so' }],
];

describe('the outcome of an invocation', () => {
  test.each(OUTCOMES)('is the %s that its result tells, whatever the exit status', (trouble, outcome) => {
    expect(judge(exited(1), { events: [says('trouble', 'overloaded'), says('result', trouble)] })).toEqual(
      outcome,
    );
    expect(judge(exited(0), { events: [says('result', trouble)] })).toEqual(outcome);
  });

  test.each(OUTCOMES)('is the %s that it met last, when it failed without a result', (trouble, outcome) => {
    const events = [says('trouble', 'refused'), says('trouble', trouble)];
    expect(judge(exited(1), { events, tail: 'Invalid API key' })).toEqual(outcome);
  });

  test('is finished after a trouble that was overcome', () => {
    expect(judge(exited(0), { events: [says('trouble', 'overloaded'), DONE] })).toEqual({ kind: 'finished' });
  });

  test('is the trouble that it met last with exit 0, too, where it says no more', () => {
    const events = [says('trouble', 'rate-limited')];
    expect(judge(exited(0), { events })).toEqual({ kind: 'rate-limited', message: 'so', resetsAt: 7 });
    expect(judge(exited(0), { events: [says('trouble', 'error')] })).toEqual({ kind: 'finished' });
  });

  test('is finished with exit 0 and no word at all', () => {
    expect(judge(exited(0))).toEqual({ kind: 'finished' });
  });

  test('follows the last result', () => {
    expect(judge(exited(0), { events: [says('result', 'error'), DONE] })).toEqual({ kind: 'finished' });
    expect(judge(exited(0), { events: [DONE, says('result', 'error')] }).kind).toBe('failed');
  });

  test('is failed when it says done and exits otherwise', () => {
    expect(judge(exited(3), { events: [says('trouble', 'rate-limited'), DONE] })).toEqual({
      kind: 'failed',
      message: 'agent exited with status 3',
    });
    expect(judge(exited(3), { events: [DONE], tail: 'Invalid API key' }).kind).toBe('failed');
  });

  test.each([
    ['Error: Invalid API key\n', 'not-authenticated'],
    ['Too Many Requests', 'rate-limited'],
    ['read ECONNRESET', 'overloaded'],
    ['Segmentation fault', 'failed'],
  ])('without a result is read from the last words %j as %s', (tail, kind) => {
    expect(judge(exited(1), { tail })).toMatchObject({ kind, message: tail.trim() });
  });

  test('has the end of a limit from the last words, too', () => {
    const tail = "You've hit your limit · resets in 2 hours";
    const now = Date.now();
    const outcome = classify(AGENT, { ending: exited(1), tail, durationMs: 1 }, [], now);
    expect(outcome).toEqual({ kind: 'rate-limited', message: tail, resetsAt: now + 7_200_000 });
  });

  test('is not read from lines of the stream, which quote anything', () => {
    const tail = '{"type":"text","text":"Invalid API key"}\nit broke\n{"type":"x","text":"status 429"}\n';
    expect(judge(exited(1), { tail })).toEqual({ kind: 'failed', message: 'it broke' });
  });

  test('is read from the last lines only', () => {
    const tail = `Invalid API key\n${'line\n'.repeat(5)}`;
    expect(judge(exited(1), { tail })).toEqual({ kind: 'failed', message: 'line\n'.repeat(5).trim() });
  });

  test('has a short message', () => {
    const outcome = judge(exited(1), { tail: 'x'.repeat(16_000) });
    expect(outcome).toHaveProperty('message.length', 1_000);
  });

  test.each<readonly [Ending, Outcome]>([
    [
      { kind: 'timed-out', limitMs: 5 },
      { kind: 'timed-out', limitMs: 5 },
    ],
    [
      { kind: 'stalled', limitMs: 6 },
      { kind: 'stalled', limitMs: 6 },
    ],
    [{ kind: 'cancelled' }, { kind: 'cancelled' }],
    [
      { kind: 'killed', signal: 'SIGSEGV' },
      { kind: 'failed', message: 'agent was killed by SIGSEGV' },
    ],
    [
      { kind: 'over-limit', what: 'disk', limitBytes: 2 ** 30 },
      { kind: 'failed', message: 'agent was stopped: it wrote more than 1024 MiB' },
    ],
    [
      { kind: 'over-limit', what: 'memory', limitBytes: 2 ** 30 },
      { kind: 'failed', message: 'agent was stopped: it held more than 1024 MiB of memory' },
    ],
    [
      { kind: 'not-started', reason: 'there is no agent' },
      { kind: 'missing', message: 'there is no agent', hint: 'install it' },
    ],
  ])('of %j is %j, whatever it said before', (ending, outcome) => {
    expect(judge(ending, { events: [says('trouble', 'rate-limited'), DONE] })).toEqual(outcome);
  });

  test.each([126, 127])('is missing when a shell could not run it (%i)', (exitCode) => {
    expect(judge(exited(exitCode), { tail: 'env: node: No such file' })).toEqual({
      kind: 'missing',
      message: 'env: node: No such file',
      hint: 'install it',
    });
    expect(judge(exited(exitCode))).toMatchObject({
      kind: 'missing',
      message: expect.stringContaining(String(exitCode)),
    });
    expect(judge(exited(exitCode), { events: [says('result', 'error')] }).kind).toBe('failed');
  });
});
