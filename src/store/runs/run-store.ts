import { sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { EventBody, RunEvent } from '../../events/event.ts';
import { ENDED } from '../../events/run-rules.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import { graphOf } from '../../scheduler/graph.ts';
import { type Database, retryTransient, type Trx } from '../database/database.ts';
import { readRunTotals, type RunTotals } from './budgets.ts';
import { insertEvents, stamp } from './event-rows.ts';
import {
  claimSource,
  mustWaitForRun,
  findRun,
  findSubmitted,
  insertRun,
  insertUnits,
  lockRun,
  type LockedRows,
  readStart,
} from './run-rows.ts';
import { type RunSnapshot, type LockedRun, RunTransaction, type Wanted } from './run-transaction.ts';
import { isUnitBusy } from './updates.ts';
import { applyUpdates, lostClaim, type ClaimUpdate, wantedFor } from './claim-updates.ts';

/** A run to execute. */
export interface Submission {
  readonly repository: string;
  readonly start: OrchStarted;
  /** What workers need beside the first event; anything that survives JSON. */
  readonly plan: unknown;
  /** Identifies the request; each source submits one run, however often it comes. */
  readonly source?: string;
  /** Writes other rows of the run, in the same transaction. */
  readonly alongside?: (trx: Trx) => Promise<void>;
}

/** A run to insert. */
interface NewRun extends Pick<Submission, 'repository' | 'start' | 'plan'> {
  readonly waits: boolean;
}

/** A change of a run that is in the database. `totals`: of a run that it ended. */
export interface RunChange {
  readonly start: OrchStarted;
  readonly events: readonly RunEvent[];
  readonly totals?: RunTotals | undefined;
}

/** Cache size; other runs are read again. */
const MAX_CACHED_RUNS = 200;
/** A submitted run; `known` is set when it was submitted just now. */
interface SubmittedRun {
  readonly run: string;
  readonly waits: boolean;
  readonly known?: Inserted;
}

interface Inserted extends RunSnapshot {
  readonly seq: number;
  readonly events: readonly RunEvent[];
}

interface PendingUpdate {
  readonly write: ClaimUpdate;
  readonly done: PromiseWithResolvers<void>;
}

/** The runs of a server, and the only way to change one: every change is a run transaction. */
export class RunStore {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #onChange: ((change: RunChange) => void) | undefined;
  /** Snapshots after event `seq`. When the row has a newer event, the states are read again. */
  readonly #known = new LRUCache<string, RunSnapshot & { readonly seq: number }>({ max: MAX_CACHED_RUNS });
  readonly #pending = new Map<string, PendingUpdate[]>();

  /** `onChange` is called after each change that has events. */
  constructor(
    database: Database,
    {
      now = Date.now,
      onChange,
    }: {
      readonly now?: () => number;
      readonly onChange?: ((change: RunChange) => void) | undefined;
    } = {},
  ) {
    this.#database = database;
    this.#now = now;
    this.#onChange = onChange;
  }

  /**
   * Submits a run. It starts now, or when the current run for the same branch has ended. Throws a ChooError (`conflict`) when
   * another run waits for that already.
   */
  async submit({
    repository,
    start,
    plan,
    source,
    alongside,
  }: Submission): Promise<{ readonly run: string; readonly waits: boolean }> {
    const { known, ...result } = await retryTransient(async () =>
      this.#database.transaction().execute(async (trx): Promise<SubmittedRun> => {
        await sql`select 1 from repositories where id = ${repository} for update`.execute(trx);
        if (source !== undefined) {
          const same = await claimSource(trx, repository, source);
          if (same !== undefined) return same;
        }
        const before = await findSubmitted(trx, start.run);
        if (before !== undefined) return before;
        const waits = await mustWaitForRun(trx, repository, start);
        const known = await this.#insert(trx, { repository, start, plan, waits });
        await alongside?.(trx);
        if (source !== undefined)
          await trx.updateTable('requests').set({ run: start.run }).where('source', '=', source).execute();
        return { run: start.run, waits, known };
      }),
    );
    if (known !== undefined) this.#inserted(known);
    return result;
  }

  /**
   * Submits the update of one unit, which starts now, beside any run of its branch. False, and nothing changed: the unit is
   * being worked on, or about to be, or another update of it is open.
   */
  async submitUpdate({
    repository,
    start,
    plan,
  }: Pick<Submission, 'repository' | 'start' | 'plan'>): Promise<boolean> {
    const unit = start.units[0]?.id ?? '';
    const known = await retryTransient(async () =>
      this.#database.transaction().execute(async (trx) => {
        // Blocks other submissions, and claims that are about to start: see hasOpenUpdate.
        await sql`select 1 from repositories where id = ${repository} for update`.execute(trx);
        if ((await findSubmitted(trx, start.run)) !== undefined) return 'submitted' as const;
        if (await isUnitBusy(trx, { repository, target: start.target, unit })) return undefined;
        return this.#insert(trx, { repository, start, plan, waits: false });
      }),
    );
    if (known !== undefined && known !== 'submitted') this.#inserted(known);
    return known !== undefined;
  }

  #inserted({ events, ...known }: Inserted): void {
    this.#known.set(known.start.run, known);
    this.#onChange?.({ start: known.start, events });
  }

  /** Inserts a run with its units and first events; queues units unless it `waits`. */
  async #insert(trx: Trx, { repository, start, plan, waits }: NewRun): Promise<Inserted> {
    const events: EventBody[] = [
      start,
      ...start.units.map(({ id }): EventBody => ({ type: 'unit.queued', unit: id })),
    ];
    const stamped = stamp(events, { seq: 0, at: 0 }, this.#now());
    const { run: id, target } = start;
    const row: LockedRun = {
      id,
      repository,
      target,
      purpose: start.update === null ? 'work' : 'update',
      status: waits ? 'waiting' : 'running',
      seq: stamped.length,
      last_at: stamped.at(-1)?.at ?? 0,
    };
    await insertRun(trx, row, start, plan);
    const graph = graphOf(start);
    await insertUnits(trx, start, graph);
    await insertEvents(trx, id, stamped);
    const states = new Map(start.units.map((unit) => [unit.id, 'waiting' as const]));
    const transaction = new RunTransaction(trx, row, { start, graph, states });
    const more = await transaction.finish(this.#now());
    const seq = row.seq + more.length;
    return { start, graph, states: transaction.states, seq, events: [...stamped, ...more] };
  }

  /**
   * Writes an update of a claim. Concurrent updates of one run share a transaction. Throws a ChooError (`conflict`) when the
   * claim was lost: another worker may have the unit.
   */
  async write(run: string, write: ClaimUpdate): Promise<void> {
    const done = Promise.withResolvers<void>();
    const pending = this.#pending.get(run);
    if (pending === undefined) {
      this.#pending.set(run, [{ write, done }]);
      void this.#writePending(run);
    } else pending.push({ write, done });
    return done.promise;
  }

  /**
   * Changes a run. The changes of `act`, and what follows from them, are one transaction. `act` may be called again after a
   * transient error. Throws a ChooError (`usage`) for an unknown run.
   */
  async change<T>(
    run: string,
    act: (transaction: RunTransaction) => Promise<T>,
    wanted: Wanted = { units: [], records: [] },
  ): Promise<T> {
    let next: string | undefined;
    let change: (RunChange & { readonly isEnd: boolean }) | undefined;
    const result = await retryTransient(async () => {
      const { value, known, told } = await this.#database.transaction().execute(async (trx) => {
        const before = this.#known.get(run);
        const locked = await lockRun(trx, run, { ...wanted, known: before?.seq });
        const { run: row, units } = locked;
        const records = new Map(locked.records.map(({ unit, body }) => [unit, body]));
        const snapshot = before === undefined ? await readSnapshot(trx, locked) : refresh(before, locked);
        const transaction = new RunTransaction(trx, row, snapshot, { wanted, units, records });
        const value = await act(transaction);
        const events = await transaction.finish(this.#now());
        const mayBegin = row.purpose === 'work' && ENDED.has(transaction.status);
        next = mayBegin ? await findRun(trx, row, 'waiting') : undefined;
        const { start, graph, states } = transaction;
        const isEnd = ENDED.has(transaction.status) && !ENDED.has(row.status);
        const known = { start, graph, states, seq: row.seq + events.length };
        return { value, known, told: { start, events, isEnd } };
      });
      this.#known.set(run, known);
      change = told;
      return value;
    });
    await this.#tell(change);
    if (next !== undefined) await this.begin(next);
    return result;
  }

  /** Begins a waiting run, unless another run of its branch is running. */
  async begin(run: string): Promise<void> {
    await this.change(run, async (transaction) => {
      if (transaction.status !== 'waiting') return;
      // Blocks other submissions for this repository.
      await sql`select 1 from repositories where id = ${transaction.run.repository} for update`.execute(
        transaction.trx,
      );
      if ((await findRun(transaction.trx, transaction.run, 'running')) === undefined) transaction.begin();
    });
  }

  /** The first event of a run. Throws a ChooError (`usage`) for an unknown run. */
  async startOf(run: string): Promise<OrchStarted> {
    return this.#known.get(run)?.start ?? readStart(this.#database, run);
  }

  /** Tells of a change, with the sums of a run that ended: read afterwards, so that nothing waits for them. */
  async #tell(change: (RunChange & { readonly isEnd: boolean }) | undefined): Promise<void> {
    if (this.#onChange === undefined || change === undefined || change.events.length === 0) return;
    const { start, events, isEnd } = change;
    const totals = isEnd
      ? await readRunTotals(this.#database, start.run).catch(() => undefined) // a line without sums is enough
      : undefined;
    this.#onChange({ start, events, totals });
  }

  async #writePending(run: string): Promise<void> {
    await new Promise(setImmediate); // collects the updates of the same tick
    for (;;) {
      const batch = this.#pending.get(run) ?? [];
      if (batch.length === 0) {
        this.#pending.delete(run);
        return;
      }
      this.#pending.set(run, []);
      try {
        const writes = batch.map(({ write }) => write);
        const refused = await this.change(
          run,
          (transaction) => applyUpdates(transaction, writes),
          wantedFor(writes),
        );
        for (const { write, done } of batch) {
          if (refused.has(write)) done.reject(lostClaim(run, write));
          else done.resolve();
        }
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
  }
}

async function readSnapshot(trx: Trx, { run, states }: LockedRows): Promise<RunSnapshot> {
  const start = await readStart(trx, run.id);
  return { start, graph: graphOf(start), states: new Map(Object.entries(states ?? {})) };
}

/** A state that changed without an event, from waiting to queued or running, is learned when the unit is to be queued again. */
function refresh(known: RunSnapshot, { states }: LockedRows): RunSnapshot {
  if (states === null) return known;
  return { ...known, states: new Map([...known.states, ...Object.entries(states)]) };
}
