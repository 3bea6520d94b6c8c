import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PROVIDER_NAMES } from '../../../src/config/schema.ts';
import type { AgentEvent } from '../../../src/provider/provider.ts';
import { createProvider } from '../../../src/provider/by-name.ts';
import { MAX_TEXT } from '../../../src/provider/stream.ts';

/** Lines that the real CLIs printed, as values. */
const STREAMS = new URL('../../fixtures/streams/', import.meta.url);
const RECORDED = readdirSync(STREAMS, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.jsonl'))
  .flatMap((path) => readFileSync(new URL(path, STREAMS), 'utf8').split('\n'))
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as unknown);

/** The events that are too large, or hold numbers one cannot count with. */
function insane(events: readonly AgentEvent[]): readonly AgentEvent[] {
  return events.filter((event) => !isSane(event));
}

function isSane(event: AgentEvent): boolean {
  switch (event.type) {
    case 'text':
      return event.text.length <= MAX_TEXT;
    case 'tool':
      return event.name.length + event.detail.length <= 600;
    case 'usage': {
      const cost = event.costUsd ?? 0;
      return Object.values(event.tokens).every(isCount) && cost >= 0 && cost < Infinity;
    }
    case 'trouble':
    case 'result':
      return event.message.length <= MAX_TEXT && Number.isSafeInteger(event.resetsAt ?? 0);
    default:
      return false;
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Replaces one value somewhere inside with another. */
function replaceAt(value: unknown, path: number, replacement: unknown): unknown {
  if (typeof value !== 'object' || value === null) return replacement;
  const keys = Object.keys(value);
  if (keys.length === 0) return replacement;
  const key = keys[path % keys.length] ?? '';
  const rest = Math.floor(path / keys.length);
  const inner = (value as Record<string, unknown>)[key];
  const replaced = rest === 0 && path % 3 === 0 ? replacement : replaceAt(inner, rest, replacement);
  return Array.isArray(value)
    ? value.map((each: unknown, at) => (String(at) === key ? replaced : each))
    : { ...value, [key]: replaced };
}

const badValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    -1,
    1e308,
    2 ** 60,
    0.5,
    '',
    'x'.repeat(20_000),
    [],
    {},
    null,
    { __proto__: null },
    true,
  ),
);

describe.each(PROVIDER_NAMES)('the parser of %s', (name) => {
  test('survives recorded lines with a wrong value in them', () => {
    const line = fc
      .record({ recorded: fc.constantFrom(...RECORDED), path: fc.nat(), bad: badValue })
      .map(({ recorded, path, bad }) => JSON.stringify(replaceAt(recorded, path, bad)));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
        const parse = createProvider(name).createParser();
        expect(insane(lines.flatMap((each) => parse(each)))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('survives any text and any JSON', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json(),
          fc.json().map((json) => `{"type":${json}}`),
        ),
        (line) => {
          expect(insane(createProvider(name).createParser()(line))).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a deep nest', `{"type":"assistant","message":${'{"content":['.repeat(50_000)}`],
    [
      'a deep nest that closes',
      `{"type":"result","result":"x","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    ],
    ['deep input of a tool', toolLine('['.repeat(50_000) + ']'.repeat(50_000))],
    ['a million keys', toolLine(`{${Array.from({ length: 200_000 }, (_, at) => `"k${at}":1`).join()}}`)],
    ['a number past all numbers', '{"type":"result","total_cost_usd":1e999,"usage":{"input_tokens":1e999}}'],
    [
      'a prototype',
      '{"type":"result","__proto__":{"is_error":true},"modelUsage":{"__proto__":{"inputTokens":1}}}',
    ],
    [
      'a long text',
      `{"type":"assistant","message":{"content":[{"type":"text","text":"${'é'.repeat(2_000_000)}"}]}}`,
    ],
  ])('survives %s', (_, line) => {
    expect(insane(createProvider(name).createParser()(line))).toEqual([]);
  });

  test('counts no further than numbers go', () => {
    const parse = createProvider(name).createParser();
    const count = Number.MAX_SAFE_INTEGER;
    const tokens = { input: count, output: count, reasoning: count, cache: { read: count, write: count } };
    const usage = { input_tokens: count, output_tokens: count, cached_input_tokens: 0 };
    const lines = ['a', 'b', 'c'].flatMap((id) => [
      { type: 'step_finish', part: { tokens, cost: Number.MAX_VALUE } },
      { type: 'assistant', message: { id, usage, content: [] } },
      { type: 'turn.completed', usage },
      { type: 'result', stats: usage, modelUsage: { a: { inputTokens: count }, b: { inputTokens: count } } },
    ]);
    expect(insane(lines.flatMap((line) => parse(JSON.stringify(line))))).toEqual([]);
  });
});

function toolLine(input: string): string {
  return `{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":${input}}]}}`;
}
