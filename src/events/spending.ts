/** Money and tokens that were used. `unknownCost`: some of it was spent where nobody says the price. */
export interface Spending {
  readonly tokens: number;
  readonly cost: number;
  readonly unknownCost: boolean;
}

export const NOTHING_SPENT: Spending = { tokens: 0, cost: 0, unknownCost: false };

/** What an invocation is said to have used, on top of what was used before. */
export function addUsage(
  spent: Spending,
  { tokens, cost }: { readonly tokens: number; readonly cost: number | null },
): Spending {
  return {
    tokens: spent.tokens + tokens,
    cost: spent.cost + (cost ?? 0),
    unknownCost: spent.unknownCost || (cost === null && tokens > 0),
  };
}

export function sumSpending(all: Iterable<Spending>): Spending {
  let sum = NOTHING_SPENT;
  for (const { tokens, cost, unknownCost } of all)
    sum = {
      tokens: sum.tokens + tokens,
      cost: sum.cost + cost,
      unknownCost: sum.unknownCost || unknownCost,
    };
  return sum;
}
