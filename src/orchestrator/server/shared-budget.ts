import { setTimeout as wait } from 'node:timers/promises';
import type { Ceilings } from '../../config/ceilings.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import type { Database } from '../../store/database/database.ts';
import { findUsedUpLimit, setAside, type Spender, type SpendingLimits } from '../../store/runs/spending.ts';
import type { Refusal, Reservation, Usage } from '../../worker/agent/budget.ts';

/** The part of a limit that is set aside at a time. */
const SLICE = 0.1;
/** An attempt may go this far beyond what is set aside for it. */
const GRACE = 1.2;
/** More is asked for when so much of it is used. */
const LOW = 0.5;
/** How long one who waits for others to give back waits before asking again. Milliseconds. */
const ASK_AGAIN_MS = 1_000;

/**
 * The budgets of a run whose units work in many processes: what is set aside is a row that all of them count. What is used is
 * told by the events of the attempt, and its end gives the rest back; nothing is written here for that.
 */
export class SharedBudget {
  readonly #database: Database;
  readonly #spender: Spender;
  readonly #limits: SpendingLimits;

  constructor(database: Database, spender: Spender, limits: SpendingLimits) {
    this.#database = database;
    this.#spender = spender;
    this.#limits = limits;
  }

  /** A limit that is used up before the unit has spent anything; undefined: none. */
  async refusal(): Promise<Refusal | undefined> {
    return findUsedUpLimit(this.#database, this.#spender, this.#limits);
  }

  /** Sets a part aside; waits while the rest of the run's budget is held by units that may not need it. */
  async reserve(_unit: string, signal: AbortSignal): Promise<Reservation | Refusal> {
    for (;;) {
      signal.throwIfAborted();
      const answer = await setAside(this.#database, this.#spender, this.#limits, SLICE);
      if (answer.kind === 'held') return this.#reservation(answer.amount);
      if (answer.kind === 'used-up') return answer;
      await wait(ASK_AGAIN_MS, undefined, { signal });
    }
  }

  #reservation(first: SpendingLimits['run']): Reservation {
    const isCostBound = Object.values(this.#limits).some(({ cost }) => Number.isFinite(cost));
    let held = first;
    let asking = false;
    let refused = false;
    const isWithin = ({ tokens, cost }: Usage, grace: number): boolean =>
      tokens <= held.tokens * grace && (!isCostBound || (cost ?? 0) <= held.cost * grace);
    const ask = async (usage: Usage): Promise<void> => {
      const wanted = {
        tokens: usage.tokens > held.tokens * LOW,
        cost: isCostBound && (usage.cost ?? 0) > held.cost * LOW,
      };
      const answer = await setAside(this.#database, this.#spender, this.#limits, SLICE, wanted);
      if (answer.kind !== 'held') refused = true;
      else held = { tokens: held.tokens + answer.amount.tokens, cost: held.cost + answer.amount.cost };
    };
    return {
      tokens: first.tokens,
      cost: isCostBound ? first.cost : null,
      use: (usage) => {
        if (!asking && !refused && !isWithin(usage, LOW)) {
          asking = true;
          ask(usage)
            .catch(() => (refused = true))
            .finally(() => (asking = false));
        }
        // While more is being asked for, nobody is stopped for the answer that has not come.
        return asking || isWithin(usage, GRACE);
      },
      settle: () => {},
    };
  }
}

/** The limits of a run that has started, held to the ceilings of today, and those of the day. */
export function spendingLimits(
  { unitTokens, unitCost, runTokens, runCost }: OrchStarted['limits'],
  ceilings: Ceilings,
): SpendingLimits {
  return {
    unit: { tokens: unitTokens, cost: unitCost ?? Number.POSITIVE_INFINITY },
    run: {
      tokens: Math.min(runTokens, ceilings.CHOO_MAX_TOKENS_RUN),
      cost: Math.min(runCost ?? Number.POSITIVE_INFINITY, ceilings.CHOO_MAX_COST_RUN),
    },
    installation: {
      tokens: ceilings.CHOO_MAX_TOKENS_INSTALLATION_DAY,
      cost: ceilings.CHOO_MAX_COST_INSTALLATION_DAY,
    },
    server: { tokens: ceilings.CHOO_MAX_TOKENS_DAY, cost: ceilings.CHOO_MAX_COST_DAY },
  };
}
