import { describe, expect, test } from 'vitest';
import { costOf } from '../../../src/provider/prices.ts';

const MILLION = { input: 1_000_000, output: 0, cacheRead: 0, cacheWrite: 0 };

describe('the price of a model', () => {
  test.each([
    ['claude-opus-5-5', 4],
    ['claude-opus-5', 5],
    ['claude-opus-4-5-20251101', 5],
    ['claude-opus-4-20250514', 15],
    ['claude-opus-5-5[1m]', 4],
    ['claude-opus-4-5@20251101', 5],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3],
    ['openrouter/anthropic/claude-sonnet-4.5', 3],
    ['gpt-5', 1.25],
    ['gpt-5-2025-08-07', 1.25],
    ['gpt-5-codex', 1.25],
    ['openai/gpt-5.4-mini', 0.75],
    ['GPT-5.4', 2.5],
    ['gemini-2.5-flash-lite', 0.1],
    ['gemini-3-pro-preview', 2],
  ])('%s is by the longest name that it begins with', (model, dollars) => {
    expect(costOf([model], MILLION)).toBe(dollars);
  });

  test.each([
    'claude-opus-5-9',
    'gpt-5.9',
    'gpt-50',
    'o30',
    'house-model',
    'gpt',
    '',
    'toString',
    '__proto__',
  ])('%j is not known', (model) => {
    expect(costOf([model], MILLION)).toBeUndefined();
  });

  test('counts each kind of tokens', () => {
    const tokens = { input: 1e6, output: 1e6, cacheRead: 1e6, cacheWrite: 1e6 };
    expect(costOf(['claude-opus-5-5'], tokens)).toBeCloseTo(4 + 20 + 0.2 + 8);
  });

  test('of several is that of the dearest, and unknown where one of them is', () => {
    expect(costOf(['claude-haiku-4-5', 'claude-opus-5'], MILLION)).toBe(5);
    expect(costOf(['claude-haiku-4-5', 'house-model'], MILLION)).toBeUndefined();
    expect(costOf([], MILLION)).toBeUndefined();
  });
});
