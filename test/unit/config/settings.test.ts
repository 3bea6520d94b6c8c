import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { PROVIDER_NAMES } from '../../../src/config/schema.ts';
import {
  readLocalSettings,
  readOldNames,
  readSettings,
  settingsSchema,
} from '../../../src/config/settings.ts';
import { ChooError } from '../../../src/errors.ts';

/** The error these variables are refused with; undefined when they are not. */
function refusal(environment: Readonly<Record<string, string>>): ChooError | undefined {
  try {
    readSettings(environment);
    return undefined;
  } catch (error) {
    if (error instanceof ChooError) return error;
    throw error;
  }
}

/** What holds where no ceiling is set. */
const CEILINGS = {
  CHOO_MAX_COST_RUN: 100,
  CHOO_MAX_COST_INSTALLATION_DAY: 200,
  CHOO_MAX_COST_DAY: 500,
  CHOO_MAX_TOKENS_RUN: 50_000_000,
  CHOO_MAX_TOKENS_INSTALLATION_DAY: 100_000_000,
  CHOO_MAX_TOKENS_DAY: 250_000_000,
  CHOO_MAX_PARALLELISM: 16,
  CHOO_MAX_RUN_UNITS: 1_000,
  CHOO_MAX_PULL_REQUESTS: 50,
  CHOO_MAX_ATTEMPTS: 10,
  CHOO_MAX_TASK_TIME: 7_200_000,
  CHOO_MAX_GATE_TIME: 1_800_000,
};

describe('an empty environment', () => {
  test('has a default for each setting that needs one', () => {
    expect(readSettings({})).toEqual({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      CHOO_SANDBOX: 'bubblewrap',
      CHOO_SANDBOX_READ: [],
      CHOO_SANDBOX_ENV: [],
      CHOO_SETUP_SECRETS: [],
      CHOO_ALLOWED_COMMANDS: [],
      CHOO_DATA_DIR: '/var/lib/choo',
      CHOO_CONCURRENCY: availableParallelism(),
      CHOO_SLOT_SECONDS: 600,
      CHOO_RETENTION_DAYS: 30,
      CHOO_AUDIT_DAYS: 400,
      CHOO_SETTLE_SECONDS: 30,
      CHOO_MIN_FREE_GIB: 1,
      CHOO_DRAIN_SECONDS: 60,
      GHE_PROTOCOL: 'https',
      CHOO_ALLOWED_BOTS: [],
      CHOO_OPERATORS: [],
      CHOO_WRITE_PAUSE_MS: 1_000,
      ...CEILINGS,
    });
  });

  test('is the same as one of empty variables', () => {
    const empty = Object.fromEntries(Object.keys(settingsSchema.shape).map((name) => [name, '']));
    expect(readSettings(empty)).toEqual(readSettings({}));
  });
});

describe('a setting', () => {
  test('is read as what it means', () => {
    expect(
      readSettings({
        PATH: '/opt/bin',
        CHOO_PROVIDER: 'codex',
        RALPH_PROVIDER: 'gemini',
        CHOO_SANDBOX: 'host',
        CHOO_SANDBOX_READ: '/data/tools, /data/more',
        CHOO_SANDBOX_ENV: 'TOOL_MODE',
        CHOO_SETUP_SECRETS: 'NPM_TOKEN@acme',
        CHOO_ALLOWED_COMMANDS: '0123456789abcdef',
        CHOO_DATA_DIR: '/data',
        DATABASE_URL: 'postgresql://db.internal/choo',
        CHOO_CONCURRENCY: '1000',
        CHOO_MAX_UNITS: '1',
        CHOO_SLOT_SECONDS: '5',
        CHOO_RETENTION_DAYS: '007',
        CHOO_DRAIN_SECONDS: '0',
        APP_ID: '4711',
        PRIVATE_KEY: String.raw`-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n`,
        WEBHOOK_SECRET: 'sixteen letters!',
        CHOO_OPERATORS: '583231',
        GITHUB_CLIENT_ID: 'Iv1.8a61f9b3a7aba766',
        GITHUB_CLIENT_SECRET: 'a-client-secret-of-24-ch',
        CHOO_URL: 'https://Choo.example.com/',
        GHE_HOST: 'github.internal:8443',
        GHE_PROTOCOL: 'http',
        CHOO_ALLOWED_BOTS: '41898282, 7',
        CHOO_WRITE_PAUSE_MS: '0',
      }),
    ).toEqual({
      ...CEILINGS,
      PATH: '/opt/bin',
      CHOO_PROVIDER: 'codex',
      RALPH_PROVIDER: 'gemini',
      CHOO_SANDBOX: 'host',
      CHOO_SANDBOX_READ: ['/data/tools', '/data/more'],
      CHOO_SANDBOX_ENV: ['TOOL_MODE'],
      CHOO_SETUP_SECRETS: [{ name: 'NPM_TOKEN', scope: 'acme' }],
      CHOO_ALLOWED_COMMANDS: ['0123456789abcdef'],
      CHOO_DATA_DIR: '/data',
      DATABASE_URL: 'postgresql://db.internal/choo',
      CHOO_CONCURRENCY: 1000,
      CHOO_MAX_UNITS: 1,
      CHOO_SLOT_SECONDS: 5,
      CHOO_RETENTION_DAYS: 7,
      CHOO_AUDIT_DAYS: 400,
      CHOO_SETTLE_SECONDS: 30,
      CHOO_MIN_FREE_GIB: 1,
      CHOO_DRAIN_SECONDS: 0,
      APP_ID: 4711,
      PRIVATE_KEY: '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----',
      WEBHOOK_SECRET: 'sixteen letters!',
      GHE_HOST: 'github.internal:8443',
      GHE_PROTOCOL: 'http',
      CHOO_ALLOWED_BOTS: [41_898_282, 7],
      CHOO_OPERATORS: [583_231],
      GITHUB_CLIENT_ID: 'Iv1.8a61f9b3a7aba766',
      GITHUB_CLIENT_SECRET: 'a-client-secret-of-24-ch',
      CHOO_URL: 'https://choo.example.com',
      CHOO_WRITE_PAUSE_MS: 0,
    });
  });

  test('that is a list has commas between its words, and blanks do not matter', () => {
    const settings = readSettings({
      CHOO_ALLOWED_PROVIDERS: ' claude , codex,',
      CHOO_ALLOWED_MODELS: 'large, small,,tiny',
    });
    expect(settings).toMatchObject({
      CHOO_ALLOWED_PROVIDERS: ['claude', 'codex'],
      CHOO_ALLOWED_MODELS: ['large', 'small', 'tiny'],
    });
  });

  test('that choo does not know is none of its business', () => {
    const settings = readSettings({ HOME: '/home', CHOO_OTHER: 'x', TERM: '' });
    expect(settings).toEqual(readSettings({}));
  });
});

describe('a bad value', () => {
  test.each([
    ['CHOO_PROVIDER', 'cluade', `one of ${PROVIDER_NAMES.join(', ')}`],
    ['RALPH_PROVIDER', 'Claude', `one of ${PROVIDER_NAMES.join(', ')}`],
    ['CHOO_ALLOWED_PROVIDERS', 'claude,copilot', `one of ${PROVIDER_NAMES.join(', ')}`],
    ['CHOO_SANDBOX', 'docker', 'bubblewrap or host'],
    ['CHOO_ALLOWED_COMMANDS', 'claude', 'hashes, as `choo run` prints them'],
    ['CHOO_CONCURRENCY', '0', 'a whole number from 1 to 1000'],
    ['CHOO_CONCURRENCY', '1001', 'a whole number from 1 to 1000'],
    ['CHOO_CONCURRENCY', 'two', 'a whole number from 1 to 1000'],
    ['CHOO_MAX_UNITS', '-1', 'a whole number from 1 to 100000'],
    ['CHOO_RETENTION_DAYS', '1.5', 'a whole number from 1 to 36500'],
    ['CHOO_DRAIN_SECONDS', ' 1', 'a whole number from 0 to 86400'],
  ])('is refused with what it must be: %s=%s', (name, value, expected) => {
    expect(refusal({ [name]: value })).toMatchObject({
      code: 'environment',
      message: `${name} must be ${expected}, not \`${value}\``,
      hint: 'change or unset it and start again',
    });
  });

  test('is named together with every other, in one error', () => {
    const error = refusal({
      CHOO_PROVIDER: 'x',
      CHOO_SANDBOX: 'none',
      CHOO_CONCURRENCY: 'many',
      CHOO_MAX_UNITS: '5',
      CHOO_DRAIN_SECONDS: 'soon',
    });
    expect(error?.code).toBe('environment');
    expect(error?.message.split('; ').map((each) => each.split(' ')[0])).toEqual([
      'CHOO_PROVIDER',
      'CHOO_SANDBOX',
      'CHOO_CONCURRENCY',
      'CHOO_DRAIN_SECONDS',
    ]);
  });

  test('is named once, however many of its words are wrong', () => {
    expect(refusal({ CHOO_ALLOWED_PROVIDERS: 'a,b' })?.message.split('; ')).toHaveLength(1);
  });

  test('of a database URL is not repeated, because it may hold a password', () => {
    const error = refusal({ DATABASE_URL: 'mysql://app:hunter2@db/app' });
    expect(error?.message).toContain('DATABASE_URL must be a PostgreSQL URL');
    expect(error?.message).not.toContain('hunter2');
  });
});

describe('a setting that was renamed', () => {
  const OLD = { CHOO_PROVIDERS: 'claude', CHOO_MODELS: 'large', CHOO_BOTS: '7' };

  test('is read by its old name, and that is found', () => {
    expect(readSettings(OLD)).toMatchObject({
      CHOO_ALLOWED_PROVIDERS: ['claude'],
      CHOO_ALLOWED_MODELS: ['large'],
      CHOO_ALLOWED_BOTS: [7],
    });
    expect(readLocalSettings(OLD)).toMatchObject({ CHOO_ALLOWED_PROVIDERS: ['claude'] });
    expect(readOldNames({ ...OLD, CHOO_BOTS: '' })).toEqual([
      { old: 'CHOO_PROVIDERS', name: 'CHOO_ALLOWED_PROVIDERS' },
      { old: 'CHOO_MODELS', name: 'CHOO_ALLOWED_MODELS' },
    ]);
    expect(readOldNames({ CHOO_ALLOWED_PROVIDERS: 'claude' })).toEqual([]);
  });

  test('may have both names with one value', () => {
    expect(readSettings({ ...OLD, CHOO_ALLOWED_PROVIDERS: 'claude', CHOO_ALLOWED_MODELS: '' })).toMatchObject(
      { CHOO_ALLOWED_PROVIDERS: ['claude'], CHOO_ALLOWED_MODELS: ['large'] },
    );
  });

  test('is refused where its names have different values', () => {
    const both = { ...OLD, CHOO_ALLOWED_BOTS: '8' };
    expect(refusal(both)).toMatchObject({
      code: 'environment',
      message: 'CHOO_ALLOWED_BOTS and CHOO_BOTS, its old name, have different values',
      hint: 'unset CHOO_BOTS',
    });
    // It is no business of a local command.
    expect(readLocalSettings(both)).toMatchObject({ CHOO_ALLOWED_PROVIDERS: ['claude'] });
  });

  test('is named as it was set where its value is bad', () => {
    expect(refusal({ CHOO_PROVIDERS: 'copilot' })?.message).toMatch(
      /^CHOO_PROVIDERS must be .*, not `copilot`$/,
    );
  });
});
