import type { Outcome } from '../../provider/outcome/outcome.ts';
import { costOf } from '../../provider/prices.ts';
import type { AgentEvent, Provider } from '../../provider/provider.ts';
import type { Reservation, Usage } from './reservation.ts';

/** Outcomes of invocations that the provider did not accept, unless the agent worked before. */
const NO_WORK: ReadonlySet<Outcome['kind']> = new Set([
  'rate-limited',
  'overloaded',
  'not-authenticated',
  'misconfigured',
  'missing',
]);

/** Whether an agent spends nothing because it has no network. */
export function isFree({ profile }: Pick<Provider, 'profile'>): boolean {
  return profile === 'gate';
}

/** Measures one invocation's usage from its stream and list prices. */
export class Meter {
  readonly #assigned: readonly string[];
  readonly #spendsNothing: boolean;
  #reported: Usage | undefined;
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
    return this.#reported ?? nothing;
  }

  /** Takes an event of the stream. True when the usage has changed. */
  take(event: AgentEvent): boolean {
    if (event.type === 'text' || event.type === 'tool') this.#works = true;
    if (event.type !== 'usage') return false;
    const { tokens, costUsd, models } = event;
    // Tokens read from a cache cost next to nothing and do not count against the budget.
    const billed = tokens.input + tokens.output + tokens.cacheWrite;
    const cost = costUsd ?? costOf(models.length === 0 ? this.#assigned : models, tokens) ?? null;
    this.#reported = {
      tokens: billed,
      cost,
      basis: cost === null ? null : costUsd === null ? 'computed' : 'told',
    };
    return true;
  }

  /** What the attempt is charged: its reservation when its cost is unknown. */
  charge(outcome: Outcome, reservation: Pick<Reservation, 'tokens' | 'cost'>): Usage {
    const { usage } = this;
    if (usage.cost !== null) return usage;
    if (this.#reported === undefined && !this.#works && NO_WORK.has(outcome.kind)) return usage;
    const tokens =
      this.#reported === undefined && Number.isFinite(reservation.tokens) ? reservation.tokens : usage.tokens;
    return reservation.cost === null
      ? { ...usage, tokens }
      : { tokens, cost: reservation.cost, basis: 'reserved' };
  }
}
