import type { AgentEvent, ProviderError } from '../provider.ts';
import { cut } from '../stream.ts';
import { NO_ACCOUNT, NO_CREDIT, NO_MODEL, UNTRUSTED_CERTIFICATE, NO_ROUTE } from './hints.ts';
import { resetTime, hasResetTime } from './reset-time.ts';
import { matchesPhrase, type Phrases } from './phrases.ts';

/**
 * The provider error that an HTTP status of a model's endpoint means; undefined for any other status. 402 is an account
 * without money: like a wrong key, only a person can fix it.
 *
 * @internal
 */
export function errorOfStatus(status: number | undefined): ProviderError | undefined {
  if (status === undefined) return undefined;
  if ([401, 402, 403].includes(status)) return 'not-authenticated';
  if (status === 407) return 'misconfigured';
  if (status === 413) return 'truncated';
  if (status === 429) return 'rate-limited';
  return status === 408 || status >= 500 ? 'overloaded' : undefined;
}

/** `status 401`, `last status: 429`, `"code":401`, `API Error: 529`, `HTTP/2 503`, `Repeated 529`, `(429)`. */
const STATUS = /(?:status|code|error|http(?:\/\d(?:\.\d)?)?|repeated|[([])[^\w\n]{0,6}([45]\d\d)(?!\d)/gi;

/** A used-up limit of an account. Together with a time at which it resets, this decides before everything else. */
const LIMIT: Phrases = [
  /rate.?limit|(?:usage|session|weekly|daily|monthly|hour|minute|spend|spending|request|account|plan|opus|sonnet|haiku|fable)s? limit/i,
  /too many (?:concurrent )?(?:requests|tokens)|resource (?:has been )?exhausted|RESOURCE_EXHAUSTED|free.?usage|throttl|\b(?:slow down|too quickly|too fast)\b/i,
  {
    first: /\b(?:hit|reach(?:ed)?|exceed(?:ed|s)?|exhausted|used (?:up|all)|out of|over)\b/gi,
    next: /\b(?:limits?|quota|capacity|allowance|usage|budget|credits)\b/i,
    within: 60,
  },
  {
    first: /\b(?:limits?|quota|capacity|allowance|usage)\b/gi,
    next: /\b(?:hit|reached|exceeded|exhausted|used up|resets?)\b/i,
    within: 40,
  },
];

type Table = readonly (readonly [Phrases, ProviderError])[];

/** Limits of the machine: not the provider's fault. */
const OWN: Phrases = [
  /\bE(?:DQUOT|NOSPC|MFILE|NFILE|NOMEM)\b|out of memory/i,
  {
    first: /\b(?:disk|memory|heap|stack|recursion|buffer|file|watchers?|cpu|time|process|storage)\b/gi,
    next: /\b(?:limits?|quota|usage|size|space|exceeded)\b/i,
    within: 22,
  },
];

/** Messages that decide before the HTTP status that comes with them. */
const DECISIVE: Table = [
  [NO_CREDIT, 'not-authenticated'],
  [NO_ACCOUNT, 'not-authenticated'],
  [NO_MODEL, 'misconfigured'],
  [UNTRUSTED_CERTIFICATE, 'misconfigured'],
  [NO_ROUTE, 'misconfigured'],
];

/** Messages of the four CLIs and of the endpoints behind them, the most specific first. */
const PHRASES: Table = [
  [OWN, 'error'],
  [
    [/usage polic|content.?(?:policy|filter)|\brefusal\b|\bflagged\b|invalid_prompt|prohibited_content/i],
    'refused',
  ],
  [[/per (?:minute|hour|day)\b|\b(?:TPM|RPM|TPD|RPD)\b/i], 'rate-limited'],
  [
    [
      /context.?(?:window|length|limit|size)|out of room|prompt is too long|output.?tokens?.?(?:maximum|limit)|max_output_tokens/i,
      { first: /max(?:imum)?\b/gi, next: /\b(?:turns|output.?tokens|budget)/i, within: 32 },
    ],
    'truncated',
  ],
  [[/billing/i], 'not-authenticated'],
  [[/retry limit|max(?:imum)? retries/i], 'overloaded'],
  [LIMIT, 'rate-limited'],
  [
    [
      /unauthori[sz]ed|unauthenticated|authentication.?(?:error|failed)|(?:invalid|incorrect|missing|no|wrong) (?:x-)?api.?key|api.?key not valid|\/login\b|\b(?:log|sign|logged|signing|logging) ?in\b|PERMISSION_DENIED/i,
      {
        first: /\b(?:tokens?|keys?|session|login|credentials?|oauth)\b/gi,
        next: /\b(?:expired|revoked|already used|not valid|missing)\b/i,
        within: 40,
      },
    ],
    'not-authenticated',
  ],
  [
    [
      /purchase (?:more )?credits|card was declined|payment method|no active subscription|(?:subscription|trial) (?:has )?(?:expired|ended)|account_deactivated|access.?denied|\bforbidden\b|(?:territory|location) (?:is )?not supported/i,
    ],
    'not-authenticated',
  ],
  // The network to the provider.
  [
    [
      /\bE(?:CONNRESET|CONNREFUSED|CONNABORTED|TIMEDOUT|PIPE|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|NOTFOUND|AI_AGAIN|AI_FAIL)\b|UND_ERR|ERR_(?:NETWORK|CONNECTION|SOCKET|NAME_NOT)|connection.?(?:refused|reset|closed|aborted)|lost connection/i,
      /getaddrinfo|name resolution|\bdns\b|socket (?:hang up|connection|closed|disconnected|timeout)|handshake (?:timeout|timed out|failed)|idle timeout|aborted due to timeout|no response from (?:the )?(?:server|model|api|provider)|other side closed|premature.?close|unexpected (?:eof|end of file)|no internet/i,
      /error (?:sending request|decoding response)|\brequest time(?:d.?)?out|\brequest timed out|\bterminated$|\btimeout of \d{1,9} ?ms/i,
      /\b(?:unable|failed|cannot|can't|could not|couldn't|trying)(?: to)? (?:connect|reach)\b/i,
      {
        first: /\b(?:fetch|connection|network|transport|stream|upstream)\b/gi,
        next: /\b(?:failed|failure|errors?|lost|dropped|closed|reset|refused|aborted|interrupted|disconnected|terminated|unreachable|timed.?out|timeout)\b/i,
        within: 36,
      },
    ],
    'overloaded',
  ],
  // The provider itself.
  [
    [
      /overloaded|at capacity|high demand|service.?unavailable|\bUNAVAILABLE\b|temporarily unavailable|bad gateway|gateway.time.?out/i,
      /internal (?:server )?error|internal_(?:server_)?error|\bINTERNAL\b|\b(?:api|server)_error\b|server.?(?:side )?(?:error|issue)|had an error|error (?:has )?occurred while processing/i,
    ],
    'overloaded',
  ],
  [[/authenticat|api.?key|\bcredentials?\b|\boauth\b|does not have access/i], 'not-authenticated'],
];

/**
 * The provider error that a CLI's message means, by the first of: a limit with the time at which it resets, decisive
 * words, an HTTP status, other words.
 */
export function errorOfMessage(message: string): ProviderError {
  const text = cut(message);
  if (matchesPhrase(text, LIMIT) && hasResetTime(text)) return 'rate-limited';
  return find(DECISIVE, text) ?? statusIn(text) ?? find(PHRASES, text) ?? 'error';
}

/** The provider error of a failure with an HTTP status (undefined without an answer) or with the CLI's own name for it. */
export function errorOfFailure(
  message: string,
  status: number | undefined,
  named: ProviderError | undefined,
): ProviderError {
  const known = errorOfStatus(status) ?? named;
  return known === undefined || find(DECISIVE, cut(message)) !== undefined ? errorOfMessage(message) : known;
}

function find(table: Table, text: string): ProviderError | undefined {
  return table.find(([words]) => matchesPhrase(text, words))?.[1];
}

function statusIn(text: string): ProviderError | undefined {
  for (const [, status] of text.matchAll(STATUS)) {
    const trouble = errorOfStatus(Number(status));
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

/** Explains a failure by its message alone. `now` in milliseconds since 1970. */
export function explainFailure(
  message: string,
  now: number,
): Pick<Extract<AgentEvent, { type: 'trouble' }>, 'trouble' | 'message' | 'resetsAt'> {
  const trouble = errorOfMessage(message);
  return { trouble, message, resetsAt: trouble === 'rate-limited' ? resetTime(message, now) : null };
}
