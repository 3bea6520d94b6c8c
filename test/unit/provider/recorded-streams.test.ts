import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { classify, type Outcome } from '../../../src/provider/outcome/outcome.ts';
import type { AgentEvent } from '../../../src/provider/provider.ts';
import { createProvider } from '../../../src/provider/by-name.ts';

// What the real CLIs printed against a scripted model: claude 2.1.330, codex 0.169.0, gemini 0.61.0, opencode 1.18.33.
const STREAMS = new URL('../../fixtures/streams/', import.meta.url);

function eventsOf(cli: string, name: string): readonly AgentEvent[] {
  const parse = createProvider(cli).createParser();
  return readFileSync(new URL(`${cli}/${name}.jsonl`, STREAMS), 'utf8')
    .split('\n')
    .flatMap((line) => parse(line));
}

function outcomeOf(cli: string, name: string, exitCode: number): Outcome {
  return classify(
    createProvider(cli),
    { ending: { kind: 'exited', exitCode }, tail: '', durationMs: 0 },
    eventsOf(cli, name),
  );
}

interface Expected {
  /** The status the CLI exited with. */
  readonly exitCode: number;
  readonly outcome: Outcome['kind'];
}

/** What each stream comes to, as `outcomes.json` beside it says. */
const OUTCOMES = readdirSync(STREAMS).flatMap((cli) => {
  const text = readFileSync(new URL(`${cli}/outcomes.json`, STREAMS), 'utf8');
  const expected = JSON.parse(text) as Readonly<Record<string, Expected>>;
  return Object.entries(expected).map(
    ([stream, { exitCode, outcome }]) => [cli, stream, exitCode, outcome] as const,
  );
});

describe('a recorded stream', () => {
  test.each(OUTCOMES)('of %s, %s with exit %i, is %s', (cli, stream, exitCode, kind) => {
    expect(outcomeOf(cli, stream, exitCode).kind).toBe(kind);
  });

  test('has its outcome, each of them', () => {
    const recorded = readdirSync(STREAMS, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.jsonl'),
    );
    expect(recorded.sort()).toEqual(OUTCOMES.map(([cli, stream]) => `${cli}/${stream}.jsonl`).sort());
  });

  test.each(OUTCOMES.filter(([, stream]) => !['success', 'patch'].includes(stream)))(
    'of %s, %s, fails whatever the exit status, and says why',
    (cli, stream) => {
      const outcome = outcomeOf(cli, stream, 0);
      expect(outcome.kind).not.toBe('finished');
      expect(outcome).toHaveProperty('message', expect.stringMatching(/\w{4}/));
    },
  );

  test('of claude tells what it does and what it spends', () => {
    expect(eventsOf('claude', 'success')).toEqual([
      { type: 'text', text: 'Writing.' },
      usage({ input: 100, output: 1, cacheRead: 7, cacheWrite: 3 }),
      { type: 'tool', name: 'Write', detail: '/work/hello.txt' },
      { type: 'tool', name: 'Bash', detail: 'cat hello.txt' },
      usage({ input: 300, output: 2, cacheRead: 77, cacheWrite: 33 }),
      { type: 'text', text: 'All done.' },
      usage({ input: 600, output: 3, cacheRead: 777, cacheWrite: 33 }),
      usage({ input: 600, output: 60, cacheRead: 777, cacheWrite: 33 }, 0.0019602),
      { type: 'result', trouble: undefined, message: 'All done.', resetsAt: null },
    ]);
  });

  test('of codex tells what it does and what it spends', () => {
    expect(eventsOf('codex', 'success')).toEqual([
      { type: 'text', text: 'Writing.' },
      { type: 'tool', name: 'shell', detail: expect.stringContaining("'hello.txt'") },
      { type: 'tool', name: 'shell', detail: "/bin/bash -lc 'cat hello.txt'" },
      { type: 'text', text: 'All done.' },
      usage({ input: 453, output: 60, cacheRead: 147, cacheWrite: 0 }),
      { type: 'result', trouble: undefined, message: '', resetsAt: null },
    ]);
    expect(eventsOf('codex', 'patch')).toContainEqual({
      type: 'tool',
      name: 'edit',
      detail: '/work/hello.txt',
    });
  });

  test('of gemini tells what it does and what it spends, and nothing of the prompt', () => {
    expect(eventsOf('gemini', 'success')).toEqual([
      { type: 'text', text: 'Writing.' },
      { type: 'tool', name: 'write_file', detail: 'hello.txt' },
      { type: 'tool', name: 'run_shell_command', detail: 'cat hello.txt' },
      { type: 'text', text: 'All done.' },
      usage({ input: 453, output: 60, cacheRead: 147, cacheWrite: 0 }),
      { type: 'result', trouble: undefined, message: '', resetsAt: null },
    ]);
  });

  test('of opencode tells what it does and what it spends', () => {
    expect(eventsOf('opencode', 'success')).toEqual([
      { type: 'text', text: 'Writing.' },
      { type: 'tool', name: 'write', detail: '/work/hello.txt' },
      usage({ input: 100, output: 10, cacheRead: 0, cacheWrite: 0 }),
      { type: 'tool', name: 'bash', detail: 'cat hello.txt' },
      usage({ input: 300, output: 30, cacheRead: 0, cacheWrite: 0 }),
      { type: 'text', text: 'All done.' },
      usage({ input: 600, output: 60, cacheRead: 0, cacheWrite: 0 }),
      { type: 'result', trouble: undefined, message: '', resetsAt: null },
    ]);
  });

  test('tells what the CLI tries again by itself', () => {
    expect(eventsOf('claude', '529').filter(({ type }) => type === 'trouble')).toEqual(
      Array.from({ length: 2 }, () => ({
        type: 'trouble',
        trouble: 'overloaded',
        message: 'overloaded (529), trying again',
        resetsAt: null,
      })),
    );
    expect(eventsOf('codex', 'cut')).toContainEqual(
      expect.objectContaining({ type: 'trouble', message: expect.stringMatching(/^Reconnecting/) }),
    );
  });
});

function usage(tokens: object, costUsd: number | null = null): object {
  return { type: 'usage', tokens, costUsd, models: expect.any(Array) };
}
