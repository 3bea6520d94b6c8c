import { describe, expect, test } from 'vitest';
import { PROVIDER_NAMES } from '../../../src/config/schema.ts';
import type { Assignment, Invocation } from '../../../src/provider/provider.ts';
import { createProvider } from '../../../src/provider/by-name.ts';

const FILE = {
  path: 'specs/tasks/a/01-b.md',
  content: new TextEncoder().encode('```sh rehearsal\ntrue\n```\n'),
  frontMatter: { fields: new Map(), start: 0, end: 0, bodyStart: 0, braces: false },
};

function invoke(name: string, assignment: Partial<Assignment> = {}): Invocation {
  return createProvider(name).invocation({
    prompt: 'Do it.',
    task: { title: 'A task', file: FILE },
    cwd: '/work',
    stateDirectory: '/state',
    variables: {},
    sandboxed: true,
    ...assignment,
  });
}

describe('the invocation of claude', () => {
  test('is the line that was measured', () => {
    expect(invoke('claude')).toEqual({
      executable: 'claude',
      args: [
        '-p',
        '--output-format',
        'stream-json',
        '--verbose',
        '--permission-mode',
        'dontAsk',
        '--allowedTools',
        'Bash,Edit,Write,Read',
        '--no-session-persistence',
      ],
      env: {
        CLAUDE_CONFIG_DIR: '/state',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        CLAUDE_CODE_MAX_RETRIES: '2',
        API_TIMEOUT_MS: '300000',
        DISABLE_AUTOUPDATER: '1',
      },
      stdin: 'Do it.',
      files: {},
    });
  });
});

describe('the invocation of codex', () => {
  test('is the line that was measured', () => {
    expect(invoke('codex')).toEqual({
      executable: 'codex',
      args: [
        'exec',
        '--json',
        '--ephemeral',
        '--skip-git-repo-check',
        '-C',
        '/work',
        '-s',
        'danger-full-access',
        '-c',
        'shell_environment_policy.inherit=core',
        '-',
      ],
      env: { CODEX_HOME: '/state' },
      stdin: 'Do it.',
      files: {},
    });
  });

  test("uses codex's own sandbox where there is no other", () => {
    expect(invoke('codex', { sandboxed: false }).args).toContain('workspace-write');
  });

  test.each([
    [{ OPENAI_API_KEY: 'general' }, 'general'],
    [{ CODEX_API_KEY: 'own' }, 'own'],
    [{ CODEX_API_KEY: 'own', OPENAI_API_KEY: 'general' }, 'own'],
    [{ CODEX_API_KEY: '', OPENAI_API_KEY: 'general' }, 'general'],
  ])('gives it one key of %j', (variables, key) => {
    expect(invoke('codex', { variables }).env).toEqual({ CODEX_HOME: '/state', CODEX_API_KEY: key });
  });

  test('names an endpoint of its own, and no key', () => {
    const { args } = invoke('codex', {
      variables: { OPENAI_BASE_URL: 'http://h/"v1', OPENAI_API_KEY: 'sk-secret' },
    });
    expect(args).toContain('model_provider=choo');
    expect(args.find((arg) => arg.startsWith('model_providers.choo='))).toBe(
      String.raw`model_providers.choo={name="choo",base_url="http://h/\"v1",env_key="CODEX_API_KEY",wire_api="responses",request_max_retries=2,stream_max_retries=2}`,
    );
    expect(args.join(' ')).not.toContain('sk-secret');
  });
});

describe('the invocation of gemini', () => {
  test('is headless, by its standard input, with its settings in the state directory', () => {
    const { args, env, stdin, files } = invoke('gemini');
    expect(args).toEqual(['--output-format', 'stream-json', '--approval-mode', 'yolo']);
    expect(env).toEqual({ GEMINI_CLI_HOME: '/state', GEMINI_CLI_TRUST_WORKSPACE: 'true' });
    expect(stdin).toBe('Do it.');
    expect(JSON.parse(files['.gemini/settings.json'] ?? '')).toMatchObject({
      security: { auth: { selectedType: 'gemini-api-key' } },
      general: { maxAttempts: 3 },
    });
  });
});

describe('the invocation of opencode', () => {
  test('has its configuration and its state in the state directory', () => {
    const { args, env, stdin, files } = invoke('opencode', { model: 'anthropic/claude-sonnet' });
    expect(args).toEqual(['run', '--format', 'json', '--model', 'anthropic/claude-sonnet']);
    expect(env).toMatchObject({ OPENCODE_CONFIG: '/state/opencode.json', XDG_DATA_HOME: '/state/data' });
    expect(stdin).toBe('Do it.');
    expect(JSON.parse(files['opencode.json'] ?? '')).toEqual({
      autoupdate: false,
      share: 'disabled',
      permission: { '*': 'allow' },
    });
  });

  test('names an endpoint of its own, the key by its variable', () => {
    const variables = { OPENAI_BASE_URL: 'http://h/v1', OPENAI_API_KEY: 'sk-secret' };
    const { args, files } = invoke('opencode', { model: 'm', variables });
    expect(args).toContain('choo/m');
    expect(JSON.parse(files['opencode.json'] ?? '')).toMatchObject({
      provider: {
        choo: { options: { baseURL: 'http://h/v1', apiKey: '{env:OPENAI_API_KEY}' }, models: { m: {} } },
      },
    });
    expect(() => invoke('opencode', { variables })).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining('needs the name of a model'),
      }),
    );
  });
});

describe.each(PROVIDER_NAMES)('the invocation of %s', (name) => {
  const { variables: declared, executable } = createProvider(name);

  test('passes what it declares and nothing else, and shows no secret', () => {
    const variables = Object.fromEntries(
      declared.map((variable) => [variable.name, `value-of-${variable.name}`]),
    );
    const invocation = invoke(name, { model: 'm', variables: { ...variables, GITHUB_TOKEN: 'ghs_x' } });
    const shown = JSON.stringify([invocation.args, invocation.files, invocation.executable]);
    for (const variable of declared.filter(({ secret }) => secret)) {
      expect(shown).not.toContain(variables[variable.name]);
      expect(JSON.stringify(invocation.env)).toContain(
        name === 'codex' && variable.name === 'OPENAI_API_KEY'
          ? 'value-of-CODEX_API_KEY'
          : `value-of-${variable.name}`,
      );
    }
    expect(JSON.stringify(invocation)).not.toContain('ghs_x');
  });

  test('leaves out a variable that is empty', () => {
    const variables = Object.fromEntries(declared.map((variable) => [variable.name, '']));
    expect(invoke(name, { variables })).toEqual(invoke(name));
  });

  test('starts another executable where one is configured', () => {
    expect(invoke(name).executable).toBe(executable);
    expect(invoke(name, { command: '/opt/agent' }).executable).toBe('/opt/agent');
  });

  test('takes more arguments', () => {
    expect(invoke(name, { args: ['--one', 'two words'] }).args.join('|')).toContain('--one|two words');
  });

  test('never has the prompt among its arguments, however long it is', () => {
    const args = invoke(name, { prompt: 'word '.repeat(100_000) }).args.join(' ');
    expect(args.length).toBeLessThan(2_000);
    expect(args).not.toContain('word');
  });
});

describe.each(PROVIDER_NAMES.filter((name) => createProvider(name).profile === 'agent'))(
  'the invocation of %s',
  (name) => {
    test('asks for the model', () => {
      expect(invoke(name, { model: 'some-model' }).args).toContain('some-model');
    });

    test('sends the prompt through its standard input', () => {
      expect(invoke(name, { prompt: 'word '.repeat(100_000) }).stdin).toBe('word '.repeat(100_000));
    });
  },
);
