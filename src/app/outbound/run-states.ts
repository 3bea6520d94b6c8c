import { advance, foldEvents, type RunState } from '../../events/state.ts';
import type { Database } from '../../store/database/database.ts';
import { readEvents } from '../../store/runs/event-rows.ts';

/** How many runs are kept in mind. */
const KEPT = 50;

/** Runs as their events tell them; of one that was looked at before only what is new is read. */
export class RunStates {
  readonly #database: Database;
  readonly #known = new Map<string, RunState>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined: there is no such run any more. */
  async read(run: string): Promise<RunState | undefined> {
    const before = this.#known.get(run);
    const events = await readEvents(this.#database, run, { after: before?.seq ?? 0 });
    const state =
      before === undefined
        ? foldEvents(events)
        : events.reduce<RunState | undefined>((known, event) => advance(known, event), before);
    this.#known.delete(run);
    if (state !== undefined) this.#known.set(run, state);
    for (const oldest of [...this.#known.keys()].slice(0, -KEPT)) this.#known.delete(oldest);
    return state;
  }
}
