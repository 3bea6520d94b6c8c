import { z } from 'zod';
import { explainFailure } from './outcome/provider-error.ts';
import type {
  AgentEvent,
  Assignment,
  Invocation,
  LineParser,
  Price,
  Provider,
  Variable,
} from './provider.ts';
import {
  anyList,
  anything,
  count,
  cut,
  optionalText,
  readLine,
  readValue,
  textEvents,
  toolEvent,
} from './stream.ts';
import { PROXY_VARIABLES, pickVariables } from './variables.ts';

const VARIABLES: readonly Variable[] = [
  { name: 'CODEX_API_KEY', secret: true },
  { name: 'OPENAI_API_KEY', secret: true },
  { name: 'OPENAI_BASE_URL', secret: false },
  ...PROXY_VARIABLES,
];

/** As of 2026-11-28, from developers.openai.com (models, pricing) or copies of it. */
const PRICES: Readonly<Record<string, Price>> = {
  'gpt-6.2-astra': [8, 40, 0.4, 10],
  'gpt-6.2-sol': [2, 10, 0.1, 2.5],
  'gpt-6.1-sol': [2, 10, 0.1, 2.5],
  'gpt-6-astra': [10, 50, 1, 12.5],
  'gpt-6-sol': [2, 10, 0.2, 2.5],
  'gpt-6-luna': [0.1, 0.5, 0.01, 0.125],
  'gpt-5.6-sol': [5, 30, 0.5, 6.25],
  'gpt-5.6-terra': [2, 12, 0.2, 2.5],
  'gpt-5.6-luna': [0.2, 1.2, 0.02, 0.25],
  'gpt-5.5-pro': [30, 180, 30, 30],
  'gpt-5.5': [5, 30, 0.5, 5],
  'gpt-5.4-pro': [30, 180, 30, 30],
  'gpt-5.4-mini': [0.75, 4.5, 0.075, 0.75],
  'gpt-5.4-nano': [0.2, 1.25, 0.02, 0.2],
  'gpt-5.4': [2.5, 15, 0.25, 2.5],
  'gpt-5.3-codex': [1.75, 14, 0.175, 1.75],
  'gpt-5.2-pro': [21, 168, 21, 21],
  'gpt-5.2': [1.75, 14, 0.175, 1.75],
  'gpt-5.1-codex-mini': [0.25, 2, 0.025, 0.25],
  'gpt-5.1': [1.25, 10, 0.125, 1.25],
  'gpt-5-pro': [15, 120, 15, 15],
  'gpt-5-mini': [0.25, 2, 0.025, 0.25],
  'gpt-5-nano': [0.05, 0.4, 0.005, 0.05],
  'gpt-5': [1.25, 10, 0.125, 1.25],
  'codex-mini-latest': [1.5, 6, 0.375, 1.5],
  'gpt-4.1-mini': [0.4, 1.6, 0.1, 0.4],
  'gpt-4.1-nano': [0.1, 0.4, 0.025, 0.1],
  'gpt-4.1': [2, 8, 0.5, 2],
  'o4-mini': [1.1, 4.4, 0.275, 1.1],
  o3: [2, 8, 0.5, 2],
};

/** Codex, started as `codex exec`. */
export const codex: Provider = {
  name: 'codex',
  title: 'Codex',
  executable: 'codex',
  installation: { package: '@openai/codex', version: 'latest' },
  authentication: 'set CODEX_API_KEY or OPENAI_API_KEY',
  profile: 'agent',
  variables: VARIABLES,
  steeredBy: ['AGENTS.md', 'AGENTS.override.md', '.codex'],
  prices: PRICES,
  invocation,
  createParser,
};

function invocation(assignment: Assignment): Invocation {
  const { model, args = [], command, cwd, stateDirectory, sandboxed } = assignment;
  const {
    OPENAI_BASE_URL: endpoint,
    OPENAI_API_KEY: general,
    ...given
  } = pickVariables(VARIABLES, assignment.variables);
  const key = given['CODEX_API_KEY'] ?? general; // codex exec reads only this one
  return {
    executable: command ?? codex.executable,
    args: [
      'exec',
      '--json',
      '--ephemeral',
      '--skip-git-repo-check',
      '-C',
      cwd,
      '-s',
      sandboxed ? 'danger-full-access' : 'workspace-write', // Codex's own sandbox does not start inside another one
      '-c',
      'shell_environment_policy.inherit=core',
      ...(endpoint === undefined ? [] : endpointArgs(endpoint)),
      ...(model === undefined ? [] : ['-m', model]),
      ...args,
      '-',
    ],
    env: { ...given, ...(key === undefined ? {} : { CODEX_API_KEY: key }), CODEX_HOME: stateDirectory },
    stdin: assignment.prompt,
    files: {},
  };
}

/** Arguments that define the operator's endpoint as a model provider. TOML, in which a JSON string is a string, too. */
function endpointArgs(endpoint: string): readonly string[] {
  const fields = [
    'name="choo"',
    `base_url=${JSON.stringify(endpoint)}`,
    'env_key="CODEX_API_KEY"',
    'wire_api="responses"',
    'request_max_retries=2',
    'stream_max_retries=2',
  ];
  return ['-c', 'model_provider=choo', '-c', `model_providers.choo={${fields.join(',')}}`];
}

const itemSchema = z.object({
  type: optionalText,
  text: optionalText,
  command: anything,
  query: anything,
  tool: optionalText,
  arguments: anything,
  changes: anyList,
});
const changeSchema = z.object({ path: optionalText });
/** When a rate limit resets: seconds since 1970, or seconds from now. */
const resetFields = {
  resets_at: z.number().positive().max(1e11).optional().catch(undefined),
  resets_in_seconds: z.number().nonnegative().max(1e9).optional().catch(undefined),
};
type ResetFields = { readonly [name in keyof typeof resetFields]?: number | undefined };

const usageSchema = z.object({
  input_tokens: count,
  cached_input_tokens: count,
  cache_write_input_tokens: count,
  output_tokens: count,
});
const lineSchema = z.object({
  type: z.string(),
  item: itemSchema.optional().catch(undefined),
  usage: usageSchema.optional().catch(undefined),
  message: optionalText,
  ...resetFields,
  error: z
    .object({ message: optionalText, ...resetFields })
    .optional()
    .catch(undefined),
});

/** Reads `--json`. */
function createParser(now: () => number = Date.now): LineParser {
  const failure = (message: string, fields: ResetFields = {}) => {
    const explained = explainFailure(message, now());
    const { resets_at: at, resets_in_seconds: seconds } = fields;
    if (at === undefined && seconds === undefined) return explained;
    // Only a rate limit resets.
    const resetsAt = at === undefined ? now() + (seconds ?? 0) * 1_000 : at * 1_000;
    return { ...explained, trouble: 'rate-limited' as const, resetsAt: Math.round(resetsAt) };
  };
  return (text) => {
    const line = readLine(text, lineSchema);
    if (line === undefined) return [];
    switch (line.type) {
      case 'item.started':
        return itemEvents(line.item, 'started');
      case 'item.completed':
        return itemEvents(line.item, 'completed');
      case 'turn.completed':
        return [
          ...usageEvents(line.usage),
          { type: 'result', trouble: undefined, message: '', resetsAt: null },
        ];
      case 'turn.failed':
        return [{ type: 'result', ...failure(cut(line.error?.message ?? 'the turn failed'), line.error) }];
      case 'error':
        return [{ type: 'trouble', ...failure(cut(line.message ?? 'an error without a message'), line) }];
      default:
        return [];
    }
  };
}

/** Reports a command when it starts, because it may take long; every other item when it is complete. */
function itemEvents(
  item: z.output<typeof itemSchema> | undefined,
  phase: 'started' | 'completed',
): readonly AgentEvent[] {
  if (item === undefined) return [];
  if (item.type === 'command_execution') {
    return phase === 'started' ? [toolEvent('shell', { command: item.command })] : [];
  }
  if (phase === 'started') return [];
  switch (item.type ?? '') {
    case 'agent_message':
      return textEvents(item.text);
    case 'file_change':
      return item.changes
        .slice(0, MAX_CHANGES)
        .map((change) => toolEvent('edit', readValue(change, changeSchema)));
    case 'mcp_tool_call':
      return [toolEvent(item.tool ?? 'mcp', item.arguments)];
    case 'web_search':
      return [toolEvent('search', { query: item.query })];
    default:
      return []; // such as `error`: a warning, for example about an unknown model
  }
}

/** The maximum number of files that are reported of one change. */
const MAX_CHANGES = 50;

/** The usage of the whole conversation. `input_tokens` includes cached tokens. */
function usageEvents(usage: z.output<typeof usageSchema> | undefined): readonly AgentEvent[] {
  if (usage === undefined) return [];
  const { input_tokens: all, cached_input_tokens: cacheRead, cache_write_input_tokens: cacheWrite } = usage;
  const tokens = {
    input: Math.max(0, all - cacheRead - cacheWrite),
    output: usage.output_tokens,
    cacheRead,
    cacheWrite,
  };
  return [{ type: 'usage', tokens, costUsd: null, models: [] }];
}
