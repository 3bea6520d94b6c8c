import { describe, expect, test } from 'vitest';
import { ceilingsOf } from '../../../src/config/ceilings.ts';
import { clampConfig, applyCeilings } from '../../../src/config/apply-ceilings.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { DEFAULT_CONFIG } from '../../../src/config/schema.ts';
import { readLocalSettings, readSettings } from '../../../src/config/settings.ts';

function load(text: string) {
  const content = Buffer.from(text);
  return loadConfig([{ path: '.choo.yml', size: content.byteLength, content }]);
}

describe('the ceilings', () => {
  test('of a server take nothing from a repository that says nothing, but limit the cost', () => {
    const { config, clamps } = clampConfig(DEFAULT_CONFIG, ceilingsOf(readSettings({})));
    expect(clamps).toEqual([]);
    expect(config).toEqual({ ...DEFAULT_CONFIG, limits: { ...DEFAULT_CONFIG.limits, run_cost: 100 } });
  });

  test('of a laptop hold only where they are set', () => {
    expect(clampConfig(DEFAULT_CONFIG, ceilingsOf(readLocalSettings({}))).config).toEqual(DEFAULT_CONFIG);
    const set = ceilingsOf(readLocalSettings({ CHOO_MAX_ATTEMPTS: '2', CHOO_MAX_TASK_TIME: '90s' }));
    const { limits } = clampConfig(DEFAULT_CONFIG, set).config;
    expect(limits).toMatchObject({ attempts: 2, task_timeout: 90_000, idle_timeout: 90_000 });
    expect(limits.run_cost).toBeUndefined();
  });

  test('that an operator takes away hold no longer', () => {
    const none = readSettings({ CHOO_MAX_COST_RUN: 'none', CHOO_MAX_TASK_TIME: 'none' });
    const greedy = load('limits: { run_cost: 1000000, task_timeout: 24h }\n');
    expect(applyCeilings(greedy, ceilingsOf(none))).toEqual(greedy);
  });

  test('are told where the file asks for more, and nowhere else', () => {
    const text =
      'parallelism: 100\nlimits:\n  attempts: 3\n  run_cost: 250.5\n  task_timeout: 24h\n  run_tokens: 10000000000\n';
    const held = applyCeilings(load(text), ceilingsOf(readSettings({ CHOO_MAX_COST_RUN: '12.50' })));
    expect(held.problems.map(({ line, column, message }) => `${line}:${column} ${message}`).sort()).toEqual([
      '1:14 `parallelism` asks for 100: the operator allows 16',
      '4:13 `limits.run_cost` asks for $250.5: the operator allows $12.5',
      '5:17 `limits.task_timeout` asks for 24h: the operator allows 2h',
      '6:15 `limits.run_tokens` asks for 10,000,000,000: the operator allows 50,000,000',
    ]);
    expect(held.problems.every(({ severity }) => severity === 'notice')).toBe(true);
    // What is held once is held.
    expect(applyCeilings(held, ceilingsOf(readSettings({ CHOO_MAX_COST_RUN: '12.50' })))).toEqual(held);
  });

  test.each([
    ['CHOO_MAX_COST_RUN', '0', 'an amount in US dollars, more than 0, or `none`'],
    ['CHOO_MAX_COST_DAY', '1e3', 'an amount in US dollars, `12.50`, or `none`'],
    ['CHOO_MAX_COST_DAY', '-1', 'an amount in US dollars, `12.50`, or `none`'],
    ['CHOO_MAX_TOKENS_RUN', '0', 'a whole number from 1 to 1000000000000, or `none`'],
    ['CHOO_MAX_PARALLELISM', '1.5', 'a whole number from 1 to 100000, or `none`'],
    ['CHOO_MAX_GATE_TIME', '25h', 'a duration of at most `24h`'],
    ['CHOO_MAX_TASK_TIME', 'soon', 'a duration of at most `24h`, for example `90s`, `5m` or `2h`, or `none`'],
  ])('%s is not %s', (name, value, wanted) => {
    expect(() => readSettings({ [name]: value })).toThrow(`${name} must be ${wanted}, not \`${value}\``);
    expect(() => readLocalSettings({ [name]: value })).toThrow(`${name} must be ${wanted}`);
  });
});
