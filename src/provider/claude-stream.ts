import { z } from 'zod';
import { resetTime } from './outcome/reset-time.ts';
import { errorOfFailure, errorOfMessage } from './outcome/provider-error.ts';
import type { AgentEvent, LineParser, TokenCount, ProviderError } from './provider.ts';
import { UsageByMessage } from './usage-by-message.ts';
import {
  addTokens,
  anyList,
  anything,
  count,
  cut,
  dollars,
  NO_TOKENS,
  optionalFlag,
  optionalStatus,
  optionalText,
  readLine,
  readValue,
  textEvents,
  toolEvent,
} from './stream.ts';

const usageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
});
const modelUsageSchema = z.object({
  inputTokens: count,
  outputTokens: count,
  cacheReadInputTokens: count,
  cacheCreationInputTokens: count,
});
const messageSchema = z.object({
  id: optionalText,
  model: optionalText,
  usage: usageSchema.optional().catch(undefined),
  content: anyList,
});
const blockSchema = z.object({
  type: optionalText,
  text: optionalText,
  name: optionalText,
  input: anything,
});
const lineSchema = z.object({
  type: z.string(),
  subtype: optionalText,
  // assistant
  message: messageSchema.optional().catch(undefined),
  // assistant, system/api_retry
  error: optionalText,
  error_status: optionalStatus,
  // rate_limit_event
  rate_limit_info: z.object({ status: optionalText, resetsAt: count }).optional().catch(undefined),
  // result
  is_error: optionalFlag,
  api_error_status: optionalStatus,
  stop_reason: optionalText,
  result: optionalText,
  errors: anyList,
  total_cost_usd: dollars,
  usage: usageSchema.optional().catch(undefined),
  modelUsage: z.record(z.string(), modelUsageSchema).optional().catch(undefined),
});
type Line = z.output<typeof lineSchema>;

/** Reads `--output-format stream-json`. */
export function createParser(now: () => number = Date.now): LineParser {
  const spent = new UsageByMessage();
  let lastError: string | undefined;
  /** The last message was written by the CLI, not by a model. */
  let isOwn = false;
  const models = new Set<string>();
  let resetsAt: number | null = null;

  function readAssistant({ message, error }: Line): readonly AgentEvent[] {
    lastError = error;
    isOwn = message?.model === SYNTHETIC;
    if (!isOwn && models.size < MAX_MODELS && message?.model !== undefined)
      models.add(cut(message.model, 100));
    const events: AgentEvent[] = [];
    for (const block of message?.content ?? []) {
      const { type, text, name, input } = readValue(block, blockSchema) ?? {};
      // The result repeats the text of a failed request.
      if (type === 'text' && error === undefined) events.push(...textEvents(text));
      if (type === 'tool_use') events.push(toolEvent(name ?? '', input));
    }
    const total = spent.record(message?.id, message?.usage && tokensOf(message.usage));
    if (total !== undefined)
      events.push({ type: 'usage', tokens: total, costUsd: null, models: [...models] });
    return events;
  }

  function readRateLimit({ rate_limit_info: info }: Line): readonly AgentEvent[] {
    if (info?.status !== 'rejected') return [];
    resetsAt =
      info.resetsAt > 0 && Number.isSafeInteger(info.resetsAt * 1_000) ? info.resetsAt * 1_000 : null;
    return [
      { type: 'trouble', trouble: 'rate-limited', message: 'the limit of the account is reached', resetsAt },
    ];
  }

  function readResult(line: Line): readonly AgentEvent[] {
    const text = line.result ?? line.errors.filter((each) => typeof each === 'string').join('\n');
    const message = cut(text === '' ? (line.subtype ?? '') : text);
    const trouble = errorOfResult(line, message, { error: lastError, isOwn });
    const resets = trouble === 'rate-limited' ? (resetTime(message, now()) ?? resetsAt) : null;
    const tokens = totalOf(line) ?? spent.total;
    const costUsd = line.total_cost_usd ?? null;
    return [
      { type: 'usage', tokens, costUsd, models: [...models] },
      { type: 'result', trouble, message, resetsAt: resets },
    ];
  }

  return (text) => {
    const line = readLine(text, lineSchema);
    if (line === undefined) return [];
    switch (line.type) {
      case 'assistant':
        return readAssistant(line);
      case 'system':
        return readSystem(line);
      case 'rate_limit_event':
        return readRateLimit(line);
      case 'result':
        return readResult(line);
      default:
        return [];
    }
  };
}

function readSystem(line: Line): readonly AgentEvent[] {
  if (line.subtype !== 'api_retry') return [];
  const word = line.error ?? '';
  const trouble = errorOfFailure(word, line.error_status, ERROR_OF_SUBTYPE.get(word));
  const status = line.error_status === undefined ? '' : ` (${line.error_status})`;
  return [
    {
      type: 'trouble',
      trouble,
      message: cut(`${line.error ?? 'failed'}${status}, trying again`),
      resetsAt: null,
    },
  ];
}

/** The model of a message that the CLI wrote itself, mostly because a request failed. */
const SYNTHETIC = '<synthetic>';
/** The maximum number of models that are recorded of one stream. */
const MAX_MODELS = 20;

/**
 * The subtype of a failed request is `success`: only `is_error` says that it failed, and the other fields say why. Without
 * `is_error` the text decides, if the CLI wrote it.
 */
function errorOfResult(
  line: Line,
  message: string,
  last: { readonly error: string | undefined; readonly isOwn: boolean },
): ProviderError | undefined {
  if (line.stop_reason === 'refusal') return 'refused';
  if (line.stop_reason === 'max_tokens' || line.stop_reason === 'model_context_window_exceeded')
    return 'truncated';
  if (!(line.is_error ?? line.subtype !== 'success')) {
    const own = last.isOwn ? errorOfMessage(message) : 'error';
    return own === 'error' ? undefined : own;
  }
  if (line.subtype?.startsWith('error_max_')) return 'truncated';
  return errorOfFailure(message, line.api_error_status, ERROR_OF_SUBTYPE.get(last.error ?? ''));
}

/** The values of `error` fields, except those without a meaning (`unknown`). */
const ERROR_OF_SUBTYPE: ReadonlyMap<string, ProviderError> = new Map([
  ['authentication_failed', 'not-authenticated'],
  ['oauth_org_not_allowed', 'not-authenticated'],
  ['billing_error', 'not-authenticated'],
  ['model_not_found', 'misconfigured'],
  ['rate_limit', 'rate-limited'],
  ['overloaded', 'overloaded'],
  ['server_error', 'overloaded'],
  ['max_output_tokens', 'truncated'],
]);

function tokensOf(usage: z.output<typeof usageSchema>): TokenCount {
  return {
    input: usage.input_tokens,
    output: usage.output_tokens,
    cacheRead: usage.cache_read_input_tokens,
    cacheWrite: usage.cache_creation_input_tokens,
  };
}

/** The usage in the result: summed over models, which includes failed requests and side requests, or else in total. */
function totalOf(line: Line): TokenCount | undefined {
  const models = Object.values(line.modelUsage ?? {});
  if (models.length === 0) return line.usage && tokensOf(line.usage);
  return models
    .map((model) => ({
      input: model.inputTokens,
      output: model.outputTokens,
      cacheRead: model.cacheReadInputTokens,
      cacheWrite: model.cacheCreationInputTokens,
    }))
    .reduce(addTokens, NO_TOKENS);
}
