import { execa } from 'execa';
import { expect, test } from 'vitest';
import { unitBranch } from '../../../src/git/branches.ts';

const branchOf = (directory: string): string => unitBranch({ target: 'main', directory }, 'api');

test.each([
  ['', 'choo/unit/main/api'],
  ['a/', 'choo/unit/main/a+api'],
  ['packages/a.b_c-d/', 'choo/unit/main/packages+a.b_c-d+api'],
  ['a+b/', expect.stringMatching(/^choo\/unit\/main\/a-b@[0-9a-f]{12}\+api$/)],
  ['A/', expect.stringMatching(/^choo\/unit\/main\/a@[0-9a-f]{12}\+api$/)],
  ['.github/', expect.stringMatching(/^choo\/unit\/main\/github@[0-9a-f]{12}\+api$/)],
  ['Größe/', expect.stringMatching(/^choo\/unit\/main\/gr-e@[0-9a-f]{12}\+api$/)],
])('the unit of a project in %j has the branch %j', (directory, branch) => {
  expect(branchOf(directory)).toEqual(branch);
});

/** Directories that look alike, and what git takes in no branch. */
const ODD = [
  ...[
    'a/b/',
    'a+b/',
    'a-b/',
    'A/b/',
    'a/B/',
    'a@b/',
    'a b/',
    'ab/',
    'a/b+/',
    '+/',
    '@/',
    'x/@/',
    '-/',
    '.a/',
  ],
  ...['a..b/', 'a/.lock/', 'a.lock/', '@{/', '~^:?*[\\/', '漢字/', '\u0301/', 'x/\u0301/', '\n/', '\u007f/'],
  ...[`${'x'.repeat(255)}/`, `${'x'.repeat(254)}y/`, 'long/'.repeat(100)],
];

test('no two directories share a branch, also where case does not count, and git takes each', async () => {
  const branches = ODD.map(branchOf);
  expect(new Set(branches.map((branch) => branch.toLowerCase()))).toHaveLength(ODD.length);
  for (const branch of branches) {
    await execa('git', ['check-ref-format', '--branch', branch]); // rejects for one that is none
    expect(Math.max(...branch.split('/').map((part) => Buffer.byteLength(part)))).toBeLessThan(150);
  }
  const longest = unitBranch({ target: 'main', directory: `${'x'.repeat(100)}/` }, 'u'.repeat(100));
  expect(Buffer.byteLength(`${longest.split('/').at(-1)}.lock`)).toBeLessThanOrEqual(255);
});
