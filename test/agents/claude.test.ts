import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProvider } from '../../src/provider/by-name.ts';
import { type AgentWorld, runAgent } from './run-agent.ts';

const runClaude = (world: AgentWorld) => runAgent(createProvider('claude'), world);
const HELLO = { write: { path: 'hello.txt', content: 'hello\n' } };

describe('the real claude', () => {
  test('writes a file and runs a command', async () => {
    const run = await runClaude({
      model: 'sonnet',
      steps: [{ ...HELLO, say: 'I will write it.' }, { bash: 'wc -l < hello.txt' }, { text: 'It is there.' }],
    });
    expect(run.outcome).toEqual({ kind: 'finished' });
    expect(run.exitCode).toBe(0);
    expect(run.changes).toEqual({ 'hello.txt': 'hello\n' });
    expect(run.requests.at(-1)?.results.at(-1)).toContain('1');
    expect(run.events).toEqual(
      expect.arrayContaining([
        { type: 'text', text: 'I will write it.' },
        { type: 'tool', name: 'Write', detail: join(run.directory, 'hello.txt') },
        { type: 'tool', name: 'Bash', detail: 'wc -l < hello.txt' },
        { type: 'text', text: 'It is there.' },
        { type: 'result', trouble: undefined, message: 'It is there.', resetsAt: null },
      ]),
    );
  });

  test('counts what was spent once, however many lines a message takes', async () => {
    const run = await runClaude({
      model: 'sonnet',
      steps: [
        { ...HELLO, say: 'Two blocks.', usage: { input: 100, output: 10, cacheRead: 7, cacheWrite: 3 } },
        { bash: 'true', usage: { input: 200, output: 20, cacheRead: 70, cacheWrite: 30 } },
        { text: 'Done.', usage: { input: 300, output: 30, cacheRead: 700 } },
      ],
    });
    expect(run.spent?.tokens).toEqual({ input: 600, output: 60, cacheRead: 777, cacheWrite: 33 });
    expect(run.spent?.costUsd).toBeGreaterThan(0);
    const inputs = run.events.flatMap((event) => (event.type === 'usage' ? [event.tokens.input] : []));
    expect(inputs).toEqual([100, 300, 600, 600]);
  });

  test('is finished though it did nothing', async () => {
    const run = await runClaude({ steps: [{ text: 'Everything is done.' }] });
    expect(run.outcome).toEqual({ kind: 'finished' });
    expect(run.changes).toEqual({});
  });

  test('has a key that nobody accepts', async () => {
    const run = await runClaude({ wantedKey: 'another', steps: [] });
    expect(run.outcome).toMatchObject({
      kind: 'not-authenticated',
      message: expect.stringContaining('Invalid API key'),
    });
    expect(run.exitCode).toBe(1);
    expect(run.requests.length).toBeLessThanOrEqual(3);
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'trouble', trouble: 'not-authenticated' }),
    );
  });

  test.each([529, 503])('meets a model that answers %i for ever', async (status) => {
    const run = await runClaude({
      steps: [{ error: { status, type: 'overloaded_error', message: 'Overloaded' } }],
    });
    expect(run.outcome).toMatchObject({ kind: 'overloaded' });
    expect(run.exitCode).toBe(1);
    expect(run.requests.length).toBeLessThanOrEqual(3);
  });

  test('goes on after one overload', async () => {
    const run = await runClaude({
      steps: [{ error: { status: 529, type: 'overloaded_error', message: 'Overloaded', times: 1 } }, HELLO],
    });
    expect(run.outcome).toEqual({ kind: 'finished' });
    expect(run.changes).toEqual({ 'hello.txt': 'hello\n' });
    expect(run.events).toContainEqual(expect.objectContaining({ type: 'trouble', trouble: 'overloaded' }));
  });

  test('is told to come back later', async () => {
    const run = await runClaude({
      steps: [
        { error: { status: 429, type: 'rate_limit_error', message: 'Too many requests', retryAfter: 1 } },
      ],
    });
    expect(run.outcome).toMatchObject({ kind: 'rate-limited' });
    expect(run.exitCode).toBe(1);
  });

  test('loses the connection in the middle of an answer', async () => {
    const run = await runClaude({ steps: [{ cut: true }] });
    expect(run.outcome).toMatchObject({ kind: 'overloaded', message: expect.stringContaining('ECONNRESET') });
    expect(run.exitCode).toBe(1);
  });

  test('gets an error in the middle of an answer', async () => {
    const run = await runClaude({
      steps: [{ streamError: { type: 'overloaded_error', message: 'Overloaded' } }],
    });
    expect(run.outcome).toMatchObject({ kind: 'overloaded' });
  });

  test('waits for an answer that never comes', async () => {
    const run = await runClaude({ steps: [{ hang: true }], totalMs: 4_000 });
    expect(run.outcome).toEqual({ kind: 'timed-out', limitMs: 4_000 });
    expect(run.requests).toHaveLength(1);
  });

  test('is refused', async () => {
    const run = await runClaude({ steps: [{ refusal: 'I will not.' }] });
    expect(run.outcome).toMatchObject({ kind: 'refused', message: expect.stringContaining('/legal/aup') });
    expect(run.exitCode).toBe(1);
  });

  test('reaches its limit of turns', async () => {
    const run = await runClaude({
      args: ['--max-turns', '2'],
      steps: [HELLO, { bash: 'true' }, { bash: 'true' }],
    });
    expect(run.outcome).toMatchObject({ kind: 'truncated', message: expect.stringContaining('turns') });
    expect(run.changes).toEqual({ 'hello.txt': 'hello\n' }); // what it did stays
  });

  test('is cut short by the limit of output tokens', async () => {
    const run = await runClaude({ steps: [{ halfText: 'I am about to' }] });
    expect(run.outcome).toMatchObject({ kind: 'truncated' });
  });
});
