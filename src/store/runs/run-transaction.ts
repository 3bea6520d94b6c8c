import { sql } from 'kysely';
import type { EventBody, RunEvent } from '../../events/event.ts';
import { ENDED, runStatusAfter, type UnitState, unitStateAfter } from '../../events/run-rules.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import type { Graph } from '../../scheduler/graph.ts';
import { decide, endOfRun, stepsOf } from '../../scheduler/scheduler.ts';
import type { Trx } from '../database/database.ts';
import { notify, type Notification } from '../database/notifications.ts';
import type { RowState, RunPurpose, RunStatus } from '../database/tables.ts';
import { insertEvents, projectRecords, stamp } from './event-rows.ts';
import { QUARANTINE_AFTER } from './quarantine.ts';
import { wakeReports, wakeUnits } from './waking.ts';

/** A run's row, locked. */
export interface LockedRun {
  readonly id: string;
  readonly repository: string;
  readonly target: string;
  readonly purpose: RunPurpose;
  readonly status: RunStatus;
  readonly seq: number;
  readonly last_at: number;
}

/** A unit's row. */
export interface UnitRow {
  readonly id: string;
  readonly state: RowState;
  readonly claim: number;
  readonly batch: number;
  readonly worker: number | null;
  readonly tries: number;
  readonly deaths: number;
}

/** Changes of a unit's row that do not follow from its events. */
interface RowChange {
  readonly batch?: number;
  /** No worker has it any more. */
  readonly free?: true;
  readonly deaths?: number;
  readonly tries?: number;
}

/** What a process caches of a run: what never changes, and the states of its units. */
export interface RunSnapshot {
  readonly start: OrchStarted;
  readonly graph: Graph;
  readonly states: ReadonlyMap<string, RowState>;
}

/**
 * One change of one run, in one transaction that locks its row. Callers append events, and {@link finish} adds what follows
 * from them by the scheduler's rules. Events, rows and records change together or not at all.
 */
export class RunTransaction {
  readonly trx: Trx;
  readonly run: LockedRun;
  readonly start: OrchStarted;
  readonly graph: Graph;
  readonly #states: Map<string, RowState>;
  readonly #events: EventBody[] = [];
  readonly #changes = new Map<string, RowChange>();
  /** Units whose state differs from their row. */
  readonly #moved = new Map<string, { readonly head: string | null; readonly notBefore: number | null }>();
  #status: RunStatus;

  constructor(trx: Trx, run: LockedRun, { start, graph, states }: RunSnapshot) {
    this.trx = trx;
    this.run = run;
    this.start = start;
    this.graph = graph;
    this.#states = new Map(states);
    this.#status = run.status;
  }

  get status(): RunStatus {
    return this.#status;
  }

  /** The states of its units after all appended events. */
  get states(): ReadonlyMap<string, RowState> {
    return this.#states;
  }

  /** The rows of units as they are in the database; locked, so that none is claimed before this change is written. */
  async rows(units: readonly string[]): Promise<ReadonlyMap<string, UnitRow>> {
    if (units.length === 0) return new Map();
    const rows = await this.trx
      .selectFrom('units')
      .select(['id', 'state', 'claim', 'batch', 'worker', 'tries', 'deaths'])
      .where('run', '=', this.run.id)
      .where('id', 'in', [...units])
      .forNoKeyUpdate()
      .execute();
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Appends an event. */
  append(event: EventBody): void {
    this.#events.push(event);
    if (!('unit' in event)) {
      const status = runStatusAfter(event, this.#status);
      // Only a local run is interrupted; a server releases its units instead.
      if (status !== 'interrupted') this.#status = status;
      return;
    }
    const state = unitStateAfter(event);
    // A unit is `running` from its claim on, so `unit.started` changes nothing.
    if (state === undefined || state === 'running') return;
    this.#states.set(event.unit, state === 'pending' ? 'waiting' : state);
    this.#moved.set(event.unit, {
      head: 'head' in event ? event.head : null,
      notBefore: event.type === 'unit.released' ? event.until : null,
    });
  }

  /** Changes what does not follow from events in a unit's row. */
  change(unit: string, change: RowChange): void {
    this.#changes.set(unit, { ...this.#changes.get(unit), ...change });
  }

  /** Sets a unit to `queued`: it may be claimed again. */
  queued(unit: string): void {
    this.#states.set(unit, 'queued');
    this.#moved.set(unit, { head: null, notBefore: null });
  }

  /** Begins a run that waited for another. */
  begin(): void {
    this.#status = 'running';
  }

  /** Decides what follows, writes everything, and returns the events. */
  async finish(now: number): Promise<readonly RunEvent[]> {
    const { trx, run } = this;
    const starting = this.#decide();
    const events = stamp(this.#events, { seq: run.seq, at: run.last_at }, now);
    await insertEvents(trx, run.id, events);
    // With the current target; the first event has the first one.
    await projectRecords(trx, run.repository, { ...this.start, target: run.target }, events);
    await this.#writeRows();
    const enqueued = await this.#enqueue(starting);
    const wakesReport = await this.#wakeReports();
    const wakesUnit = this.#endsUpdate && (await wakeUnits(trx, { ...run, units: this.graph.ids }));
    await this.#writeRun(events.at(-1));
    const isRoom = enqueued || wakesUnit || [...this.#changes.values()].some(({ free }) => free === true);
    const notices: Notification[] = [
      ...(events.length > 0 ? [{ about: 'run' as const, run: run.id, seq: run.seq + events.length }] : []),
      ...(isRoom ? [{ about: 'ready' as const }] : []),
      ...(wakesReport ? [{ about: 'report' as const }] : []),
    ];
    if (notices.length > 0) await notify(...notices).execute(trx);
    return events;
  }

  #decide(): readonly string[] {
    if (this.#status !== 'running') return [];
    const units = new Map([...this.#states].map(([id, state]) => [id, SCHEDULED[state]]));
    const limits = { parallelism: Number.POSITIVE_INFINITY };
    const { events, starts, outcome } = stepsOf(decide({ graph: this.graph, units }, limits));
    for (const event of events) this.append(event);
    // A server makes no integration branch.
    if (outcome !== undefined) this.append(endOfRun(outcome, { branch: null, head: null, unmerged: [] }));
    return starts;
  }

  /** Queues units. One whose last worker has not stopped yet is left waiting. */
  async #enqueue(units: readonly string[]): Promise<boolean> {
    if (units.length === 0) return false;
    const { rows } = await sql<{ id: string }>`
      update units set state = 'queued', tries = case when deaths < ${QUARANTINE_AFTER} then 0 else tries end
      where run = ${this.run.id} and id = any(${[...units]}::text[]) and state = 'waiting' and worker is null
      returning id`.execute(this.trx);
    for (const { id } of rows) this.#states.set(id, 'queued');
    return rows.length > 0;
  }

  async #writeRows(): Promise<void> {
    const ids = [...new Set([...this.#moved.keys(), ...this.#changes.keys()])];
    if (ids.length === 0) return;
    const moved = ids.map((id) => this.#moved.get(id));
    const changed = ids.map((id) => this.#changes.get(id));
    const states = ids.map((id) => (this.#moved.has(id) ? (this.#states.get(id) ?? null) : null));
    const heads = moved.map((each) => each?.head ?? null);
    const notBefore = moved.map((each) =>
      each?.notBefore === undefined || each.notBefore === null ? null : new Date(each.notBefore),
    );
    const batches = changed.map((each) => each?.batch ?? null);
    const free = changed.map((each) => each?.free === true);
    const deaths = changed.map((each) => each?.deaths ?? null);
    const tries = changed.map((each) => each?.tries ?? null);
    await sql`
      update units set
        state = coalesce(new.state, units.state),
        head = case when new.state = 'complete' then new.head else coalesce(new.head, units.head) end,
        not_before = case when new.state is null then units.not_before
                          else coalesce(new.not_before, '-infinity') end,
        batch = coalesce(new.batch, units.batch),
        worker = case when new.free then null else units.worker end,
        deaths = coalesce(new.deaths, units.deaths),
        tries = coalesce(new.tries, units.tries)
      from unnest(${ids}::text[], ${states}::text[], ${heads}::text[], ${notBefore}::timestamptz[],
                  ${batches}::int[], ${free}::bool[], ${deaths}::int[], ${tries}::int[])
        as new (id, state, head, not_before, batch, free, deaths, tries)
      where units.run = ${this.run.id} and units.id = new.id`.execute(this.trx);
  }

  /**
   * Has the runs published again that did the work of units which nothing works on any more: their next step may have waited for
   * that. Returns whether there is one.
   */
  async #wakeReports(): Promise<boolean> {
    const { repository, target, id } = this.run;
    const units = this.#endsUpdate ? [...this.graph.ids] : this.#leftUnits();
    // A run with new events is published anyway.
    return wakeReports(this.trx, { repository, target, units, except: this.#events.length > 0 ? id : null });
  }

  /** Whether this change ends the update of a branch. */
  get #endsUpdate(): boolean {
    return this.start.update !== null && ENDED.has(this.#status) && !ENDED.has(this.run.status);
  }

  /** The units that this change ended without completing their work, or whose worker stopped after their end. */
  #leftUnits(): readonly string[] {
    const ended = this.#events.flatMap((event) =>
      LEFT.has(event.type) && 'unit' in event ? [event.unit] : [],
    );
    const freed = [...this.#changes].flatMap(([unit, { free }]) =>
      free === true && !this.#moved.has(unit) ? [unit] : [],
    );
    return [...ended, ...freed];
  }

  async #writeRun(last: RunEvent | undefined): Promise<void> {
    const { id, status, seq, last_at } = this.run;
    if (last === undefined && status === this.#status) return;
    const ended = ENDED.has(this.#status);
    await this.trx
      .updateTable('runs')
      .set({ seq: last?.seq ?? seq, last_at: last?.at ?? last_at, status: this.#status })
      .$if(ended && !ENDED.has(status), (query) => query.set({ ended_at: sql<Date>`now()` }))
      .$if(!ended && ENDED.has(status), (query) => query.set({ ended_at: null }))
      .where('id', '=', id)
      .execute();
  }
}

/** The ends of a unit after which another run may still be the one that did its work. */
const LEFT: ReadonlySet<EventBody['type']> = new Set([
  'unit.satisfied',
  'unit.failed',
  'unit.blocked',
  'unit.cancelled',
  'unit.skipped',
]);

/** The states as the scheduler sees them: a queued unit counts as running. */
const SCHEDULED: Readonly<Record<RowState, UnitState>> = {
  waiting: 'pending',
  queued: 'running',
  running: 'running',
  complete: 'complete',
  failed: 'failed',
  blocked: 'blocked',
  cancelled: 'cancelled',
  skipped: 'skipped',
};
