import type { AgentEvent, Trouble } from './provider.ts';
import { resetTime } from './reset-time.ts';
import { cut } from './stream.ts';

/**
 * What an HTTP status of a model's endpoint means; undefined: nothing that choo tells apart. 402 is an account without
 * money: like a wrong key, only a person can mend it.
 */
export function troubleOfStatus(status: number | undefined): Trouble | undefined {
  if (status === undefined) return undefined;
  if ([401, 402, 403].includes(status)) return 'not-authenticated';
  if (status === 429) return 'rate-limited';
  if (status === 413) return 'truncated';
  return [502, 503, 504, 529].includes(status) ? 'overloaded' : undefined;
}

/** `status 401`, `last status: 429`, `"code":401`, `API Error: 529`, `Repeated 529`, `(429)`. */
const STATUS = /(?:status|code|error|http|repeated|\()\W{0,6}([45]\d\d)(?!\d)/gi;

/** Words of the four CLIs and of the endpoints behind them, the more telling first. */
const WORDS: readonly (readonly [RegExp, Trouble])[] = [
  [
    /usage polic|content.?(?:policy|filter)|\brefusal\b|\bflagged\b|invalid_prompt|prohibited_content/i,
    'refused',
  ],
  [
    /context.?(?:window|length)|out of room|prompt is too long|output.?tokens?.?(?:maximum|limit)|max(?:imum)?\b.{0,20}\b(?:turns|output.?tokens|budget)|max_output_tokens/i,
    'truncated',
  ],
  [/quota[^]*\bretry in\b/i, 'rate-limited'], // a quota with an end, though the same words speak of billing
  [/credit balance|billing|insufficient.?(?:quota|funds|credit)/i, 'not-authenticated'],
  [
    /rate.?limit|(?:usage|session|weekly|hour) limit|too many requests|quota|resource.?exhausted/i,
    'rate-limited',
  ],
  [
    /unauthori[sz]ed|unauthenticated|authenticat|api.?key|not logged in|\/login\b|\bcredentials?\b|\boauth\b|PERMISSION_DENIED/i,
    'not-authenticated',
  ],
  [/overloaded|at capacity|high demand|service.?unavailable|\bUNAVAILABLE\b/i, 'overloaded'],
];

/** What a CLI's own words about its failure mean. A status in them counts more than the words around it. */
export function troubleOfMessage(message: string): Trouble {
  const text = cut(message);
  for (const [, status] of text.matchAll(STATUS)) {
    const trouble = troubleOfStatus(Number(status));
    if (trouble !== undefined) return trouble;
  }
  return WORDS.find(([words]) => words.test(text))?.[1] ?? 'error';
}

/** A failure that a CLI tells in words alone. `now` in milliseconds since 1970. */
export function explainFailure(
  message: string,
  now: number,
): Pick<Extract<AgentEvent, { type: 'trouble' }>, 'trouble' | 'message' | 'resetsAt'> {
  const trouble = troubleOfMessage(message);
  return { trouble, message, resetsAt: trouble === 'rate-limited' ? resetTime(message, now) : null };
}
