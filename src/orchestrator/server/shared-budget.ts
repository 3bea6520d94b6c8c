import { setTimeout as wait } from 'node:timers/promises';
import type { Ceilings } from '../../config/ceilings.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import type { Database } from '../../store/database/database.ts';
import { findReachedLimit, setAside, type Spender, type SpendingLimits } from '../../store/runs/budgets.ts';
import type { Refusal } from '../../worker/agent/budget.ts';
import { createReservation, type Reservation, SLICE } from '../../worker/agent/reservation.ts';
import { budgetOf } from '../run-start.ts';

/** More is asked for when so much of it is used. */
const RENEW_AT = 0.5;
/** How long one who waits for others to give back waits before asking again. Milliseconds. */
const POLL_MS = 1_000;

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
    return findReachedLimit(this.#database, this.#spender, this.#limits);
  }

  /** Sets a part aside; waits while the rest of the run's budget is held by units that may not need it. */
  async reserve(_unit: string, signal: AbortSignal): Promise<Reservation | Refusal> {
    for (;;) {
      signal.throwIfAborted();
      const answer = await setAside(this.#database, this.#spender, this.#limits, SLICE);
      if (answer.kind === 'held') return this.#reservation(answer.amount);
      if (answer.kind === 'used-up') return answer;
      await wait(POLL_MS, undefined, { signal });
    }
  }

  #reservation(first: SpendingLimits['run']): Reservation {
    const isCostBound = Object.values(this.#limits).some(({ cost }) => Number.isFinite(cost));
    return createReservation(isCostBound ? first : { ...first, cost: Number.POSITIVE_INFINITY }, {
      growAt: RENEW_AT,
      grow: async (wanted) => {
        const answer = await setAside(this.#database, this.#spender, this.#limits, SLICE, wanted);
        return answer.kind === 'held' ? answer.amount : undefined;
      },
      settle: () => {}, // the end of the attempt gives the rest back
    });
  }
}

/** The limits of a run that has started, held to the ceilings of today, and those of the day. */
export function spendingLimits(limits: OrchStarted['limits'], ceilings: Ceilings): SpendingLimits {
  const { unit, run } = budgetOf(limits);
  return {
    unit,
    run: {
      tokens: Math.min(run.tokens, ceilings.CHOO_MAX_TOKENS_RUN),
      cost: Math.min(run.cost, ceilings.CHOO_MAX_COST_RUN),
    },
    installation: {
      tokens: ceilings.CHOO_MAX_TOKENS_INSTALLATION_DAY,
      cost: ceilings.CHOO_MAX_COST_INSTALLATION_DAY,
    },
    server: { tokens: ceilings.CHOO_MAX_TOKENS_DAY, cost: ceilings.CHOO_MAX_COST_DAY },
  };
}
