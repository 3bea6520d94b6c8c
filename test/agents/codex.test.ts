import { describe, expect, test } from 'vitest';
import { createProvider } from '../../src/provider/by-name.ts';
import { type AgentWorld, runAgent } from './run-agent.ts';

const runCodex = (world: AgentWorld) => runAgent(createProvider('codex'), world);
const HELLO = { write: { path: 'hello.txt', content: 'hello\n' } };

describe('the real codex', () => {
  // The newest models get their tools in another place of the request, and call them by JavaScript.
  test.each([undefined, 'gpt-5.2'])('writes a file and runs a command, model %s', async (model) => {
    const run = await runCodex({
      ...(model === undefined ? {} : { model }),
      steps: [{ ...HELLO, say: 'I will write it.' }, { bash: 'wc -l < hello.txt' }, { text: 'It is there.' }],
    });
    expect(run.outcome).toEqual({ kind: 'finished' });
    expect(run.exitCode).toBe(0);
    expect(run.changes).toEqual({ 'hello.txt': 'hello\n' });
    expect(run.requests.at(-1)?.results.at(-1)).toContain('1');
    expect(run.events).toEqual(
      expect.arrayContaining([
        { type: 'text', text: 'I will write it.' },
        { type: 'tool', name: 'shell', detail: expect.stringContaining('wc -l < hello.txt') },
        { type: 'text', text: 'It is there.' },
        { type: 'result', trouble: undefined, message: '', resetsAt: null },
      ]),
    );
  });

  test('counts what was spent once', async () => {
    const run = await runCodex({
      steps: [
        { ...HELLO, say: 'Two items.', usage: { input: 100, output: 10, cacheRead: 7, cacheWrite: 3 } },
        { bash: 'true', usage: { input: 200, output: 20, cacheRead: 70, cacheWrite: 30 } },
        { text: 'Done.', usage: { input: 300, output: 30, cacheRead: 700 } },
      ],
    });
    expect(run.spent).toMatchObject({
      tokens: { input: 600, output: 60, cacheRead: 777, cacheWrite: 33 },
      costUsd: null,
    });
  });

  test('is finished though it did nothing', async () => {
    const run = await runCodex({ steps: [{ text: 'Everything is done.' }] });
    expect(run.outcome).toEqual({ kind: 'finished' });
    expect(run.changes).toEqual({});
  });

  test('has a key that nobody accepts', async () => {
    const run = await runCodex({ wantedKey: 'another', steps: [] });
    expect(run.outcome).toMatchObject({ kind: 'not-authenticated', message: expect.stringContaining('401') });
    expect(run.exitCode).toBe(1);
  });

  test.each([529, 503])('meets a model that answers %i for ever', async (status) => {
    const run = await runCodex({
      steps: [{ error: { status, type: 'server_is_overloaded', message: 'Overloaded' } }],
    });
    expect(run.outcome).toMatchObject({ kind: 'overloaded' });
    expect(run.exitCode).toBe(1);
  });

  test('goes on after one overload', async () => {
    const run = await runCodex({
      steps: [{ error: { status: 503, type: 'server_error', message: 'Overloaded', times: 1 } }, HELLO],
    });
    expect(run.outcome).toEqual({ kind: 'finished' });
    expect(run.changes).toEqual({ 'hello.txt': 'hello\n' });
  });

  test('is told to come back later', async () => {
    const run = await runCodex({
      steps: [
        { error: { status: 429, type: 'rate_limit_exceeded', message: 'Too many requests', retryAfter: 1 } },
      ],
    });
    expect(run.outcome).toMatchObject({ kind: 'rate-limited' });
    expect(run.exitCode).toBe(1);
  });

  test('loses the connection in the middle of an answer', async () => {
    const run = await runCodex({ steps: [{ cut: true }] });
    expect(run.outcome).toMatchObject({
      kind: 'overloaded',
      message: expect.stringContaining('stream disconnected'),
    });
    expect(run.exitCode).toBe(1);
  });

  test('gets an error in the middle of an answer', async () => {
    const run = await runCodex({
      steps: [{ streamError: { type: 'server_is_overloaded', message: 'Overloaded' } }],
    });
    expect(run.outcome).toMatchObject({ kind: 'overloaded' });
  });

  test('waits for an answer that never comes', async () => {
    const run = await runCodex({ steps: [{ hang: true }], totalMs: 4_000 });
    expect(run.outcome).toEqual({ kind: 'timed-out', limitMs: 4_000 });
    expect(run.requests).toHaveLength(1);
  });

  test('is refused', async () => {
    const run = await runCodex({ steps: [{ refusal: 'I will not.' }] });
    expect(run.outcome).toMatchObject({ kind: 'refused' });
  });

  test('outgrows the context window', async () => {
    const run = await runCodex({
      steps: [
        {
          streamError: { type: 'context_length_exceeded', message: 'Your input exceeds the context window.' },
        },
      ],
    });
    expect(run.outcome).toMatchObject({ kind: 'truncated', message: expect.stringContaining('out of room') });
  });
});
