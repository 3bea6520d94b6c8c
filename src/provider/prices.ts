import type { TokenCount } from './provider.ts';

/** US dollars for a million tokens. */
interface Price {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/**
 * The list prices of models on 2026-11-28, by the beginnings of their names: input, output, read from a cache, written to one. From the
 * pages of platform.claude.com (models, pricing), developers.openai.com (models, pricing) and ai.google.dev (pricing), and
 * where those were not at hand from what others copied from them. The standard tier; prompts of a usual length; where a cache
 * can be written for longer at a higher price, that price, which Claude Code mostly pays.
 */
const PRICES: Readonly<
  Record<string, readonly [input: number, output: number, read: number, write: number]>
> = {
  'claude-fable-5-1': [10, 50, 0.25, 20],
  'claude-fable-5': [10, 50, 1, 20],
  'claude-mythos-5-1': [10, 50, 0.25, 20],
  'claude-mythos-5': [10, 50, 1, 20],
  'claude-opus-5-5': [4, 20, 0.2, 8],
  'claude-opus-5': [5, 25, 0.5, 10],
  'claude-opus-4-8': [5, 25, 0.5, 10],
  'claude-opus-4-7': [5, 25, 0.5, 10],
  'claude-opus-4-6': [5, 25, 0.5, 10],
  'claude-opus-4-5': [5, 25, 0.5, 10],
  'claude-opus-4-1': [15, 75, 1.5, 30],
  'claude-opus-4': [15, 75, 1.5, 30],
  'claude-sonnet-5-5': [2, 10, 0.2, 4],
  'claude-sonnet-5': [2, 10, 0.2, 4],
  'claude-sonnet-4-6': [3, 15, 0.3, 6],
  'claude-sonnet-4-5': [3, 15, 0.3, 6],
  'claude-sonnet-4': [3, 15, 0.3, 6],
  'claude-3-7-sonnet': [3, 15, 0.3, 6],
  'claude-haiku-5-5': [0.5, 2.5, 0.05, 1], // long prompts; short ones cost a fifth
  'claude-haiku-4-5': [1, 5, 0.1, 2],
  'claude-3-5-haiku': [0.8, 4, 0.08, 1.6],
  'gpt-6.2-astra': [8, 40, 0.4, 10],
  'gpt-6.2-sol': [2, 10, 0.1, 2.5],
  'gpt-6.1-sol': [2, 10, 0.1, 2.5],
  'gpt-6-astra': [10, 50, 1, 12.5],
  'gpt-6-sol': [2, 10, 0.2, 2.5],
  'gpt-6-luna': [0.1, 0.5, 0.01, 0.125],
  'gpt-5.6-sol': [5, 30, 0.5, 6.25],
  'gpt-5.6-terra': [2, 12, 0.2, 2.5],
  'gpt-5.6-luna': [0.2, 1.2, 0.02, 0.25],
  'gpt-5.5-pro': [30, 180, 30, 30],
  'gpt-5.5': [5, 30, 0.5, 5],
  'gpt-5.4-pro': [30, 180, 30, 30],
  'gpt-5.4-mini': [0.75, 4.5, 0.075, 0.75],
  'gpt-5.4-nano': [0.2, 1.25, 0.02, 0.2],
  'gpt-5.4': [2.5, 15, 0.25, 2.5],
  'gpt-5.3-codex': [1.75, 14, 0.175, 1.75],
  'gpt-5.2-pro': [21, 168, 21, 21],
  'gpt-5.2': [1.75, 14, 0.175, 1.75],
  'gpt-5.1-codex-mini': [0.25, 2, 0.025, 0.25],
  'gpt-5.1': [1.25, 10, 0.125, 1.25],
  'gpt-5-pro': [15, 120, 15, 15],
  'gpt-5-mini': [0.25, 2, 0.025, 0.25],
  'gpt-5-nano': [0.05, 0.4, 0.005, 0.05],
  'gpt-5': [1.25, 10, 0.125, 1.25],
  'codex-mini-latest': [1.5, 6, 0.375, 1.5],
  'gpt-4.1-mini': [0.4, 1.6, 0.1, 0.4],
  'gpt-4.1-nano': [0.1, 0.4, 0.025, 0.1],
  'gpt-4.1': [2, 8, 0.5, 2],
  'o4-mini': [1.1, 4.4, 0.275, 1.1],
  o3: [2, 8, 0.5, 2],
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

/** What tokens cost by the list price of the dearest of these models, in US dollars; undefined: the price of one is unknown. */
export function costOf(models: readonly string[], tokens: TokenCount): number | undefined {
  const costs = models.map((model) => {
    const price = priceOf(model);
    return price === undefined ? Number.NaN : costAt(price, tokens);
  });
  const most = Math.max(...costs);
  return costs.length === 0 || Number.isNaN(most) ? undefined : most;
}

function costAt(price: Price, { input, output, cacheRead, cacheWrite }: TokenCount): number {
  const millionths =
    input * price.input + output * price.output + cacheRead * price.cacheRead + cacheWrite * price.cacheWrite;
  return millionths / 1e6;
}

/** The longest name that this one begins with counts; but another version of a model is another model. */
function priceOf(model: string): Price | undefined {
  const name = plainName(model);
  let best: string | undefined;
  for (const known of Object.keys(PRICES))
    if (isKind(name, known) && known.length > (best?.length ?? 0)) best = known;
  const [input, output, cacheRead, cacheWrite] = PRICES[best ?? ''] ?? [];
  if (input === undefined || output === undefined || cacheRead === undefined || cacheWrite === undefined)
    return undefined;
  return { input, output, cacheRead, cacheWrite };
}

/** `gpt-5-2025-08-07` is a kind of `gpt-5`, `gpt-5.9` is not; `claude-opus-5-9` is none of `claude-opus-5`. */
function isKind(name: string, known: string): boolean {
  return name.startsWith(known) && /^(?:$|[@:[]|-(?!\d{1,2}(?:$|\D)))/.test(name.slice(known.length));
}

/** Without who passes it on, as in `openrouter/anthropic/claude-sonnet-4.5` and `us.anthropic.claude-opus-5-v1:0`. */
function plainName(model: string): string {
  const last = model.slice(model.lastIndexOf('/') + 1).toLowerCase();
  const own = last.split('anthropic.').at(-1) ?? last;
  return own.startsWith('claude-') ? own.replaceAll('.', '-') : own;
}
