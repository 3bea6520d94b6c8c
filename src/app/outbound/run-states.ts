import { LRUCache } from 'lru-cache';
import { advance, foldEvents, type RunState } from '../../events/state.ts';
import type { Database } from '../../store/database/database.ts';
import { readEvents } from '../../store/runs/event-rows.ts';

/** Reads run states from events. Cached states read only newer events. */
export class RunStates {
  readonly #database: Database;
  readonly #known = new LRUCache<string, RunState>({ max: 50 });

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined when the run no longer exists. */
  async read(run: string): Promise<RunState | undefined> {
    const before = this.#known.get(run);
    const events = await readEvents(this.#database, run, { after: before?.seq ?? 0 });
    const state =
      before === undefined
        ? foldEvents(events)
        : events.reduce<RunState | undefined>((known, event) => advance(known, event), before);
    this.#known.set(run, state); // undefined deletes it
    return state;
  }
}
