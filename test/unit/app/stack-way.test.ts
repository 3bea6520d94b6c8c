import { describe, expect, test } from 'vitest';
import { chooseStackWay } from '../../../src/app/repository/stack-way.ts';

const ALL = { allow_squash_merge: true, allow_merge_commit: true, allow_rebase_merge: true };
const LINEAR = [{ type: 'required_linear_history' }];
const only = (...allowed_merge_methods: string[]) => [
  { type: 'deletion' },
  { type: 'pull_request', parameters: { allowed_merge_methods } },
];

describe('branches are brought up to date', () => {
  test.each<[string, Parameters<typeof chooseStackWay>[0], Partial<Parameters<typeof chooseStackWay>[1]>]>([
    ['where all is allowed', ALL, {}],
    ['where GitHub does not say what is', {}, {}],
    ['where squash is allowed', { ...ALL, allow_merge_commit: false }, {}],
    ['where merge commits are', { ...ALL, allow_squash_merge: false }, {}],
    ['where the target must be linear, and squash is left', ALL, { target: LINEAR }],
    [
      'where only squash is left',
      { ...ALL, allow_rebase_merge: false },
      { target: only('squash', 'rebase') },
    ],
    ['where nothing is left', { ...ALL, allow_rebase_merge: false }, { target: only('rebase') }],
    ['where a rule names no method', ALL, { target: [{ type: 'pull_request', parameters: {} }] }],
  ])('by merges %s', (_, settings, rules) => {
    expect(chooseStackWay(settings, { target: [], unit: [], ...rules })).toBe('merge');
  });

  test.each<[string, Parameters<typeof chooseStackWay>[0], Partial<Parameters<typeof chooseStackWay>[1]>]>([
    ['where only that is allowed', { ...ALL, allow_squash_merge: false, allow_merge_commit: false }, {}],
    ['where the target must be linear as well', { ...ALL, allow_squash_merge: false }, { target: LINEAR }],
    ['where unit branches must be linear', ALL, { unit: LINEAR }],
    ['where a rule leaves nothing else', ALL, { target: [...only('rebase', 'squash'), ...only('rebase')] }],
  ])('by rebase %s', (_, settings, rules) => {
    expect(chooseStackWay(settings, { target: [], unit: [], ...rules })).toBe('rebase');
  });
});
