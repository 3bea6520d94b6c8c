import type { Provider } from '../provider.ts';
import { matchesPhrase, type Phrases } from './phrases.ts';

// Failures that only the operator can fix, by the messages of the CLIs and of the endpoints behind them.

export const NO_CREDIT: Phrases = [
  /insufficient.?(?:quota|funds|credit|balance)|credit balance|(?:out of|no) (?:usage )?credits|payment required|\bextra usage (?:is|must be) (?:required|enabled)/i,
];
export const NO_ACCOUNT: Phrases = [
  /\bhas disabled\b/i,
  {
    first: /\b(?:organi[sz]ation|account|user|workspace|project|subscription|access)\b/gi,
    next: /\b(?:disabled|suspended|deactivated|banned|blocked|terminated|paused)\b/i,
    within: 60,
  },
];
export const NO_MODEL: Phrases = [
  /\bmust be verified to use\b|\baccess to (?:this|the) model\b|model.?not.?found|not_found_error|\b(?:unknown|invalid|unsupported|no such) model\b/i,
  {
    first: /\bmodels?\b/gi,
    next: /\b(?:not found|not exist|not supported|not have access|is invalid|not available (?:on|in|for|with|to)|deprecated|retired|no longer)\b/i,
    within: 100,
  },
];
export const UNTRUSTED_CERTIFICATE: Phrases = [
  /certificate|self.?signed|(?:\b|_)CERT_|UNABLE_TO_(?:GET|VERIFY)/i,
];
export const NO_ROUTE: Phrases = [
  /proxy authentication|blocked by (?:the )?(?:network|egress|firewall|proxy)/i,
  { first: /\bproxy\b/gi, next: /\b(?:denied|forbidden|invalid)\b/i, within: 40 },
];

const HINTS: readonly (readonly [Phrases, (name: string) => string])[] = [
  [NO_CREDIT, () => 'add credit to the account, or use the key of another account'],
  [NO_ACCOUNT, () => 'ask the owner of the account, or use the key of another account'],
  [
    NO_MODEL,
    (name) => `name a model that this account may use in .choo.yml: provider.providers.${name}.model`,
  ],
  [UNTRUSTED_CERTIFICATE, () => 'make this machine trust the certificate on the way to the provider'],
  [NO_ROUTE, () => 'check HTTPS_PROXY and the rules of the network'],
];

/** The hint for a failure that no attempt can fix, by its message. */
export function hintOf(
  { name, authentication }: Pick<Provider, 'name' | 'authentication'>,
  message: string,
): string {
  return HINTS.find(([phrases]) => matchesPhrase(message, phrases))?.[1](name) ?? authentication;
}
