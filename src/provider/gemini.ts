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
import { anything, count, cut, optionalText, readLine, textEvents, toolEvent } from './stream.ts';
import { PROXY_VARIABLES, pickVariables } from './variables.ts';

const VARIABLES: readonly Variable[] = [
  { name: 'GEMINI_API_KEY', secret: true },
  { name: 'GOOGLE_GEMINI_BASE_URL', secret: false },
  ...PROXY_VARIABLES,
];

/** Without `selectedType` the CLI exits with 41; its default of ten attempts takes minutes and prints nothing. */
const SETTINGS = {
  security: { auth: { selectedType: 'gemini-api-key' } },
  general: { maxAttempts: 3, enableAutoUpdate: false },
  privacy: { usageStatisticsEnabled: false },
};

/** As of 2026-11-28, from ai.google.dev (pricing) or copies of it. */
const PRICES: Readonly<Record<string, Price>> = {
  'gemini-4-neon': [3, 15, 0.15, 3],
  'gemini-4-hydrogen': [1.5, 7.5, 0.075, 1.5],
  'gemini-3.5-flash': [1.5, 9, 0.15, 1.5],
  'gemini-3.1-pro': [2, 12, 0.2, 2],
  'gemini-3.1-flash-lite': [0.25, 1.5, 0.025, 0.25],
  'gemini-3-pro': [2, 12, 0.2, 2],
  'gemini-3-flash': [0.5, 3, 0.05, 0.5],
  'gemini-2.5-pro': [1.25, 10, 0.125, 1.25],
  'gemini-2.5-flash-lite': [0.1, 0.4, 0.01, 0.1],
  'gemini-2.5-flash': [0.3, 2.5, 0.03, 0.3],
};

/** Gemini CLI, headless because its standard input is not a terminal. */
export const gemini: Provider = {
  name: 'gemini',
  title: 'Gemini CLI',
  executable: 'gemini',
  installation: { package: '@google/gemini-cli', version: 'latest' },
  authentication: 'set GEMINI_API_KEY',
  profile: 'agent',
  variables: VARIABLES,
  steeredBy: ['GEMINI.md', '.gemini'],
  prices: PRICES,
  invocation,
  createParser,
};

function invocation(assignment: Assignment): Invocation {
  const { model, args = [], command, stateDirectory } = assignment;
  return {
    executable: command ?? gemini.executable,
    args: [
      '--output-format',
      'stream-json',
      '--approval-mode',
      'yolo',
      ...(model === undefined ? [] : ['-m', model]),
      ...args,
    ],
    env: {
      ...pickVariables(VARIABLES, assignment.variables),
      GEMINI_CLI_HOME: stateDirectory,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    },
    stdin: assignment.prompt,
    files: { '.gemini/settings.json': `${JSON.stringify(SETTINGS)}\n` },
  };
}

const statsSchema = z.object({
  total_tokens: count,
  input_tokens: count,
  output_tokens: count,
  cached: count,
  models: z.record(z.string(), z.unknown()).catch({}),
});
const lineSchema = z.object({
  type: z.string(),
  // message
  role: optionalText,
  content: optionalText,
  // tool_use
  tool_name: optionalText,
  parameters: anything,
  // error
  severity: optionalText,
  message: optionalText,
  // result
  status: optionalText,
  error: z.object({ message: optionalText }).optional().catch(undefined),
  stats: statsSchema.optional().catch(undefined),
});

/** The maximum number of models that are recorded of one conversation. */
const MAX_MODELS = 20;

/** Reads `--output-format stream-json`. */
function createParser(now: () => number = Date.now): LineParser {
  const failure = (message: string) => explainFailure(message, now());
  return (text) => {
    const line = readLine(text, lineSchema);
    if (line === undefined) return [];
    switch (line.type) {
      case 'message':
        return line.role === 'assistant' ? textEvents(line.content) : []; // the CLI repeats the prompt, too
      case 'tool_use':
        return [toolEvent(line.tool_name ?? '', line.parameters)];
      case 'error':
        return [{ type: 'trouble', ...failure(cut(line.message ?? 'an error without a message')) }];
      case 'result': {
        const message = line.error?.message;
        const unexplained = { trouble: 'error', message: 'the request failed', resetsAt: null } as const;
        const result =
          line.status === 'success'
            ? { trouble: undefined, message: '', resetsAt: null }
            : message === undefined
              ? unexplained
              : failure(cut(message));
        return [...usageEvents(line.stats), { type: 'result', ...result }];
      }
      default:
        return [];
    }
  };
}

/** `input_tokens` includes cached tokens. Thoughts are only in the total, and cost as much as output. */
function usageEvents(stats: z.output<typeof statsSchema> | undefined): readonly AgentEvent[] {
  if (stats === undefined) return [];
  const { total_tokens: total, input_tokens: all, output_tokens: shown, cached: cacheRead } = stats;
  const tokens = {
    input: Math.max(0, all - cacheRead),
    output: Math.max(shown, total - all),
    cacheRead,
    cacheWrite: 0,
  };
  const models = Object.keys(stats.models)
    .slice(0, MAX_MODELS)
    .map((model) => cut(model, 100));
  return [{ type: 'usage', tokens, costUsd: null, models }];
}
