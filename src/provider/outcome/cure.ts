import type { Provider } from '../provider.ts';
import { says, type Words } from './words.ts';

// Failures that only the operator can fix, by the messages of the CLIs and of the endpoints behind them.

export const WITHOUT_CREDIT: Words = [
  /insufficient.?(?:quota|funds|credit|balance)|credit balance|(?:out of|no) (?:usage )?credits|payment required|\bextra usage (?:is|must be) (?:required|enabled)/i,
];
export const WITHOUT_ACCOUNT: Words = [
  /\bhas disabled\b/i,
  {
    first: /\b(?:organi[sz]ation|account|user|workspace|project|subscription|access)\b/gi,
    next: /\b(?:disabled|suspended|deactivated|banned|blocked|terminated|paused)\b/i,
    within: 60,
  },
];
export const WITHOUT_MODEL: Words = [
  /\bmust be verified to use\b|\baccess to (?:this|the) model\b|model.?not.?found|not_found_error|\b(?:unknown|invalid|unsupported|no such) model\b/i,
  {
    first: /\bmodels?\b/gi,
    next: /\b(?:not found|not exist|not supported|not have access|is invalid|not available (?:on|in|for|with|to)|deprecated|retired|no longer)\b/i,
    within: 100,
  },
];
export const WITHOUT_TRUST: Words = [/certificate|self.?signed|(?:\b|_)CERT_|UNABLE_TO_(?:GET|VERIFY)/i];
export const WITHOUT_WAY: Words = [
  /proxy authentication|blocked by (?:the )?(?:network|egress|firewall|proxy)/i,
  { first: /\bproxy\b/gi, next: /\b(?:denied|forbidden|invalid)\b/i, within: 40 },
];

const CURES: readonly (readonly [Words, (name: string) => string])[] = [
  [WITHOUT_CREDIT, () => 'add credit to the account, or use the key of another account'],
  [WITHOUT_ACCOUNT, () => 'ask the owner of the account, or use the key of another account'],
  [
    WITHOUT_MODEL,
    (name) => `name a model that this account may use in .choo.yml: provider.providers.${name}.model`,
  ],
  [WITHOUT_TRUST, () => 'make this machine trust the certificate on the way to the provider'],
  [WITHOUT_WAY, () => 'check HTTPS_PROXY and the rules of the network'],
];

/** The hint for a failure that no attempt can fix, by its message. */
export function cureOf(
  { name, authentication }: Pick<Provider, 'name' | 'authentication'>,
  message: string,
): string {
  return CURES.find(([words]) => says(message, words))?.[1](name) ?? authentication;
}
