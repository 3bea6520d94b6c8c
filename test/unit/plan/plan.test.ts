import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { ChooError } from '../../../src/errors.ts';
import { type Plan, planJsonSchema } from '../../../src/plan/schema.ts';
import { planOf, unitFiles } from '../../helpers/plan-of.ts';

const isPlan = new Ajv({ strict: false }).compile(planJsonSchema());

/** `base` is complete; `api` and `web` build on it, `app` on both. */
const WORLD = {
  ...unitFiles('base', { statuses: ['complete'] }),
  ...unitFiles('api', { dependsOn: ['base'], statuses: ['complete', 'pending', 'pending'] }),
  ...unitFiles('web', { dependsOn: ['base'], provider: 'codex' }),
  ...unitFiles('app', { dependsOn: ['api', 'web'] }),
};

describe('a plan', () => {
  test('puts unfinished units in waves, takes complete ones as satisfied, and follows its schema', async () => {
    const plan = await planOf(WORLD);
    expect(plan.waves).toEqual([['api', 'web'], ['app']]);
    expect(plan.units.map(({ id, state, wave }) => [id, state, wave])).toEqual([
      ['api', 'planned', 1],
      ['app', 'planned', 2],
      ['base', 'complete', null],
      ['web', 'planned', 1],
    ]);
    expect(plan.criticalPath).toEqual({ units: ['api', 'app'], tasks: 3 });
    expect(plan.runnable).toBe(true);
    expect(isPlan(plan), JSON.stringify(isPlan.errors)).toBe(true);
  });

  test('of named units holds what they need and leaves the rest out', async () => {
    const plan = await planOf(WORLD, { only: ['web'] });
    expect(plan.waves).toEqual([['web']]);
    expect(plan.units.filter(({ state }) => state === 'left-out').map(({ id }) => id)).toEqual([
      'api',
      'app',
    ]);
  });

  test('of a named complete unit only verifies it', async () => {
    const plan = await planOf(WORLD, { only: ['base'] });
    expect(plan.waves).toEqual([['base']]);
    expect(plan.units.find(({ id }) => id === 'base')?.state).toBe('verify');
    expect(plan.criticalPath.tasks).toBe(0);
  });

  test('of a unit that does not exist is a usage error with the nearest one', async () => {
    const failure = await planOf(WORLD, { only: ['appp'] }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ChooError);
    expect(failure).toMatchObject({ code: 'usage', hint: 'did you mean `app`?' });
  });

  test('records for each unit whose word its provider is', async () => {
    const files = { ...WORLD, '.choo.yml': 'provider: { type: gemini }\n' };
    const providers = (await planOf(files, { candidates: { request: 'opencode' } })).units.map(
      ({ id, provider }) => [id, provider?.name, provider?.source],
    );
    expect(providers).toEqual([
      ['api', 'opencode', 'request'],
      ['app', 'opencode', 'request'],
      ['base', undefined, undefined],
      ['web', 'codex', 'unit'],
    ]);
  });

  test('with a provider nobody knows, or nobody allows, cannot run', async () => {
    const files = { ...WORLD, ...unitFiles('web', { provider: 'codx' }) };
    expect((await planOf(files)).problems.list).toMatchObject([
      {
        code: 'provider-unknown',
        file: 'specs/tasks/web/IMPLEMENTATION_PLAN.md',
        line: 3,
        column: 11,
        hint: 'did you mean `codex`?',
      },
    ]);
    const forbidden = await planOf(WORLD, { allowedProviders: ['claude'] });
    expect(forbidden.problems.list).toMatchObject([
      { code: 'provider-forbidden', got: 'codex', hint: 'allowed here: claude' },
    ]);
    expect(forbidden.runnable).toBe(false);
    // A configured provider that is not allowed is said once, not for each unit.
    const configured = await planOf(
      { ...unitFiles('a'), ...unitFiles('b'), '.choo.yml': 'provider: { type: codex }\n' },
      { allowedProviders: ['claude'] },
    );
    expect(configured.problems.list).toMatchObject([{ code: 'provider-forbidden', file: '.choo.yml' }]);
  });

  test('with a broken unit shows what waits for it, and goes on with the rest', async () => {
    const files = { ...WORLD, 'specs/tasks/web/01-step.md': '---\ntask: x\n---\n' };
    const plan = await planOf(files);
    expect(plan.units.map(({ id, state }) => [id, state])).toEqual([
      ['api', 'planned'],
      ['app', 'stuck'],
      ['base', 'complete'],
      ['web', 'broken'],
    ]);
    expect(plan.waves).toEqual([['api']]);
    expect(plan.runnable).toBe(false);
    expect(isPlan(plan), JSON.stringify(isPlan.errors)).toBe(true);
  });

  test('with a cycle still shows the units outside of it', async () => {
    const files = {
      ...unitFiles('a', { dependsOn: ['b'] }),
      ...unitFiles('b', { dependsOn: ['a'] }),
      ...unitFiles('c'),
      ...unitFiles('d', { dependsOn: ['a', 'c'] }),
    };
    const plan = await planOf(files);
    expect(plan.units.map(({ id, state }) => [id, state])).toEqual([
      ['a', 'broken'],
      ['b', 'broken'],
      ['c', 'planned'],
      ['d', 'stuck'],
    ]);
  });

  test('reads specs where the configuration says, and with a broken one where the default says', async () => {
    const moved = Object.fromEntries(
      Object.entries(unitFiles('a')).map(([path, text]) => [path.replace('specs/tasks', 'plans'), text]),
    );
    expect((await planOf({ ...moved, '.choo.yml': 'specs_dir: plans\n' })).waves).toEqual([['a']]);
    const half = await planOf({ ...moved, '.choo.yml': 'specs_dir: plans\nparalelism: 3\n' });
    expect(half.waves).toEqual([['a']]);
    expect(half.problems.list).toMatchObject([{ code: 'config-unknown-key' }]);
    const broken = await planOf({ ...unitFiles('a'), '.choo.yml': 'specs_dir: [\n' });
    expect(broken.waves).toEqual([['a']]);
    expect(broken.problems.list).toMatchObject([{ code: 'config-yaml', file: '.choo.yml' }]);
  });
});

describe('a provider that cannot be used', () => {
  const named = (result: Plan) =>
    result.problems.list.map(({ code, file, severity }) => [severity, code, file]);

  test('is reported although the unit has other errors', async () => {
    const files = { ...unitFiles('api', { dependsOn: ['nobody'], provider: 'clade' }), ...unitFiles('web') };
    expect(named(await planOf(files))).toEqual(
      expect.arrayContaining([
        ['error', 'provider-unknown', 'specs/tasks/api/IMPLEMENTATION_PLAN.md'],
        ['error', 'unit-dependency-unknown', 'specs/tasks/api/IMPLEMENTATION_PLAN.md'],
      ]),
    );
    // Of units that nobody asked for nothing is said.
    const only = await planOf(files, { only: ['web'] });
    expect(only.problems.list.map(({ code }) => code)).not.toContain('provider-unknown');
  });

  test('is a warning to the operator where the server lacks its program or key', async () => {
    const missing = new Map([['codex', { message: 'it has no key', hint: 'set CODEX_API_KEY' }]] as const);
    const files = { ...unitFiles('api', { provider: 'codex' }), ...unitFiles('web') };
    const plan = await planOf(files, { missing });
    expect(plan.runnable).toBe(true);
    expect(plan.problems.list).toMatchObject([
      {
        severity: 'warning',
        code: 'provider-missing',
        file: 'specs/tasks/api/IMPLEMENTATION_PLAN.md',
        message: 'this server cannot start codex: it has no key',
        hint: 'the operator has to change that before a run: set CODEX_API_KEY',
      },
    ]);
  });
});
