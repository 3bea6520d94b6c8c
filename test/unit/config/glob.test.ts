import * as fc from 'fast-check';
import { matchesGlob } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expandBraces } from '../../../src/config/glob-braces.ts';
import { MAX_PATTERN, readGlob } from '../../../src/config/glob.ts';
import { cpuMs } from '../../helpers/cpu-time.ts';

function matches(pattern: string, path: string): boolean {
  const read = readGlob(pattern);
  if ('fault' in read) throw new Error(read.fault);
  return read.matches(path);
}

const NAMES = fc
  .string({ unit: fc.constantFrom('a', 'a', 'a', 'b', 'b', '.', '-'), minLength: 1, maxLength: 3 })
  .filter((name) => name !== '.' && name !== '..');
const paths = fc.array(NAMES, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));

const part = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', '.', '-', '*', '*', '?') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '**',
      '***',
      '[ab]',
      '[!a]',
      '[^.]',
      '[a-b]',
      '[.]',
      '[.a]',
      '[]a]',
      '[a-]',
      '[!-]',
    ),
  },
);
const namePattern = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('**', '*', '.*', '*.a', '*.*', '?', '??') },
  { weight: 2, arbitrary: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')) },
);
const plainPattern = fc
  .array(
    namePattern.filter((name) => !/^\.{1,2}$/.test(name)),
    { minLength: 1, maxLength: 3 },
  )
  .map((names) => names.join('/'));
/** Braces around whole patterns, beside them, and inside of each other. */
const withBraces = (plain: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      plain,
      fc
        .tuple(fc.array(tie('pattern'), { minLength: 2, maxLength: 3 }), fc.constantFrom('', 'a', '/b'))
        .map(([all, after]) => `{${all.join(',')}}${after}`),
      fc
        .tuple(fc.constantFrom('a', 'b/', ''), tie('pattern'), fc.constantFrom('', 'c'))
        .map(([before, inside, other]) => `${before}{${inside},${other}}`),
    ),
  })).pattern;

describe('a glob', () => {
  // Of several patterns Node makes fewer, and other ones: of `{a/**/b,*/b}` one that matches `c/a/b` as well.
  test('means what it means to Node, each alternative by itself', () => {
    let understood = 0;
    let matched = 0;
    fc.assert(
      fc.property(
        withBraces(plainPattern),
        fc.array(paths, { minLength: 4, maxLength: 8 }),
        (glob, tried) => {
          const read = readGlob(glob);
          const expanded = expandBraces(glob);
          if ('fault' in read || 'fault' in expanded) return;
          understood += 1;
          for (const path of tried) {
            const expected = expanded.alternatives.some((each) => matchesGlob(path, each));
            if (expected) matched += 1;
            expect([glob, path, read.matches(path)]).toEqual([glob, path, expected]);
          }
        },
      ),
      { numRuns: 3_000 },
    );
    expect(understood).toBeGreaterThan(2_000);
    expect(matched).toBeGreaterThan(200);
  }, 60_000);

  test.each([
    ['src/**', 'src/a', 'src/a/b.ts'],
    ['**/*.{ts,tsx}', 'a.ts', 'a/b/c.tsx'],
    ['{package,package-lock}.json', 'package.json', 'package-lock.json'],
    ['app/(group)/[[]id].tsx', 'app/(group)/[id].tsx'],
    ['docs/*.md', 'docs/ü.md', 'docs/a b.md'],
    ['.github/**', '.github/workflows/ci.yml'],
    ['src/{a,b/{c,d}}/?.js', 'src/a/x.js', 'src/b/d/y.js'],
  ])('%s matches', (glob, ...found) => {
    for (const path of found) expect([path, matches(glob, path)]).toEqual([path, true]);
  });

  test.each([
    ['src/*', 'src/a/b', 'src/.a', 'src'],
    ['src/**', 'src', 'srcs/a', 'src/.a', 'src/a/.b/c'],
    ['*.ts', '.ts', 'a/b.ts', 'A.TS'],
    ['a?c', 'a/c', 'ac', 'abbc'],
    ['[!a]', '.', 'ab'],
  ])('%s does not match', (glob, ...others) => {
    for (const path of others) expect([path, matches(glob, path)]).toEqual([path, false]);
  });

  test.each([
    ['', '1 to 200 characters'],
    ['a'.repeat(MAX_PATTERN + 1), '1 to 200 characters'],
    ['a\\*', 'without `\\`'],
    ['/a', 'no `/` at either end'],
    ['a/', 'no `/` at either end'],
    ['a//b', 'no `//`'],
    ['./a', 'no `./`'],
    ['a/../b', 'no `../`'],
    ['{a,}/b', 'no `/` at either end'],
    ['[ab', 'each `[` has its `]`'],
    ['[a/b]', 'each `[` has its `]`'],
    ['[', 'each `[` has its `]`'],
    ['[!', 'each `[` has its `]`'],
    ['[[:alpha:]]', 'without `[:…:]`'],
    ['[b-a]', 'ranges go upwards'],
    ['{a,b', 'each `{` has its `}`'],
    ['a,b}', 'each `{` has its `}`'],
    ['{a}', 'list alternatives'],
    ['{1..3}', 'list alternatives'],
    ['${a,b}', 'without `${`'],
    ['!(a)', 'without `!(…)`'],
    ['a/+(b|c)', 'without `+(…)`'],
    ['{a,b}'.repeat(40), 'at most 100 patterns'],
    ['{,}'.repeat(66), 'at most 100 patterns'],
    [`{${','.repeat(150)}}`, 'at most 100 patterns'],
    [`{${','.repeat(50)}}${'a'.repeat(100)}`, '1000 characters together'],
    ['{'.repeat(200), 'each `{` has its `}`'],
    [`${'{a,'.repeat(49)}b${'}'.repeat(49)}`, ''],
  ])('%j is refused where it says too much or too little', (glob, reason) => {
    const read = readGlob(glob);
    expect('fault' in read ? read.fault : '').toContain(reason);
    expect('fault' in read).toBe(reason !== '');
  });

  test('has the alternatives that it has for Node', () => {
    const plain = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 });
    const tried = fc.array(fc.array(plain, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(withBraces(plain), tried, (glob, all) => {
        if ('fault' in readGlob(glob)) return;
        for (const path of all.map((names) => names.join('/')))
          expect([glob, path, matches(glob, path)]).toEqual([glob, path, matchesGlob(path, glob)]);
      }),
      { numRuns: 2_000 },
    );
  }, 60_000);

  test('expands braces as a shell does', () => {
    expect(expandBraces('a{b,c{d,e},}f{g,h}')).toEqual({
      alternatives: ['abfg', 'abfh', 'acdfg', 'acdfh', 'acefg', 'acefh', 'afg', 'afh'],
    });
  });

  test.each([
    `${'*a'.repeat(99)}*b`,
    `${'**/'.repeat(66)}b`,
    `${'**/a*/'.repeat(33)}b`,
    `${'?*'.repeat(99)}/b`,
    `${'[!b]*'.repeat(39)}b`,
    `${'{a*,*a}'.repeat(5)}${'*a'.repeat(9)}b`,
    `{${'*a*,'.repeat(48)}}b`,
  ])('%s takes little time, with 2,000 long paths', async (glob) => {
    const names = Array.from({ length: 1_000 }, (_, index) => 'a'.repeat(200 - String(index).length) + index);
    const folders = names.map((_, index) => `${'a/'.repeat(98)}${index}`);
    const read = readGlob(glob);
    if ('fault' in read) throw new Error(read.fault);
    expect(await cpuMs(() => [...names, ...folders].filter(read.matches))).toBeLessThan(1_000);
  });
});
