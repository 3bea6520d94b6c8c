import { describe, expect, test } from 'vitest';
import { findProtectionEntries } from '../../../../src/config/protection/protection.ts';
import type { ProtectionLevel } from '../../../../src/config/protection/entry.ts';
import { PROTECTION_TABLE } from '../../../../src/config/protection/table.ts';
import type { ProtectionRule } from '../../../../src/config/protection/protection.ts';
import { createProvider, PROVIDER_NAMES } from '../../../../src/provider/by-name.ts';
import { createProtection } from '../../../../src/worker/judge/protection.ts';
import { cpuMs } from '../../../helpers/cpu-time.ts';

const NOTHING = {
  find: async () => undefined,
  has: async () => false,
  list: async () => [],
  read: async () => undefined,
};

function protect(rules: readonly ProtectionRule[] = [], files: readonly string[] = []) {
  const protect = rules.map(({ paths, level }) => ({ paths: [...paths], level }));
  return createProtection({
    directory: 'app/',
    config: { specs_dir: 'specs/tasks', specs: [], protect },
    named: {
      includes: (path) => files.includes(path),
      shadows: () => false,
      moduleDirectories: new Set(),
      programDirectories: new Set(),
    },
    base: NOTHING,
  });
}

/** The levels of a path: where it exists at the base, and where it does not. */
function levels(path: string, ...rules: readonly ProtectionRule[]): readonly (ProtectionLevel | undefined)[] {
  const { judge } = protect(rules, ['app/check.sh']);
  return [judge(path, true)?.level, judge(path, false)?.level];
}

describe('the defaults', () => {
  test.each([
    'app/specs/tasks/a/01-x.md',
    'app/.choo.yml',
    'app/.choo.yaml',
    'app/.github/choo.yml',
    '.github/workflows/ci.yml',
    'deep/.github/x',
    'CODEOWNERS',
    'docs/CODEOWNERS',
    '.gitignore',
    'a/.gitattributes',
    '.gitmodules',
    'app/.npmrc',
    '.husky/pre-commit',
    'AGENTS.md',
    'app/sub/CLAUDE.md',
    'claude.md',
    '.claude/settings.json',
    '.mcp.json',
    '.GITHUB/workflows/x.yml',
    'Jenkinsfile',
    'ci/Jenkinsfile.release',
    'azure-pipelines-2.yml',
    '.vscode/tasks.json',
    'my.code-workspace',
    'lib/sitecustomize.py',
  ])('restore %s, also where it is new', (path) => {
    expect(levels(path)).toEqual(['restore', 'restore']);
  });

  test.each(PROVIDER_NAMES)('restore what steers %s', (name) => {
    for (const each of createProvider(name).steeredBy)
      for (const path of [each, `app/sub/${each}`, each.toLowerCase(), `${each.toUpperCase()}/x`])
        expect([path, ...levels(path)]).toEqual([path, 'restore', 'restore']);
  });

  test.each([
    'Makefile',
    'build/rules.mk',
    'vitest.config.ts',
    'app/jest.config.js',
    'conftest.py',
    'tests/conftest.py',
    '.eslintrc.json',
    'tsconfig.test.json',
    'package.json',
    'go.sum',
    '.env.local',
  ])('ask for %s, and tell of a new one', (path) => {
    expect(levels(path)).toEqual(['ask', 'tell']);
  });

  test.each(['test/a.js', 'src/a.test.ts', 'pkg/a_test.go', 'tests/test_a.py', 'src/test/java/ATest.java'])(
    'tell of %s, not of a new one',
    (path) => {
      expect(levels(path)).toEqual(['tell', undefined]);
    },
  );

  test.each([
    'app/src/index.js',
    'README.md',
    'docs/agents-guide.md',
    'github/x',
    'agents.mdx',
    'src/features/a.ts',
    'src/build/x.ts',
    'a/latest.ts',
    'app/specs/tasks.md',
  ])('leave %s alone', (path) => {
    expect(levels(path)).toEqual([undefined, undefined]);
  });

  test('tell of everything in a hidden directory of the root', () => {
    expect(levels('.something/new')).toEqual([undefined, 'tell']);
  });

  test('have a source for each entry, and each in lower case', () => {
    for (const { names, source, what } of PROTECTION_TABLE) {
      expect([what, source]).toEqual([what, expect.stringMatching(/^https:\/\/[\w.-]+\//)]);
      expect(names).toBe(names.toLowerCase());
    }
  });

  test('take no time for a path of 4,000 names', async () => {
    const path = 'a.config.b/'.repeat(4_000);
    expect(await cpuMs(() => findProtectionEntries(path))).toBeLessThan(500);
  }, 60_000);
});

describe('what a gate names', () => {
  test('is restored where it is at the base, and a task may allow itself to change it', () => {
    const { judge, allows } = protect([], ['app/check.sh']);
    expect(judge('app/check.sh', true)).toEqual({ level: 'restore', mayAllow: true });
    expect(judge('app/check.sh', false)).toBeUndefined();
    expect(allows(['check.sh'], 'app/check.sh')).toBe(true);
    expect(allows(['check.sh'], 'check.sh')).toBe(false);
  });

  test('is judged by what it says where it is a manifest', () => {
    expect(protect([], ['app/package.json']).judge('app/package.json', true)?.level).toBe('ask');
  });
});

describe('the rules of a repository', () => {
  const rule = (level: ProtectionLevel, ...paths: readonly string[]): ProtectionRule => ({ paths, level });

  test('hold for a directory with all that is below it, and hidden names', () => {
    expect(levels('app/db/x/.y', rule('restore', 'db'))).toEqual(['restore', 'restore']);
    expect(levels('app/db/.y', rule('ask', 'db/**'))).toEqual(['ask', undefined]);
    expect(levels('db/x', rule('ask', 'db'))).toEqual([undefined, undefined]);
  });

  test('may be milder than the defaults, and the first one holds', () => {
    expect(levels('app/Makefile', rule('tell', 'Makefile'), rule('restore', '**'))).toEqual([
      'tell',
      undefined,
    ]);
    expect(levels('app/check.sh', rule('tell', 'check.sh'))).toEqual(['tell', undefined]);
  });

  test('open neither specs nor git nor what steers agents', () => {
    for (const path of ['app/specs/tasks/a/x', 'app/.choo.yml', 'app/.gitattributes', 'app/CLAUDE.md'])
      expect([path, ...levels(path, rule('tell', '**'))]).toEqual([path, 'restore', 'restore']);
  });
});
