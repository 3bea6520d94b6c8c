import type { EventBody, RunEvent } from '../../events/event.ts';
import { ENDED, runStatusAfter, type UnitState, unitStateAfter } from '../../events/run-rules.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import type { Graph } from '../../scheduler/graph.ts';
import { decide, endOfRun, stepsOf } from '../../scheduler/scheduler.ts';
import type { Trx } from '../database/database.ts';
import type { RowState, RunPurpose, RunStatus } from '../database/tables.ts';
import { lockRecords, projectRecords, stamp, type StoredRecord, unitsWithRecords } from './event-rows.ts';
import { wakeUnits } from './waking.ts';
import { type ChangedRow, writeRun } from './write-run.ts';

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

/** The units whose rows and records a change is going to need, so that they are read with the run's row. */
export interface Wanted {
  readonly units: readonly string[];
  readonly records: readonly string[];
}

/** What was read with the run's row. */
interface Read {
  readonly wanted: Wanted;
  readonly units: readonly UnitRow[];
  readonly records: ReadonlyMap<string, StoredRecord>;
}

const NOTHING_READ: Read = { wanted: { units: [], records: [] }, units: [], records: new Map() };

/** A claim whose worker has stopped. */
interface EndedClaim {
  readonly unit: string;
  readonly claim: number;
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
  readonly #read: Read;
  readonly #states: Map<string, RowState>;
  readonly #events: EventBody[] = [];
  readonly #changes = new Map<string, RowChange>();
  /** Units whose state differs from their row. */
  readonly #moved = new Map<string, { readonly head: string | null; readonly notBefore: number | null }>();
  readonly #closed: EndedClaim[] = [];
  #status: RunStatus;

  constructor(trx: Trx, run: LockedRun, { start, graph, states }: RunSnapshot, read: Read = NOTHING_READ) {
    this.trx = trx;
    this.#read = read;
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
    const missing = units.filter((unit) => !this.#read.wanted.units.includes(unit));
    const known = new Map(this.#read.units.map((row) => [row.id, row]));
    if (missing.length > 0) {
      const rows = await this.trx
        .selectFrom('units')
        .select(['id', 'state', 'claim', 'batch', 'worker', 'tries', 'deaths'])
        .where('run', '=', this.run.id)
        .where('id', 'in', missing)
        .forNoKeyUpdate()
        .execute();
      for (const row of rows) known.set(row.id, row);
    }
    return new Map(units.flatMap((unit) => known.get(unit) ?? []).map((row) => [row.id, row]));
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

  /** Settles what the claim of a unit reserved: what it used counts, and the rest is free. */
  closeSpending(claim: EndedClaim): void {
    this.#closed.push(claim);
  }

  /** Decides what follows, writes everything, and returns the events. */
  async finish(now: number): Promise<readonly RunEvent[]> {
    const { trx, run } = this;
    const starting = this.#decide();
    const events = stamp(this.#events, { seq: run.seq, at: run.last_at }, now);
    const records = await this.#records(unitsWithRecords(events));
    const wakesUnit = this.#endsUpdate && (await wakeUnits(trx, { ...run, units: this.graph.ids }));
    const last = events.at(-1);
    const states = await writeRun(trx, {
      run: run.id,
      seq: last?.seq ?? run.seq,
      at: last?.at ?? run.last_at,
      status: this.#status,
      events,
      // With the current target; the first event has the first one.
      records: projectRecords(records, { ...this.start, target: run.target }, events),
      units: this.#rows(),
      closed: this.#closed,
      starting,
      leftUnits: this.#endsUpdate ? this.graph.ids : this.#leftUnits(),
      hasRoom: wakesUnit || [...this.#changes.values()].some(({ free }) => free === true),
    });
    for (const { id, state } of states) this.#states.set(id, state);
    return events;
  }

  async #records(units: readonly string[]): Promise<ReadonlyMap<string, StoredRecord>> {
    const missing = units.filter((unit) => !this.#read.wanted.records.includes(unit));
    const more = await lockRecords(this.trx, this.run, missing);
    return new Map([...this.#read.records, ...more]);
  }

  /** Whether this change leaves all as it is that the scheduler looks at: most events of a unit do. */
  get #isAside(): boolean {
    const isFree = [...this.#changes.values()].some(({ free }) => free === true);
    return this.#changes.size > 0 && this.#moved.size === 0 && !isFree && this.#status === this.run.status;
  }

  #decide(): readonly string[] {
    if (this.#status !== 'running' || this.#isAside) return [];
    const units = new Map([...this.#states].map(([id, state]) => [id, SCHEDULED[state]]));
    const limits = { parallelism: Number.POSITIVE_INFINITY };
    const { events, starts, outcome } = stepsOf(decide({ graph: this.graph, units }, limits));
    for (const event of events) this.append(event);
    // A server makes no integration branch.
    if (outcome !== undefined) this.append(endOfRun(outcome, { branch: null, head: null, unmerged: [] }));
    return starts;
  }

  #rows(): readonly ChangedRow[] {
    const ids = new Set([...this.#moved.keys(), ...this.#changes.keys()]);
    return [...ids].map((id) => {
      const moved = this.#moved.get(id);
      const { batch = null, free = false, deaths = null, tries = null } = this.#changes.get(id) ?? {};
      const until = moved?.notBefore ?? null;
      const state = moved === undefined ? null : (this.#states.get(id) ?? null);
      const notBefore = until === null ? null : new Date(until);
      return { id, state, head: moved?.head ?? null, notBefore, batch, free, deaths, tries };
    });
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
