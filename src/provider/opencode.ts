import { z } from 'zod';
import { ChooError } from '../errors.ts';
import { resetTime } from './outcome/reset-time.ts';
import { errorOfFailure } from './outcome/provider-error.ts';
import type {
  AgentEvent,
  Assignment,
  Invocation,
  LineParser,
  Provider,
  ProviderError,
  Variable,
} from './provider.ts';
import {
  addTokens,
  anything,
  count,
  cut,
  dollars,
  isNone,
  NO_TOKENS,
  optionalFlag,
  optionalStatus,
  optionalText,
  readLine,
  textEvents,
  toolEvent,
} from './stream.ts';
import { PROXY_VARIABLES, pickVariables } from './variables.ts';

const VARIABLES: readonly Variable[] = [
  { name: 'ANTHROPIC_API_KEY', secret: true },
  { name: 'OPENAI_API_KEY', secret: true },
  { name: 'GOOGLE_GENERATIVE_AI_API_KEY', secret: true },
  { name: 'OPENROUTER_API_KEY', secret: true },
  { name: 'OPENCODE_API_KEY', secret: true },
  { name: 'OPENAI_BASE_URL', secret: false },
  ...PROXY_VARIABLES,
];

/** opencode, started as `opencode run`. */
export const opencode: Provider = {
  name: 'opencode',
  title: 'opencode',
  executable: 'opencode',
  installation: { package: 'opencode-ai', version: 'latest' },
  authentication: "set the key of the model's provider, for example ANTHROPIC_API_KEY or OPENAI_API_KEY",
  profile: 'agent',
  variables: VARIABLES,
  steeredBy: ['AGENTS.md', '.opencode', 'opencode.json', 'opencode.jsonc'],
  invocation,
  createParser,
};

function invocation(assignment: Assignment): Invocation {
  const { args = [], command, stateDirectory } = assignment;
  const { OPENAI_BASE_URL: endpoint, ...given } = pickVariables(VARIABLES, assignment.variables);
  const model = endpoint === undefined ? assignment.model : endpointModel(assignment.model);
  return {
    executable: command ?? opencode.executable,
    args: ['run', '--format', 'json', ...(model === undefined ? [] : ['--model', model]), ...args],
    env: {
      ...given,
      OPENCODE_CONFIG: `${stateDirectory}/opencode.json`,
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      XDG_CACHE_HOME: `${stateDirectory}/cache`,
      XDG_CONFIG_HOME: `${stateDirectory}/config`,
      XDG_DATA_HOME: `${stateDirectory}/data`,
      XDG_STATE_HOME: `${stateDirectory}/state`,
    },
    stdin: assignment.prompt,
    files: { 'opencode.json': `${JSON.stringify(configuration(endpoint, assignment.model))}\n` },
  };
}

/** opencode expands `{env:NAME}`, so the key is in no file. */
function configuration(endpoint: string | undefined, model: string | undefined): object {
  const general = { autoupdate: false, share: 'disabled', permission: { '*': 'allow' } };
  if (endpoint === undefined || model === undefined) return general;
  const choo = {
    npm: '@ai-sdk/openai-compatible',
    options: { baseURL: endpoint, apiKey: '{env:OPENAI_API_KEY}' },
    models: { [model]: { name: model } },
  };
  return { ...general, provider: { choo } };
}

function endpointModel(model: string | undefined): string {
  if (model !== undefined) return `choo/${model}`;
  throw new ChooError('usage', 'opencode needs the name of a model when OPENAI_BASE_URL is set', {
    hint: 'name one in .choo.yml: provider.providers.opencode.model',
  });
}

const tokensSchema = z.object({
  input: count,
  output: count,
  reasoning: count,
  cache: z.object({ read: count, write: count }).catch({ read: 0, write: 0 }),
});
const partSchema = z.object({
  text: optionalText,
  tool: optionalText,
  state: z.object({ input: anything }).optional().catch(undefined),
  reason: optionalText,
  tokens: tokensSchema.optional().catch(undefined),
  cost: dollars,
});
/** The provider errors that the name of an error identifies. */
const NAMED: ReadonlyMap<string, ProviderError> = new Map([
  ['ProviderAuthError', 'not-authenticated'],
  ['ProviderModelNotFoundError', 'misconfigured'],
]);
const headersSchema = z.object({ 'retry-after': optionalText }).optional().catch(undefined);
const errorSchema = z.object({
  name: optionalText,
  data: z
    .object({
      message: optionalText,
      statusCode: optionalStatus,
      isRetryable: optionalFlag,
      responseHeaders: headersSchema,
      responseBody: optionalText,
    })
    .optional()
    .catch(undefined),
});
const lineSchema = z.object({
  type: z.string(),
  part: partSchema.optional().catch(undefined),
  error: errorSchema.optional().catch(undefined),
});
type Part = z.output<typeof partSchema>;

/** Reads `--format json`. */
function createParser(now: () => number = Date.now): LineParser {
  let tokens = NO_TOKENS;
  let costUsd = 0;

  function readStep(part: Part | undefined): readonly AgentEvent[] {
    const events: AgentEvent[] = [];
    if (part?.tokens !== undefined) {
      const { input, output, reasoning, cache } = part.tokens;
      tokens = addTokens(tokens, { input, output, cacheRead: cache.read, cacheWrite: cache.write });
      tokens = addTokens(tokens, { ...NO_TOKENS, output: reasoning });
      costUsd = Math.min(costUsd + (part.cost ?? 0), Number.MAX_VALUE);
      // opencode reports 0 for a model whose price it does not know.
      events.push({
        type: 'usage',
        tokens,
        costUsd: costUsd === 0 && !isNone(tokens) ? null : costUsd,
        models: [],
      });
    }
    return [...events, ...endEvents(part?.reason)];
  }

  function readError(error: z.output<typeof errorSchema> | undefined): readonly AgentEvent[] {
    const {
      message: reported,
      statusCode,
      isRetryable,
      responseHeaders,
      responseBody = '',
    } = error?.data ?? {};
    const message = cut(reported ?? error?.name ?? 'an error without a message');
    const judged = errorOfFailure(`${message}\n${responseBody}`, statusCode, NAMED.get(error?.name ?? ''));
    const trouble = judged === 'error' && isRetryable === true ? 'overloaded' : judged;
    const retryAfter = responseHeaders?.['retry-after'];
    const text = `${retryAfter === undefined ? '' : `retry-after: ${retryAfter}\n`}${message}\n${responseBody}`;
    const resetsAt = trouble === 'rate-limited' ? resetTime(text, now()) : null;
    return [{ type: 'result', trouble, message, resetsAt }];
  }

  return (text) => {
    const line = readLine(text, lineSchema);
    if (line === undefined) return [];
    switch (line.type) {
      case 'text':
        return textEvents(line.part?.text);
      case 'tool_use':
        return [toolEvent(line.part?.tool ?? '', line.part?.state?.input)];
      case 'step_finish':
        return readStep(line.part);
      case 'error':
        return readError(line.error);
      default:
        return [];
    }
  };
}

/** The result, if this step is the last one: a step that is followed by another ends with a tool call. */
function endEvents(reason: string | undefined): readonly AgentEvent[] {
  const end = (trouble: 'truncated' | 'refused' | undefined): readonly AgentEvent[] => [
    {
      type: 'result',
      trouble,
      message: trouble === undefined ? '' : `the model ended with \`${reason}\``,
      resetsAt: null,
    },
  ];
  switch (reason ?? '') {
    case 'stop':
      return end(undefined);
    case 'length':
      return end('truncated');
    case 'content-filter':
      return end('refused');
    default:
      return [];
  }
}
