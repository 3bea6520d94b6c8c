import { createParser } from './claude-stream.ts';
import type { Assignment, Invocation, Price, Provider, Variable } from './provider.ts';
import { PROXY_VARIABLES, pickVariables } from './variables.ts';

const VARIABLES: readonly Variable[] = [
  { name: 'ANTHROPIC_API_KEY', secret: true },
  { name: 'ANTHROPIC_AUTH_TOKEN', secret: true },
  { name: 'CLAUDE_CODE_OAUTH_TOKEN', secret: true },
  { name: 'ANTHROPIC_BASE_URL', secret: false },
  ...PROXY_VARIABLES,
];

/** Time limit of one request; with its retries, less than the default time limit of a task. Milliseconds. */
const REQUEST_MS = 300_000;

/**
 * As of 2026-11-28, from platform.claude.com (models, pricing) or copies of it. Claude Code mostly pays the higher price
 * for writing a cache.
 */
const PRICES: Readonly<Record<string, Price>> = {
  'claude-fable-5-1': [10, 50, 0.25, 20],
  'claude-fable-5': [10, 50, 1, 20],
  'claude-mythos-5-1': [10, 50, 0.25, 20],
  'claude-mythos-5': [10, 50, 1, 20],
  'claude-opus-5-5': [4, 20, 0.2, 8],
  'claude-opus-5': [5, 25, 0.5, 10],
  'claude-opus-4-8': [5, 25, 0.5, 10],
  'claude-opus-4-7': [5, 25, 0.5, 10],
  'claude-opus-4-6': [5, 25, 0.5, 10],
  'claude-opus-4-5': [5, 25, 0.5, 10],
  'claude-opus-4-1': [15, 75, 1.5, 30],
  'claude-opus-4': [15, 75, 1.5, 30],
  'claude-sonnet-5-5': [2, 10, 0.2, 4],
  'claude-sonnet-5': [2, 10, 0.2, 4],
  'claude-sonnet-4-6': [3, 15, 0.3, 6],
  'claude-sonnet-4-5': [3, 15, 0.3, 6],
  'claude-sonnet-4': [3, 15, 0.3, 6],
  'claude-3-7-sonnet': [3, 15, 0.3, 6],
  'claude-haiku-5-5': [0.5, 2.5, 0.05, 1], // long prompts; short ones cost a fifth
  'claude-haiku-4-5': [1, 5, 0.1, 2],
  'claude-3-5-haiku': [0.8, 4, 0.08, 1.6],
};

/** Claude Code, started as `claude -p`. */
export const claude: Provider = {
  name: 'claude',
  title: 'Claude Code',
  executable: 'claude',
  installation: { package: '@anthropic-ai/claude-code', version: 'latest', setup: 'install.cjs' },
  authentication: 'set ANTHROPIC_API_KEY, or CLAUDE_CODE_OAUTH_TOKEN to what `claude setup-token` prints',
  profile: 'agent',
  variables: VARIABLES,
  steeredBy: ['CLAUDE.md', 'CLAUDE.local.md', '.claude', '.mcp.json'],
  prices: PRICES,
  invocation,
  createParser,
};

function invocation(assignment: Assignment): Invocation {
  const { model, args = [], command, stateDirectory } = assignment;
  return {
    executable: command ?? claude.executable,
    args: [
      '-p',
      '--output-format',
      'stream-json',
      '--verbose',
      '--permission-mode',
      'dontAsk', // the CLI refuses to skip all permissions when it runs as root
      '--allowedTools',
      'Bash,Edit,Write,Read',
      '--no-session-persistence',
      ...(model === undefined ? [] : ['--model', model]),
      ...args,
    ],
    // CLAUDE_CODE_SUBPROCESS_ENV_SCRUB stays unset: it starts a second sandbox, which needs socat, leaves files in the
    // worktree, and refuses every command where it cannot start.
    env: {
      ...pickVariables(VARIABLES, assignment.variables),
      CLAUDE_CONFIG_DIR: stateDirectory,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '2', // the default tries a wrong key eleven times
      API_TIMEOUT_MS: String(REQUEST_MS),
      DISABLE_AUTOUPDATER: '1',
    },
    stdin: assignment.prompt,
    files: {},
  };
}
