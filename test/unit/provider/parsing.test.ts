import { describe, expect, test } from 'vitest';
import type { AgentEvent } from '../../../src/provider/provider.ts';
import { createProvider } from '../../../src/provider/by-name.ts';

/** The events of lines given as values. */
function parse(cli: string, ...lines: readonly object[]): readonly AgentEvent[] {
  const read = createProvider(cli).createParser();
  return lines.flatMap((line) => read(JSON.stringify(line)));
}

/** The last count of tokens and dollars. */
function spent(cli: string, ...lines: readonly object[]): unknown {
  return parse(cli, ...lines).findLast(({ type }) => type === 'usage');
}

function resultOf(cli: string, ...lines: readonly object[]): unknown {
  return parse(cli, ...lines).findLast(({ type }) => type === 'result');
}

describe("claude's parser", () => {
  const message = (id: string, input: number, output = 1) => ({
    type: 'assistant',
    message: { id, usage: { input_tokens: input, output_tokens: output }, content: [] },
  });

  test('counts a message once, and anew when it grew', () => {
    const events = parse('claude', message('a', 10), message('a', 10), message('b', 5), message('a', 10, 7));
    expect(
      events.map((event) => event.type === 'usage' && [event.tokens.input, event.tokens.output]),
    ).toEqual([
      [10, 1],
      [15, 2],
      [15, 8],
    ]);
  });

  test('counts more messages than it remembers', () => {
    const lines = Array.from({ length: 250 }, (_, at) => message(`m${at}`, 2));
    expect(spent('claude', ...lines)).toMatchObject({ tokens: { input: 500, output: 250 } });
  });

  test('takes the count of the result as the last word, by model where it names models', () => {
    const model = { inputTokens: 3, outputTokens: 4, cacheReadInputTokens: 5, cacheCreationInputTokens: 6 };
    const result = { type: 'result', subtype: 'success', is_error: false, total_cost_usd: 0.5 };
    const usage = { input_tokens: 1, output_tokens: 2 };
    expect(
      spent('claude', message('a', 10), { ...result, usage, modelUsage: { one: model, two: model } }),
    ).toEqual({
      type: 'usage',
      tokens: { input: 6, output: 8, cacheRead: 10, cacheWrite: 12 },
      costUsd: 0.5,
      models: [],
    });
    expect(spent('claude', message('a', 10), { ...result, usage, modelUsage: {} })).toMatchObject({
      tokens: { input: 1, output: 2 },
    });
    expect(spent('claude', message('a', 10), result)).toMatchObject({ tokens: { input: 10 } });
  });

  test('says no cost where there is none', () => {
    expect(spent('claude', { type: 'result', is_error: false })).toMatchObject({ costUsd: null });
  });

  test('believes is_error, not the subtype', () => {
    const line = { type: 'result', subtype: 'success', is_error: true, api_error_status: 429, result: 'no' };
    expect(resultOf('claude', line)).toMatchObject({ trouble: 'rate-limited' });
    expect(resultOf('claude', { ...line, is_error: false })).toMatchObject({ trouble: undefined });
  });

  test.each([
    ['authentication_failed', 'not-authenticated'],
    ['oauth_org_not_allowed', 'not-authenticated'],
    ['billing_error', 'not-authenticated'],
    ['rate_limit', 'rate-limited'],
    ['overloaded', 'overloaded'],
    ['max_output_tokens', 'truncated'],
    ['server_error', 'overloaded'],
    ['model_not_found', 'misconfigured'],
    ['unknown', 'error'],
  ])('reads the error %s of the last message as %s', (error, trouble) => {
    const failed = { type: 'assistant', error, message: { content: [{ type: 'text', text: 'It failed.' }] } };
    const result = { type: 'result', subtype: 'success', is_error: true, result: 'It failed.' };
    expect(parse('claude', failed, result)).toEqual([
      expect.objectContaining({ type: 'usage' }),
      { type: 'result', trouble, message: 'It failed.', resetsAt: null },
    ]);
  });

  test('forgets the error of a message that another one follows', () => {
    const failed = { type: 'assistant', error: 'rate_limit', message: {} };
    const result = { type: 'result', is_error: true, result: 'It failed.' };
    expect(resultOf('claude', failed, message('a', 1), result)).toMatchObject({ trouble: 'error' });
  });

  test.each([
    [{ stop_reason: 'refusal' }, 'refused'],
    [{ stop_reason: 'max_tokens' }, 'truncated'],
    [{ stop_reason: 'model_context_window_exceeded' }, 'truncated'],
    [{ subtype: 'error_max_turns', is_error: true }, 'truncated'],
    [{ subtype: 'error_max_budget_usd', is_error: true }, 'truncated'],
    [{ subtype: 'error_during_execution' }, 'error'],
    [{}, 'error'],
  ])('reads a result of %j as %s', (fields, trouble) => {
    expect(resultOf('claude', { type: 'result', ...fields })).toMatchObject({ trouble });
  });

  test('finds the end of a limit in the words of the result, or in the event before it', () => {
    const failed = { type: 'result', is_error: true, api_error_status: 429 };
    const told = { ...failed, result: 'Claude AI usage limit reached|1712345678' };
    expect(resultOf('claude', told)).toMatchObject({ resetsAt: 1_712_345_678_000 });
    const limit = {
      type: 'rate_limit_event',
      rate_limit_info: { status: 'rejected', resetsAt: 1_712_349_999 },
    };
    expect(parse('claude', limit, { ...failed, result: 'You are out of it' })).toEqual([
      expect.objectContaining({ type: 'trouble', trouble: 'rate-limited', resetsAt: 1_712_349_999_000 }),
      expect.objectContaining({ type: 'usage' }),
      expect.objectContaining({ type: 'result', trouble: 'rate-limited', resetsAt: 1_712_349_999_000 }),
    ]);
    const warning = { type: 'rate_limit_event', rate_limit_info: { status: 'allowed_warning', resetsAt: 5 } };
    expect(parse('claude', warning)).toEqual([]);
  });

  test('reads words of its own as a failure, whatever it calls them, and those of a model never', () => {
    const text = "You've hit your limit · resets in 2 hours";
    const said = (model: string) => ({
      type: 'assistant',
      message: { id: 'a', model, content: [{ type: 'text', text }] },
    });
    const result = { type: 'result', subtype: 'success', is_error: false, result: text };
    expect(resultOf('claude', said('<synthetic>'), result)).toMatchObject({ trouble: 'rate-limited' });
    expect(resultOf('claude', said('claude-opus-5-5'), result)).toMatchObject({ trouble: undefined });
    const quiet = { ...result, result: 'No response requested.' };
    expect(resultOf('claude', said('<synthetic>'), quiet)).toMatchObject({ trouble: undefined });
  });

  test('reads what only the operator can mend before the status that came with it', () => {
    const result = {
      type: 'result',
      is_error: true,
      api_error_status: 429,
      result: 'Extra usage is required',
    };
    expect(resultOf('claude', result)).toMatchObject({ trouble: 'not-authenticated' });
    const listed = { type: 'result', subtype: 'error_during_execution', errors: ['read ECONNRESET'] };
    expect(resultOf('claude', listed)).toMatchObject({ trouble: 'overloaded' });
  });

  test('keeps thoughts to itself', () => {
    const content = [{ type: 'thinking', thinking: 'hm', text: 'hm' }];
    expect(parse('claude', { type: 'assistant', message: { content } })).toEqual([]);
  });
});

describe("codex's parser", () => {
  test('takes what came from a cache out of the input', () => {
    const usage = {
      input_tokens: 100,
      cached_input_tokens: 30,
      cache_write_input_tokens: 20,
      output_tokens: 5,
    };
    expect(spent('codex', { type: 'turn.completed', usage })).toMatchObject({
      tokens: { input: 50, output: 5, cacheRead: 30, cacheWrite: 20 },
      costUsd: null,
    });
    expect(spent('codex', { type: 'turn.completed', usage: { ...usage, input_tokens: 1 } })).toMatchObject({
      tokens: { input: 0 },
    });
  });

  test('tells a command once, and other tools when they are done', () => {
    const command = { type: 'command_execution', command: 'make' };
    const search = { type: 'web_search', query: 'how' };
    const mcp = { type: 'mcp_tool_call', tool: 'browse', arguments: { url: 'http://x' } };
    const lines = [command, search, mcp].flatMap((item) => [
      { type: 'item.started', item },
      { type: 'item.completed', item },
    ]);
    expect(parse('codex', ...lines)).toEqual([
      { type: 'tool', name: 'shell', detail: 'make' },
      { type: 'tool', name: 'search', detail: 'how' },
      { type: 'tool', name: 'browse', detail: 'http://x' },
    ]);
    expect(parse('codex', { type: 'item.started', item: command })).toHaveLength(1);
    expect(parse('codex', { type: 'item.started', item: search })).toEqual([]);
  });

  test('finds the end of a limit in fields of the failure', () => {
    const before = Date.now();
    const error = { message: 'The usage limit has been reached', resets_in_seconds: 600 };
    const { resetsAt } = resultOf('codex', { type: 'turn.failed', error }) as { resetsAt: number };
    expect(resetsAt - before).toBeGreaterThanOrEqual(600_000);
    expect(resetsAt - before).toBeLessThan(660_000);
    expect(parse('codex', { type: 'error', message: 'no more', resets_at: 1_795_348_800 })).toEqual([
      { type: 'trouble', trouble: 'rate-limited', message: 'no more', resetsAt: 1_795_348_800_000 },
    ]);
  });

  test('takes a warning for no trouble', () => {
    expect(
      parse('codex', { type: 'item.completed', item: { type: 'error', message: 'unknown model' } }),
    ).toEqual([]);
  });
});

describe("gemini's parser", () => {
  test('counts thoughts as output', () => {
    const stats = { total_tokens: 150, input_tokens: 100, output_tokens: 20, cached: 40 };
    expect(spent('gemini', { type: 'result', status: 'success', stats })).toMatchObject({
      tokens: { input: 60, output: 50, cacheRead: 40, cacheWrite: 0 },
    });
  });

  test('takes a status other than success for a failure', () => {
    expect(resultOf('gemini', { type: 'result' })).toMatchObject({
      trouble: 'error',
      message: 'the request failed',
    });
    expect(parse('gemini', { type: 'error', message: 'Loop detected' })).toEqual([
      { type: 'trouble', trouble: 'error', message: 'Loop detected', resetsAt: null },
    ]);
  });
});

describe("opencode's parser", () => {
  const step = (cost: number, reason = 'tool-calls') => ({
    type: 'step_finish',
    part: { reason, cost, tokens: { input: 10, output: 5, reasoning: 2, cache: { read: 3, write: 1 } } },
  });

  test('adds the steps up, reasoning as output', () => {
    expect(spent('opencode', step(0.25), step(0.5))).toEqual({
      type: 'usage',
      tokens: { input: 20, output: 14, cacheRead: 6, cacheWrite: 2 },
      costUsd: 0.75,
      models: [],
    });
  });

  test('knows that no price is no cost', () => {
    expect(spent('opencode', step(0))).toMatchObject({ costUsd: null });
  });

  test.each([
    ['stop', undefined],
    ['length', 'truncated'],
    ['content-filter', 'refused'],
  ])('ends with a step of reason %s as %s', (reason, trouble) => {
    expect(resultOf('opencode', step(0), step(0, reason))).toMatchObject({ trouble });
  });

  test('goes on after a tool call', () => {
    expect(resultOf('opencode', step(0))).toBeUndefined();
  });

  test('finds the end of a limit in the header', () => {
    const data = { message: 'slow down', statusCode: 429, responseHeaders: { 'retry-after': '60' } };
    const before = Date.now();
    const result = resultOf('opencode', { type: 'error', error: { name: 'APIError', data } });
    expect(result).toMatchObject({ trouble: 'rate-limited', message: 'slow down' });
    expect((result as { resetsAt: number }).resetsAt - before).toBeGreaterThanOrEqual(60_000);
  });

  test.each([
    ['ProviderAuthError', 'not-authenticated'],
    ['ProviderModelNotFoundError', 'misconfigured'],
  ])('knows %s by its name alone', (name, trouble) => {
    expect(resultOf('opencode', { type: 'error', error: { name } })).toMatchObject({ trouble });
  });

  test('takes what opencode itself would try again for an outage', () => {
    const data = { message: 'hm', isRetryable: true };
    expect(resultOf('opencode', { type: 'error', error: { name: 'APIError', data } })).toMatchObject({
      trouble: 'overloaded',
    });
  });
});

describe('the parser of a rehearsal', () => {
  test('tells every line that is not blank', () => {
    const read = createProvider('rehearsal').createParser();
    expect(['one', '', '  ', '{"type":"result"}'].flatMap((line) => read(line))).toEqual([
      { type: 'text', text: 'one' },
      { type: 'text', text: '{"type":"result"}' },
    ]);
  });
});
