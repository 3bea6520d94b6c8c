import type { Outcome } from '../../provider/outcome/outcome.ts';
import { costOf } from '../../provider/prices.ts';
import type { AgentEvent, Provider } from '../../provider/provider.ts';
import type { Reservation, Usage } from './reservation.ts';

/** With these the provider took no work, where the agent did none before. */
const NO_WORK: ReadonlySet<Outcome['kind']> = new Set([
  'rate-limited',
  'overloaded',
  'not-authenticated',
  'misconfigured',
  'missing',
]);

/** Whether an agent spends nothing: it has no network. */
export function isFree({ profile }: Pick<Provider, 'profile'>): boolean {
  return profile === 'gate';
}

/** What one invocation uses, by what its stream tells and by list prices. */
export class Meter {
  readonly #assigned: readonly string[];
  readonly #spendsNothing: boolean;
  #told: Usage | undefined;
  #works = false;

  /** `model`: the one it was started with. `spendsNothing`: see {@link isFree}. */
  constructor(model: string | undefined, spendsNothing: boolean) {
    this.#assigned = model === undefined ? [] : [model];
    this.#spendsNothing = spendsNothing;
  }

  get usage(): Usage {
    const nothing: Usage = this.#spendsNothing
      ? { tokens: 0, cost: 0, basis: 'told' }
      : { tokens: 0, cost: null, basis: null };
    return this.#told ?? nothing;
  }

  /** Takes an event of the stream; true: what it used so far has changed. */
  take(event: AgentEvent): boolean {
    if (event.type === 'text' || event.type === 'tool') this.#works = true;
    if (event.type !== 'usage') return false;
    const { tokens, costUsd, models } = event;
    // All but those read from a cache, which cost next to nothing, count against a budget of tokens.
    const billed = tokens.input + tokens.output + tokens.cacheWrite;
    const cost = costUsd ?? costOf(models.length === 0 ? this.#assigned : models, tokens) ?? null;
    this.#told = {
      tokens: billed,
      cost,
      basis: cost === null ? null : costUsd === null ? 'computed' : 'told',
    };
    return true;
  }

  /** What the attempt is charged with: where its cost is not known, what was set aside for it. */
  charge(outcome: Outcome, reservation: Pick<Reservation, 'tokens' | 'cost'>): Usage {
    const { usage } = this;
    if (usage.cost !== null) return usage;
    if (this.#told === undefined && !this.#works && NO_WORK.has(outcome.kind)) return usage;
    const tokens =
      this.#told === undefined && Number.isFinite(reservation.tokens) ? reservation.tokens : usage.tokens;
    return reservation.cost === null
      ? { ...usage, tokens }
      : { tokens, cost: reservation.cost, basis: 'reserved' };
  }
}
