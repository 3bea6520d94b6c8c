import type { CostBasis } from '../../events/event.ts';
import type { Amount } from '../../events/spending.ts';

/** What was used; `cost` null: nobody knows, so only the tokens count. `basis` says how it is known. */
export interface Usage {
  readonly tokens: number;
  readonly cost: number | null;
  readonly basis?: CostBasis | null;
}

/** A part of the budgets, set aside for one attempt. */
export interface Reservation {
  /** What was set aside at first; `cost` null: money is not limited. */
  readonly tokens: number;
  readonly cost: number | null;
  /** Says what the attempt has used so far; false: it must stop now. */
  use(usage: Usage): boolean;
  /** Counts what was used in the end and gives the rest back. */
  settle(usage: Usage): void;
}

/** Of what an attempt wants more. */
export interface Wanted {
  readonly tokens: boolean;
  readonly cost: boolean;
}

/** Where a reservation is kept, among all that others hold. */
export interface Ledger {
  /** More is wanted once this part of what is held is used. */
  readonly growAt: number;
  /** Sets more aside; undefined: there is none. A ledger that must ask elsewhere says so by a promise; it is asked once at a time. */
  readonly grow: (wanted: Wanted) => Amount | undefined | Promise<Amount | undefined>;
  /** Counts what was used in the end, and gives what was held back. */
  readonly settle: (held: Amount, usage: Usage) => void;
}

/** The part of a limit that is set aside at a time; an attempt sets more aside as it goes on. */
export const SLICE = 0.1;
/** An attempt may go this far beyond what it could set aside, so that an agent that is nearly done is not cut off. */
const GRACE = 1.2;

/** For an attempt that spends nothing. */
export const NO_RESERVATION: Reservation = { tokens: 0, cost: null, use: () => true, settle: () => {} };

/** A reservation of what was set aside `first`; it grows as its ledger lets it. An endless cost: money is not limited. */
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
      // While more is being asked for, no attempt is stopped for the answer that has not come.
      return isAsking || isWithin(usage, GRACE);
    },
    settle: (usage) => settle(held, usage),
  };
}
