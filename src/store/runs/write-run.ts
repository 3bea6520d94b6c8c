import { sql } from 'kysely';
import type { RunEvent } from '../../events/event.ts';
import type { Trx } from '../database/database.ts';
import type { RowState, RunStatus } from '../database/tables.ts';
import type { StoredRecord } from './event-rows.ts';

/** What changes in a unit's row; null: stays. A new state sets `notBefore`, too. */
export interface ChangedRow {
  readonly id: string;
  readonly state: RowState | null;
  readonly head: string | null;
  readonly notBefore: Date | null;
  readonly batch: number | null;
  /** No worker has it any more. */
  readonly free: boolean;
  readonly deaths: number | null;
  readonly tries: number | null;
}

/** One change of a run, as it is written. */
interface RunWrite {
  readonly run: string;
  /** Number and time of its last event now, and its status. */
  readonly seq: number;
  readonly at: number;
  readonly status: RunStatus;
  readonly events: readonly RunEvent[];
  readonly records: ReadonlyMap<string, StoredRecord>;
  readonly units: readonly ChangedRow[];
  /** Claims that ended: what they reserved is settled. */
  readonly closed: readonly { readonly unit: string; readonly claim: number }[];
  /** Units to queue. */
  readonly starting: readonly string[];
  /** Units that nothing works on any more, but that are not complete. */
  readonly leftUnits: readonly string[];
  /** Whether slots became free, or units may be claimed. */
  readonly hasRoom: boolean;
}

/**
 * Writes a change of a run, whose row must be locked, and notifies the other processes: one statement. Returns the states that
 * the units to queue have now; one whose last worker has not stopped yet is left waiting.
 */
export async function writeRun(
  trx: Trx,
  { run, seq, at, status, events, records, units, closed, starting, leftUnits, hasRoom }: RunWrite,
): Promise<readonly { readonly id: string; readonly state: RowState }[]> {
  // As arrays: thousands of events would exceed the limit of parameters of a statement.
  const e = events.map(({ seq: number, at: time, ...body }) => ({
    number,
    time,
    unit: 'unit' in body ? body.unit : null,
    body: JSON.stringify(body),
  }));
  const { rows } = await sql<{ id: string; state: RowState }>`
    select id, state from write_run(
      ${run}::text, ${seq}::int, ${at}::float8, ${status}::text, ${events.length > 0}::bool, ${hasRoom}::bool,
      ${e.map(({ number }) => number)}::int[], ${e.map(({ time }) => time)}::float8[],
      ${e.map(({ unit }) => unit)}::text[], ${e.map(({ body }) => body)}::text[],
      ${[...records.keys()]}::text[], ${[...records.values()].map((record) => JSON.stringify(record))}::text[],
      ${units.map(({ id }) => id)}::text[], ${units.map(({ state }) => state)}::text[],
      ${units.map(({ head }) => head)}::text[], ${units.map(({ notBefore }) => notBefore)}::timestamptz[],
      ${units.map(({ batch }) => batch)}::int[], ${units.map(({ free }) => free)}::bool[],
      ${units.map(({ deaths }) => deaths)}::int[], ${units.map(({ tries }) => tries)}::int[],
      ${closed.map(({ unit }) => unit)}::text[], ${closed.map(({ claim }) => claim)}::int[],
      ${[...starting]}::text[], ${[...leftUnits]}::text[])`.execute(trx);
  return rows;
}
