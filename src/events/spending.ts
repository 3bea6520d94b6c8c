import type { CostBasis } from './event.ts';

/** Tokens and US dollars. `cost` Infinity: only the tokens are limited. */
export interface Amount {
  readonly tokens: number;
  readonly cost: number;
}

/**
 * Tokens and money used. `unknownCost`: the price of some tokens is not known. `basis`: how the least certain part of the
 * cost is known; undefined: there is no cost.
 */
export interface Spending extends Amount {
  readonly unknownCost: boolean;
  readonly basis?: CostBasis | undefined;
}

export const NOTHING_SPENT: Spending = { tokens: 0, cost: 0, unknownCost: false };

/** Adds the reported usage of an invocation to earlier usage. */
export function addUsage(
  spent: Spending,
  {
    tokens,
    cost,
    basis,
  }: { readonly tokens: number; readonly cost: number | null; readonly basis?: CostBasis | null },
): Spending {
  return add(spent, {
    tokens,
    cost: cost ?? 0,
    unknownCost: cost === null && tokens > 0,
    basis: cost === null || cost === 0 ? undefined : (basis ?? 'told'),
  });
}

export function sumSpending(all: Iterable<Spending>): Spending {
  let sum = NOTHING_SPENT;
  for (const spending of all) sum = add(sum, spending);
  return sum;
}

function add(one: Spending, other: Spending): Spending {
  return {
    tokens: one.tokens + other.tokens,
    cost: one.cost + other.cost,
    unknownCost: one.unknownCost || other.unknownCost,
    basis: lessCertain(one.basis, other.basis),
  };
}

const FROM_UNCERTAIN = ['reserved', 'computed', 'told'] as const;

function lessCertain(one: CostBasis | undefined, other: CostBasis | undefined): CostBasis | undefined {
  return one === other ? one : FROM_UNCERTAIN.find((basis) => basis === one || basis === other);
}
