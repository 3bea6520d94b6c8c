import type { Ending, ExecResult } from '../../sandbox/sandbox.ts';
import { type AgentEvent, installationHint, type Provider, type ProviderError } from '../provider.ts';
import { cut } from '../stream.ts';
import { hintOf } from './hints.ts';
import { explainFailure } from './provider-error.ts';

/**
 * The outcome of one invocation of an agent. `finished` says that the conversation ended, never that the work is complete.
 * `resetsAt` in milliseconds since 1970; null when unknown.
 */
export type Outcome =
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'rate-limited'; readonly resetsAt: number | null; readonly message: string }
  | { readonly kind: 'overloaded'; readonly message: string }
  | { readonly kind: 'not-authenticated' | 'misconfigured'; readonly message: string; readonly hint: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'truncated'; readonly message: string }
  | { readonly kind: 'timed-out'; readonly limitMs: number }
  | { readonly kind: 'stalled'; readonly limitMs: number }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'missing'; readonly message: string; readonly hint: string };

/** The parts of a provider that messages and hints use. */
type Named = Pick<Provider, 'name' | 'executable' | 'installation' | 'authentication'>;

/**
 * Computes the outcome from the ending of the process and its stream. Pure. Of `events` only provider errors and the result
 * matter. `now` in milliseconds since 1970.
 */
export function classify(
  provider: Named,
  result: ExecResult,
  events: readonly AgentEvent[],
  now: number = Date.now(),
): Outcome {
  const { ending } = result;
  switch (ending.kind) {
    case 'exited':
      return judgeExit(provider, ending.exitCode, events, { tail: result.tail, now });
    case 'killed':
      return { kind: 'failed', message: `${provider.executable} was killed by ${ending.signal}` };
    case 'over-limit':
      return { kind: 'failed', message: overLimit(provider, ending) };
    case 'not-started':
      return { kind: 'missing', message: ending.reason, hint: installationHint(provider) };
    case 'timed-out':
    case 'stalled':
      return { kind: ending.kind, limitMs: ending.limitMs };
    case 'cancelled':
      return { kind: 'cancelled' };
    default:
      return ending satisfies never;
  }
}

/**
 * The result on the stream decides first: one CLI exits with 0 although its stream reports a failure. Without a result, the
 * last provider error is the reason; without one, exit 0 ends the conversation, and the last lines of the output explain any
 * other status.
 */
function judgeExit(
  provider: Named,
  exitCode: number,
  events: readonly AgentEvent[],
  { tail, now }: { readonly tail: string; readonly now: number },
): Outcome {
  const result = events.findLast((event) => event.type === 'result');
  if (result?.trouble !== undefined) return outcomeOf(provider, result.trouble, result);
  if (result === undefined && (exitCode === 126 || exitCode === 127))
    return missing(provider, exitCode, tail);
  const lastError = result === undefined ? events.findLast((event) => event.type === 'trouble') : undefined;
  if (lastError !== undefined && (exitCode !== 0 || lastError.trouble !== 'error'))
    return outcomeOf(provider, lastError.trouble, lastError);
  if (exitCode === 0) return { kind: 'finished' };
  const text = lastMessage(tail);
  const message = text === '' ? `${provider.executable} exited with status ${exitCode}` : text;
  if (result !== undefined) return { kind: 'failed', message };
  const failure = explainFailure(message, now);
  return outcomeOf(provider, failure.trouble, failure);
}

function outcomeOf(
  provider: Named,
  trouble: ProviderError,
  { message, resetsAt }: { readonly message: string; readonly resetsAt: number | null },
): Outcome {
  switch (trouble) {
    case 'error':
      return { kind: 'failed', message };
    case 'rate-limited':
      return { kind: 'rate-limited', message, resetsAt };
    case 'not-authenticated':
    case 'misconfigured':
      return { kind: trouble, message, hint: hintOf(provider, message) };
    case 'overloaded':
    case 'refused':
    case 'truncated':
      return { kind: trouble, message };
    default:
      return trouble satisfies never;
  }
}

/** For a shell's statuses of a command that does not exist or cannot be run. */
function missing(provider: Named, exitCode: number, tail: string): Outcome {
  const words = lastMessage(tail);
  return {
    kind: 'missing',
    message: words === '' ? `${provider.executable} could not be run (exit status ${exitCode})` : words,
    hint: installationHint(provider),
  };
}

/** The maximum number of plain lines at the end of the output that may explain a failure. */
const LAST_LINES = 5;
const MAX_MESSAGE = 1_000;

/** The last plain lines of the output. Lines of the stream are left out: they contain the work, which may quote any error. */
function lastMessage(tail: string): string {
  const lines = tail.split('\n').map((line) => line.trim());
  const plain = lines.filter((line) => line !== '' && !line.startsWith('{'));
  return cut(plain.slice(-LAST_LINES).join('\n'), MAX_MESSAGE);
}

function overLimit({ executable }: Named, ending: Extract<Ending, { kind: 'over-limit' }>): string {
  const limit = `${Math.round(ending.limitBytes / 2 ** 20)} MiB`;
  return ending.what === 'disk'
    ? `${executable} was stopped: it wrote more than ${limit}`
    : `${executable} was stopped: it held more than ${limit} of memory`;
}
