import type { CostBasis } from '../../events/event.ts';
import type { Amount } from '../../events/spending.ts';

/** Usage. `cost` null: unknown, so only the tokens count. `basis`: how the cost is known. */
export interface Usage {
  readonly tokens: number;
  readonly cost: number | null;
  readonly basis?: CostBasis | null;
}

/** A part of the budgets, reserved for one attempt. */
export interface Reservation {
  /** The initial amount; `cost` null: money is not limited. */
  readonly tokens: number;
  readonly cost: number | null;
  /** Reports the attempt's usage so far. False: it must stop now. */
  use(usage: Usage): boolean;
  /** Records the final usage and returns the rest. */
  settle(usage: Usage): void;
}

/** What an attempt needs more of. */
export interface Wanted {
  readonly tokens: boolean;
  readonly cost: boolean;
}

/** Stores reservations, in a process or a database. */
export interface Ledger {
  /** A reservation grows once this part of it is used. */
  readonly growAt: number;
  /** Reserves more; undefined when nothing is left. May return a promise; called once at a time. */
  readonly grow: (wanted: Wanted) => Amount | undefined | Promise<Amount | undefined>;
  /** Records the final usage and returns the reservation. */
  readonly settle: (held: Amount, usage: Usage) => void;
}

/** The part of a limit that is reserved at a time; a reservation grows as the attempt goes on. */
export const SLICE = 0.1;
/** An attempt may exceed its reservation by this factor, so that an agent that is nearly done is not stopped. */
const GRACE = 1.2;

/** For an attempt that spends nothing. */
export const NO_RESERVATION: Reservation = { tokens: 0, cost: null, use: () => true, settle: () => {} };

/** Creates a reservation of the amount `first` that grows as its ledger allows. Infinite cost: money is not limited. */
export function createReservation(first: Amount, { growAt, grow, settle }: Ledger): Reservation {
  let held = first;
  let isAsking = false;
  let isRefused = false;
  const lacks = ({ tokens, cost }: Usage, part: number): Wanted => ({
    tokens: tokens > held.tokens * part,
    cost: (cost ?? 0) > held.cost * part,
  });
  const isWithin = (usage: Usage, part: number): boolean => {
    const { tokens, cost } = lacks(usage, part);
    return !tokens && !cost;
  };
  const take = (more: Amount): void => {
    held = { tokens: held.tokens + more.tokens, cost: held.cost + more.cost };
  };
  const ask = async (answer: Promise<Amount | undefined>): Promise<void> => {
    isAsking = true;
    const more = await answer.catch(() => undefined);
    isAsking = false;
    if (more === undefined) isRefused = true;
    else take(more);
  };
  const hasGrown = (usage: Usage): boolean => {
    if (isAsking || isRefused) return false;
    const answer = grow(lacks(usage, growAt));
    if (answer instanceof Promise) void ask(answer);
    else if (answer !== undefined) take(answer);
    return answer !== undefined && !isAsking;
  };
  return {
    tokens: first.tokens,
    cost: Number.isFinite(first.cost) ? first.cost : null,
    use: (usage) => {
      while (!isWithin(usage, growAt)) if (!hasGrown(usage)) break;
      // An attempt is not stopped while the ledger's answer is outstanding.
      return isAsking || isWithin(usage, GRACE);
    },
    settle: (usage) => settle(held, usage),
  };
}
