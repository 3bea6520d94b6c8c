import { createParser } from './claude-stream.ts';
import type { Assignment, Invocation, Provider, Variable } from './provider.ts';
import { PROXY_VARIABLES, pickVariables } from './variables.ts';

const VARIABLES: readonly Variable[] = [
  { name: 'ANTHROPIC_API_KEY', secret: true },
  { name: 'ANTHROPIC_AUTH_TOKEN', secret: true },
  { name: 'CLAUDE_CODE_OAUTH_TOKEN', secret: true },
  { name: 'ANTHROPIC_BASE_URL', secret: false },
  ...PROXY_VARIABLES,
];

/** The longest one request may take; with its retries, less than a task may take by default. Milliseconds. */
const REQUEST_MS = 300_000;

/** Claude Code, by `claude -p`. */
export const claude: Provider = {
  name: 'claude',
  executable: 'claude',
  installation: 'npm install --global @anthropic-ai/claude-code',
  authentication: 'set ANTHROPIC_API_KEY, or CLAUDE_CODE_OAUTH_TOKEN to what `claude setup-token` prints',
  profile: 'agent',
  variables: VARIABLES,
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
      'dontAsk', // skipping all permissions is refused to root
      '--allowedTools',
      'Bash,Edit,Write,Read',
      '--no-session-persistence',
      ...(model === undefined ? [] : ['--model', model]),
      ...args,
    ],
    // Without CLAUDE_CODE_SUBPROCESS_ENV_SCRUB: it starts a second sandbox, which needs socat, leaves files in the
    // worktree, and refuses every command where it cannot start.
    env: {
      ...pickVariables(VARIABLES, assignment.variables),
      CLAUDE_CONFIG_DIR: stateDirectory,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '2', // else a wrong key is tried eleven times
      API_TIMEOUT_MS: String(REQUEST_MS),
      DISABLE_AUTOUPDATER: '1',
    },
    stdin: assignment.prompt,
    files: {},
  };
}
