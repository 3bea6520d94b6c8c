import type { Parameters } from 'recheck';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cpuMs } from '../helpers/cpu-time.ts';
import { readSources } from '../helpers/imports.ts';
import { findExpressions } from '../helpers/regular-expressions.ts';
import { judge, keepVerdicts } from '../helpers/safe-expressions.ts';

/**
 * Expressions that are not safe for every text, and what makes them harmless: the longest text they see. At most ten;
 * `worst` is the text of that length that keeps them busiest.
 */
const BOUNDED: readonly {
  readonly file: string;
  readonly expression: RegExp;
  /** Who bounds it, and to how many characters. */
  readonly bound: string;
  readonly worst: string;
}[] = [];

/** What the longest text of one on the list may cost. Milliseconds of CPU. */
const MOST_MS = 50;

// No clock decides, so that the answers are the same on a busy machine; and a search that ends in seconds, which still
// finds every one below.
const SEARCH: Parameters = {
  timeout: null,
  attackTimeout: null,
  incubationTimeout: null,
  seedingTimeout: null,
  maxAttackStringSize: 20_000,
  attackLimit: 20_000_000,
  maxNFASize: 3_000,
  maxIteration: 4,
  maxGenerationSize: 50,
  maxInitialGenerationSize: 200,
  mutationSize: 30,
  crossoverSize: 15,
};

beforeAll(() => void vi.stubEnv('RECHECK_BACKEND', 'pure'));
afterAll(() => {
  keepVerdicts();
  vi.unstubAllEnvs();
});

const files = Array.from(readSources(), ([file, text]) => ({ file, ...findExpressions(text) }));
const withExpressions = files.filter(({ expressions }) => expressions.length > 0);

test('every expression of the source can be read', () => {
  expect(files.flatMap(({ file, unreadable }) => unreadable.map((each) => ({ file, ...each })))).toEqual([]);
  expect(withExpressions.flatMap(({ expressions }) => expressions).length).toBeGreaterThan(200);
});

test.each(withExpressions)(
  'no text keeps an expression of $file busy',
  async ({ file, expressions }) => {
    const listed = new Set(
      BOUNDED.filter((each) => each.file === file).map((each) => String(each.expression)),
    );
    const found: string[] = [];
    for (const { line, literal, source, flags } of expressions) {
      if (listed.has(literal)) continue;
      const fault = await judge(source, flags, SEARCH);
      if (fault !== undefined) found.push(`${file}:${line}: ${literal} is ${fault}`);
    }
    expect(found).toEqual([]);
  },
  300_000,
);

describe('the list of bounded expressions', () => {
  test('is short', () => {
    expect(BOUNDED.length).toBeLessThanOrEqual(10);
  });

  test('holds what is in the source and not safe, and nothing else', async () => {
    for (const { file, expression } of BOUNDED) {
      const there = files.find((each) => each.file === file)?.expressions ?? [];
      expect(there.map(({ literal }) => literal)).toContain(String(expression));
      expect(await judge(expression.source, expression.flags, SEARCH), String(expression)).toBeDefined();
    }
  }, 60_000);

  test('holds what is fast enough at its bound', async () => {
    for (const { expression, worst } of BOUNDED)
      expect(await cpuMs(() => worst.replace(expression, '')), String(expression)).toBeLessThan(MOST_MS);
  });
});

describe('the search', () => {
  test.each([
    [/ +#.*$/],
    [/\/+$/],
    [/(.)\/+$/],
    [/^([^:/\\]*:[/\\]*).*@/],
    [/^\s*objectformat = sha256$/im],
    [/^(\S.*?) {2,}\S+ +(\d+)/],
    [/<!--[^]*?-->/],
    [/(?<!x)y+y+z/],
    [/(a+)+$/],
    [/(?:a|a)*b/],
    [/^(?:a?){20}a{20}$/],
    [/(?<=a)(b|b)*c/],
    [/(?=(a+)+b)c/],
  ])('finds %s', async ({ source, flags }) => {
    expect(await judge(source, flags, SEARCH)).toMatch(/polynomial|exponential/);
  });

  test('takes no division, text or comment for an expression, and puts constants together', () => {
    const { expressions, unreadable } = findExpressions(
      [
        'const half = total / 2 / 1; // /a/',
        "const text = '/b/' + `/c/${/d\\/[/]/g.source}`;",
        "const TAG = 'x|' + 'y';",
        'const tags = [new RegExp(`^(?:${TAG})$`, "i"), RegExp(TAG), new globalThis.RegExp(half)];',
        'const generic = f<string>(a) / 3 / g;',
      ].join('\n'),
    );
    expect(expressions.map(({ line, literal }) => [line, literal])).toEqual([
      [2, '/d\\/[/]/g'],
      [4, '/^(?:x|y)$/i'],
      [4, '/x|y/'],
    ]);
    expect(unreadable).toEqual([{ line: 4, text: 'new globalThis.RegExp(half)' }]);
  });
});
