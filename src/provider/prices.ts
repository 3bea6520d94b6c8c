import { PROVIDERS } from './by-name.ts';
import type { Price, TokenCount } from './provider.ts';

/** The prices of all providers, by the beginning of a model's name. */
const PRICES: ReadonlyMap<string, Price> = new Map(
  Object.values(PROVIDERS).flatMap(({ prices = {} }) => Object.entries(prices)),
);

/** The cost of tokens at the list price of the most expensive of these models, in US dollars; undefined when a price is unknown. */
export function costOf(models: readonly string[], tokens: TokenCount): number | undefined {
  const costs = models.map((model) => {
    const price = priceOf(model);
    return price === undefined ? Number.NaN : costAt(price, tokens);
  });
  const most = Math.max(...costs);
  return costs.length === 0 || Number.isNaN(most) ? undefined : most;
}

function costAt(price: Price, { input, output, cacheRead, cacheWrite }: TokenCount): number {
  const [perInput, perOutput, perRead, perWrite] = price;
  return (input * perInput + output * perOutput + cacheRead * perRead + cacheWrite * perWrite) / 1e6;
}

/** The price whose key is the longest beginning of a model's name. Another version of a model is another model. */
function priceOf(model: string): Price | undefined {
  const name = plainName(model);
  let best: string | undefined;
  for (const known of PRICES.keys())
    if (isKind(name, known) && known.length > (best?.length ?? 0)) best = known;
  return best === undefined ? undefined : PRICES.get(best);
}

/** `gpt-5-2025-08-07` is a kind of `gpt-5`, `gpt-5.9` is not; `claude-opus-5-9` is not a kind of `claude-opus-5`. */
function isKind(name: string, known: string): boolean {
  return name.startsWith(known) && /^(?:$|[@:[]|-(?!\d{1,2}(?:$|\D)))/.test(name.slice(known.length));
}

/** Removes the reseller, as in `openrouter/anthropic/claude-sonnet-4.5` and `us.anthropic.claude-opus-5-v1:0`. */
function plainName(model: string): string {
  const last = model.slice(model.lastIndexOf('/') + 1).toLowerCase();
  const own = last.split('anthropic.').at(-1) ?? last;
  return own.startsWith('claude-') ? own.replaceAll('.', '-') : own;
}
