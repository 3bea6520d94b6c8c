import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { RunEvent } from '../events/event.ts';
import { lineOf, nameOfRemote } from '../events/run-story.ts';
import { addUsage, NOTHING_SPENT, type Spending } from '../events/spending.ts';
import type { RunChange } from '../store/runs/run-store.ts';

/** A claim on a unit whose work this process does. */
interface Claimed {
  readonly claim: number;
  readonly since: number;
  readonly spent: Spending;
}

/** Claims that are followed at once; a unit whose claim was forgotten ends without its sums. */
const MAX_CLAIMS = 10_000;

/** Writes the story of the runs that this process changes, a line for each thing that happened, once it is in the database. */
export class RunLog {
  readonly #log: Pick<Logger, 'info'>;
  readonly #claims = new LRUCache<string, Claimed>({ max: MAX_CLAIMS });

  constructor(log: Pick<Logger, 'info'>) {
    this.#log = log;
  }

  /** Writes what a change of a run did. */
  readonly write = ({ start, events, totals }: RunChange): void => {
    const run = { repository: nameOfRemote(start.remote), run: start.run };
    for (const event of events) {
      const line = lineOf(event);
      const unit = 'unit' in event ? { unit: event.unit, ...this.#follow(start.run, event) } : {};
      const sums = line?.message === 'run ended' ? totals : {};
      if (line !== null) this.#log.info({ ...run, ...unit, ...line.facts, ...sums }, line.message);
    }
  };

  /** The claim of an event, with what it took and cost when the event ends it. */
  #follow(run: string, event: RunEvent & { readonly unit: string }): object {
    const key = `${run}/${event.unit}`;
    if (event.type === 'unit.started')
      this.#claims.set(key, { claim: event.claim, since: event.at, spent: NOTHING_SPENT });
    const claimed = this.#claims.get(key);
    if (claimed === undefined) return {};
    const { claim, since, spent } = claimed;
    if (event.type === 'task.provider.done')
      this.#claims.set(key, { ...claimed, spent: addUsage(spent, event) });
    if (!ENDS.has(event.type)) return { claim };
    this.#claims.delete(key);
    return { claim, durationMs: event.at - since, tokens: spent.tokens, cost: costOf(spent) };
  }
}

/** What a process that had the unit is done with. */
const ENDS: ReadonlySet<RunEvent['type']> = new Set([
  'unit.satisfied',
  'unit.completed',
  'unit.failed',
  'unit.cancelled',
  'unit.skipped',
  'unit.released',
]);

/** US dollars; null: the price of something is not known. */
function costOf({ cost, unknownCost }: Spending): number | null {
  return unknownCost ? null : Number(cost.toFixed(6));
}
