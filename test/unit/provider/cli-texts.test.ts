import { describe, expect, test } from 'vitest';
import { classify } from '../../../src/provider/outcome/outcome.ts';
import { explainFailure } from '../../../src/provider/outcome/provider-error.ts';

// Lines of errors that users of the four CLIs have quoted in public issues, cut to what tells.

const NOW = Date.parse('2026-11-22T12:00:00Z');

/** What the provider's limits say, and when they end, as an ISO date; null: they do not say. */
const LIMITS: readonly (readonly [text: string, ends: string | null])[] = [
  // Claude Code
  ["You've hit your limit · resets 4pm (Asia/Kuala_Lumpur)", '2026-11-23T08:00:00.000Z'],
  ["You've hit your session limit · resets 8:30pm (Asia/Tokyo)", '2026-11-23T11:30:00.000Z'],
  ["You've hit your session limit · resets 12:50am (America/Los_Angeles)", '2026-11-23T08:50:00.000Z'],
  ["You've hit your limit · resets 3:30am (Asia/Calcutta)", '2026-11-22T22:00:00.000Z'],
  ["You've hit your limit · resets 7:10am (Australia/Sydney)", '2026-11-22T20:10:00.000Z'],
  ["You've hit your limit · resets Nov 26, 11am (Europe/Berlin)", '2026-11-26T10:00:00.000Z'],
  ["You've hit your weekly limit · resets Dec 7, 4pm (Europe/Rome)", '2026-12-07T15:00:00.000Z'],
  ["You're out of extra usage · resets Feb 4, 8pm (Europe/Budapest)", '2027-02-04T19:00:00.000Z'],
  ["You've hit your Opus limit", null],
  [
    'Claude usage limit reached. Your limit will reset at 3pm (America/Santiago).',
    '2026-11-22T18:00:00.000Z',
  ],
  ['Opus weekly limit reached ∙ resets Nov 24, 9am (UTC)', '2026-11-24T09:00:00.000Z'],
  ['5-hour limit reached ∙ resets 15:30 (Europe/Berlin)', '2026-11-22T14:30:00.000Z'],
  ['Session limit reached ∙ resets 4pm UTC', '2026-11-22T16:00:00.000Z'],
  ['Claude AI usage limit reached|1795356000', '2026-11-22T14:00:00.000Z'],
  [
    'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}}',
    '2026-12-01T00:00:00.000Z',
  ],
  [
    'API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account\'s rate limit. Please try again later."}}',
    null,
  ],
  ['Number of concurrent connections has exceeded your rate limit.', null],
  // Codex
  ["You've hit your usage limit. Try again in 4 days 20 hours 9 minutes.", '2026-11-27T08:09:00.000Z'],
  [
    "You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 5 days 22 hours 11 minutes.",
    '2026-11-28T10:11:00.000Z',
  ],
  [
    "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/codex/settings/usage to purchase more credits or try again at Nov 28th, 2026 2:14 AM (UTC).",
    '2026-11-28T02:14:00.000Z',
  ],
  [
    'You have reached your usage limit. Upgrade your plan or add credits to continue, or try again after July 3, 2027 at 2:45 PM UTC.',
    '2027-07-03T14:45:00.000Z',
  ],
  ["You've reached your usage limit. Upgrade your plan or add credits to continue", null],
  [
    '{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"free","resets_at":1795356000,"resets_in_seconds":7200}}',
    '2026-11-22T14:00:00.000Z',
  ],
  [
    '{"type":"usage_limit_reached","message":"The usage limit has been reached","eligible_promo":null,"resets_in_seconds":13872}',
    '2026-11-22T15:51:12.000Z',
  ],
  ['non_sse_response: HTTP/2 429\nx-codex-primary-reset-after-seconds: 3600', '2026-11-22T13:00:00.000Z'],
  ['exceeded retry limit, last status: 429 Too Many Requests, request id: c4fc59ca', null],
  [
    'stream disconnected before completion: Rate limit reached for gpt-5 in organization org-x on tokens per min (TPM): Limit 30000, Used 14582, Requested 21045. Please try again in 11.254s.',
    '2026-11-22T12:00:11.254Z',
  ],
  // Gemini CLI
  [
    '[API Error: You have exhausted your capacity on this model. Your quota will reset after 18h31m10s.]',
    '2026-11-23T06:31:10.000Z',
  ],
  [
    'You have exhausted your capacity on this model. Your quota will reset after 5s..',
    '2026-11-22T12:00:05.000Z',
  ],
  ['[API Error: You have exhausted your daily quota on this model.]', null],
  ['You have reached your daily gemini-2.5-pro quota limit.', null],
  [
    '{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}',
    null,
  ],
  [
    "Quota exceeded for quota metric 'StreamGenerateContent Requests' and limit 'StreamGenerateContent Requests per minute per user per tier'",
    null,
  ],
  [
    '{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"34.074824224s"}]}',
    '2026-11-22T12:00:34.075Z',
  ],
  ['Resource exhausted. Please try again later.', null],
  // opencode, and the providers behind it
  ['Error from provider (Console): Rate limit exceeded. Please try again later.', null],
  ['{"type":"error","error":{"type":"FreeUsageLimitError","message":"Rate limit exceeded."}}', null],
  ['Free usage exceeded, add credits https://opencode.ai/zen', null],
  ['AI_RetryError: Failed after 4 attempts. Last error: Too Many Requests', null],
  ['You have exceeded the request rate limit. Please wait a short period before retrying your request', null],
  ['Too many tokens, please wait before trying again.', null],
  ['ThrottlingException: Too many requests', null],
  ['Request was throttled. Expected available in 12 seconds.', '2026-11-22T12:00:12.000Z'],
  ["You're sending requests too quickly. Please slow down.", null],
  ["You've exceeded your monthly budget", null],
  ["You've used all your credits for this period; renews Dec 1, 9am (UTC)", '2026-12-01T09:00:00.000Z'],
];

/** The provider, or the way to it, is down. */
const OUTAGES: readonly string[] = [
  'API Error: 500 {"type":"error","error":{"type":"api_error","message":"Internal server error"},"request_id":"req_011C"}',
  'API Error: 500 Internal server error. This is a server-side issue, usually temporary — try again in a moment.',
  'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  'API Error: 504 upstream request timeout',
  '{"type":"error","error":{"type":"api_error","message":"Internal server error"}}',
  '{"type":"overloaded_error","message":"Overloaded"}',
  'API Error (Connection error.)',
  'API Error: Connection error.',
  'API Error: Connection dropped (ECONNRESET). Check the gateway set in ANTHROPIC_BASE_URL, then try again.',
  'API Error: Unable to connect to API (ECONNRESET)',
  'API Error: Unable to connect to API due to poor internet connection',
  'Failed to connect to api.anthropic.com: ECONNREFUSED',
  'API Error: Request timed out.',
  'API Error: terminated',
  'TypeError (fetch failed)',
  'OAuth error: read ECONNRESET',
  'The socket connection was closed unexpectedly. For more information, pass `verbose: true` in the second argument to fetch()',
  'stream disconnected before completion: error sending request for url (https://chatgpt.com/backend-api/codex/responses)',
  'stream disconnected before completion: stream closed before response.completed',
  'stream disconnected before completion: Transport error: network error: error decoding response body',
  'stream disconnected before completion: An error occurred while processing your request. You can retry your request, or contact us through our help center',
  'unexpected status 502 Bad Gateway: <html>',
  'exceeded retry limit, last status: 503 Service Unavailable',
  'We are currently experiencing high demand, which may cause temporary errors.',
  'Selected model is at capacity. Please try a different model.',
  'API error (400): Our servers are currently overloaded. Please try again later.',
  '[API Error: exception TypeError: fetch failed sending request]',
  '[API Error: {"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}]',
  '{"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}}',
  'request to https://generativelanguage.googleapis.com failed, reason: connect ETIMEDOUT 142.250.1.95:443',
  'request to https://cloudcode-pa.googleapis.com failed, reason: getaddrinfo ENOTFOUND cloudcode-pa.googleapis.com',
  'getaddrinfo EAI_AGAIN api.openai.com',
  'socket hang up',
  'Client network socket disconnected before secure TLS connection was established',
  'Cannot connect to API: other side closed',
  'Premature close',
  'error trying to connect: dns error: failed to lookup address information: Temporary failure in name resolution',
  'Upstream request failed',
  'net::ERR_CONNECTION_RESET',
  'Unable to connect. (ConnectionRefused)',
  'API Error: Stream idle timeout - partial response received',
  'TLS handshake timeout',
  'The operation was aborted due to timeout',
  'No response from the server',
];

/** What only the operator can mend: a key, a log-in, an account. */
const ACCOUNT: readonly (readonly [text: string, cure: RegExp])[] = [
  ['Invalid API key · Please run /login', /set KEY/],
  ['Invalid API key · Fix external API key', /set KEY/],
  [
    'API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"OAuth token has expired. Please obtain a new token or refresh your existing token."}} · Please run /login',
    /set KEY/,
  ],
  ['OAuth token revoked · Please run /login', /set KEY/],
  ['OAuth authentication is currently not supported.', /set KEY/],
  ['Login expired · Please run /login', /set KEY/],
  [
    'Your access token could not be refreshed because your refresh token was already used. Please log out and sign in again.',
    /set KEY/,
  ],
  ['Failed to refresh token: 401 Unauthorized: Please try signing in again.', /set KEY/],
  ['Incorrect API key provided: sk-1234.', /set KEY/],
  ['Missing bearer or basic authentication in header', /set KEY/],
  ['API key not valid. Please pass a valid API key.', /set KEY/],
  ['Credit balance is too low', /credit/],
  [
    'API Error: 400 {"error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}',
    /credit/,
  ],
  [
    '429 {"error":{"message":"You exceeded your current quota, please check your plan and billing details.","code":"insufficient_quota"}}',
    /credit/,
  ],
  ['status 402 Payment Required - {"error":{"message":"Insufficient Balance"}}', /credit/],
  ['Error from provider (DeepSeek): Insufficient Balance', /credit/],
  ['You are out of credits', /credit/],
  ['Your card was declined', /set KEY/],
  ['no active subscription', /set KEY/],
  ['Country, region, or territory not supported', /set KEY/],
  ['API Error: 400 This organization has been disabled.', /account/],
  [
    'API Error: 403 {"error":{"type":"forbidden","message":"Your account does not have access to Claude. Please login again or contact your administrator."}}',
    /account|set KEY/,
  ],
  [
    'Your organization has disabled Claude subscription access for Claude Code · Use an Anthropic API key instead, or ask your admin to enable access',
    /account/,
  ],
  ['Upstream request failed: [permission_error] API access paused for this organization.', /account/],
];

/** What only the operator can mend: a model, a certificate, a proxy. */
const SETTINGS: readonly (readonly [text: string, cure: RegExp])[] = [
  [
    "There's an issue with the selected model (claude-haiku-9). It may not exist or you may not have access to it.",
    /model/,
  ],
  [
    'API Error: 404 {"type":"error","error":{"type":"not_found_error","message":"model: claude-sonnet-9"}}',
    /model/,
  ],
  [
    'stream disconnected before completion: The model `gpt-9-codex` does not exist or you do not have access to it.',
    /model/,
  ],
  [
    '{"type":"error","status":400,"error":{"type":"invalid_request_error","message":"The \'gpt-9\' model is not supported when using Codex with a ChatGPT account."}}',
    /model/,
  ],
  ['Your organization must be verified to use the model `gpt-9`.', /model/],
  [
    '{"code":400,"message":"You don\'t have access to this model or the model name is invalid","status":"INVALID_ARGUMENT"}',
    /model/,
  ],
  [
    'models/gemini-9-pro is not found for API version v1beta, or is not supported for generateContent.',
    /model/,
  ],
  ['ProviderModelNotFoundError', /model/],
  ['models/gemini-1 is deprecated', /model/],
  ['Model x is not available on your plan', /model/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /certificate/],
  [
    'API Error: Unable to connect to API: Self-signed certificate detected. Check your proxy or corporate SSL certificates',
    /certificate/,
  ],
  [
    'API Error (Connection error.) Error (self signed certificate in certificate chain) (SELF_SIGNED_CERT_IN_CHAIN)',
    /certificate/,
  ],
  [
    'request to https://oauth2.googleapis.com/token failed, reason: unable to get local issuer certificate',
    /certificate/,
  ],
  ['Cannot connect to API: UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /certificate/],
  ['CERT_HAS_EXPIRED', /certificate/],
  ['407 Proxy Authentication Required', /proxy/i],
];

/** What an agent, or a tool of it, may end with: its own doing. */
const OWN: readonly string[] = [
  'EACCES: permission denied',
  'EDQUOT: disk quota exceeded, write',
  'ENOSPC: no space left on device',
  'ENOSPC: System limit for number of file watchers reached',
  'JavaScript heap out of memory',
  'RangeError: Maximum call stack size exceeded',
  'the time limit of 30 seconds is exceeded',
  'Error: 3 tests failed',
  '429 files changed',
  'Loop detected, stopping execution',
  "error TS2304: Cannot find name 'quota'",
  "Error: Cannot find module './limit'",
  'Maximum update depth exceeded',
  'assertion failed: limit == 5',
  '401 tests passed, 2 failed',
  'timeout waiting for child process to exit',
  'TypeError: model is not a function',
  'the unit tests time out in line 500',
  'TypeError: Cannot read properties of undefined',
  'command not found: make',
  'reset the branch, try again 3 times',
  'SyntaxError: Unexpected token } in JSON at position 4',
  'Segmentation fault',
  '',
];

function outcomeOf(text: string): unknown {
  const agent = {
    name: 'claude',
    executable: 'claude',
    installation: 'install it',
    authentication: 'set KEY',
  } as const;
  const result = { ending: { kind: 'exited', exitCode: 1 }, tail: '', durationMs: 1 } as const;
  return classify(agent, result, [{ type: 'result', ...explainFailure(text, NOW) }]);
}

describe("a CLI's own words", () => {
  test.each(LIMITS)('%j tell a limit', (text, ends) => {
    const { trouble, resetsAt } = explainFailure(text, NOW);
    expect(trouble).toBe('rate-limited');
    expect(resetsAt === null ? null : new Date(resetsAt).toISOString()).toBe(ends);
  });

  test.each(OUTAGES.map((text) => [text]))('%j tell an outage', (text) => {
    expect(explainFailure(text, NOW)).toMatchObject({ trouble: 'overloaded', resetsAt: null });
  });

  test.each(ACCOUNT)('%j tell that the account must be mended, and how', (text, cure) => {
    expect(outcomeOf(text)).toMatchObject({ kind: 'not-authenticated', hint: expect.stringMatching(cure) });
  });

  test.each(SETTINGS)('%j tell that a setting must be mended, and which', (text, cure) => {
    expect(outcomeOf(text)).toMatchObject({ kind: 'misconfigured', hint: expect.stringMatching(cure) });
  });

  test.each(OWN.map((text) => [text]))('%j are nothing but a failure', (text) => {
    expect(explainFailure(text, NOW).trouble).toBe('error');
  });
});
