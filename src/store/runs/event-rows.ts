import { sql } from 'kysely';
import { ChooError } from '../../errors.ts';
import { type EventBody, parseEvent, type RunEvent } from '../../events/event.ts';
import type { UnitRecord } from '../../events/store.ts';
import { type OrchStarted, projectRecord, affectsRecord } from '../../events/unit-record.ts';
import type { Database, Trx } from '../database/database.ts';

/** Number and time of the event before. */
export interface LastEvent {
  readonly seq: number;
  readonly at: number;
}

/** Adds numbers and times to events; times never go back within a run. */
export function stamp(
  events: readonly EventBody[],
  { seq, at }: LastEvent,
  now: number,
): readonly RunEvent[] {
  const time = Math.max(now, at);
  return events.map((event, index) => ({ ...event, seq: seq + index + 1, at: time }));
}

/** Adds the rows of events. The row of their run must be locked. */
export async function insertEvents(trx: Trx, run: string, events: readonly RunEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map(({ seq, at, ...body }) => ({
    seq,
    at,
    unit: 'unit' in body ? body.unit : null,
    body: JSON.stringify(body),
  }));
  // As arrays: thousands of events would exceed the limit of parameters of a statement.
  await sql`
    insert into events (run, seq, at, unit, body)
    select ${run}, seq, at, unit, body::json
    from unnest(${rows.map(({ seq }) => seq)}::int[], ${rows.map(({ at }) => at)}::float8[],
                ${rows.map(({ unit }) => unit)}::text[], ${rows.map(({ body }) => body)}::text[])
      as row (seq, at, unit, body)`.execute(trx);
}

/** The events of a run after a number, optionally of one unit only. Throws a ChooError (`environment`) for an unknown one. */
export async function readEvents(
  database: Database,
  run: string,
  { after = 0, unit }: { readonly after?: number; readonly unit?: string } = {},
): Promise<readonly RunEvent[]> {
  let query = database
    .selectFrom('events')
    .select(['seq', 'at', 'body'])
    .where('run', '=', run)
    .where('seq', '>', after)
    .orderBy('seq');
  if (unit !== undefined) query = query.where('unit', '=', unit);
  return (await query.execute()).map(({ seq, at, body }) => {
    const event = parseEvent({ ...(body as object), seq, at });
    if (event !== undefined) return event;
    throw new ChooError('environment', `event ${seq} of run ${run} has a type that this choo does not know`, {
      hint: 'a newer choo wrote it: update this one',
    });
  });
}

/** A unit record as it is stored: target and unit are columns. */
export type StoredRecord = Omit<UnitRecord, 'target' | 'unit'>;

/** The units whose records events can change. */
export function unitsWithRecords(events: readonly EventBody[]): readonly string[] {
  return [...new Set(events.flatMap((event) => (affectsRecord(event) ? [event.unit] : [])))];
}

/** Locks and reads the records of units. */
export async function lockRecords(
  trx: Trx,
  { repository, target }: { readonly repository: string; readonly target: string },
  units: readonly string[],
): Promise<ReadonlyMap<string, StoredRecord>> {
  if (units.length === 0) return new Map();
  const rows = await trx
    .selectFrom('records')
    .select(['unit', 'body'])
    .where('repository', '=', repository)
    .where('target', '=', target)
    .where('unit', 'in', [...units])
    .forUpdate()
    .execute();
  return new Map(rows.map(({ unit, body }) => [unit, body]));
}

/** The records that events of one run change, by unit, as they are after them. Pure. */
export function projectRecords(
  records: ReadonlyMap<string, StoredRecord>,
  start: OrchStarted,
  events: readonly RunEvent[],
): ReadonlyMap<string, StoredRecord> {
  const { target } = start;
  const changed = new Map<string, StoredRecord>();
  for (const [unit, own] of Map.groupBy(events.filter(affectsRecord), (event) => event.unit)) {
    const stored = records.get(unit);
    const before: UnitRecord | undefined = stored && { ...stored, target, unit };
    const after = own.reduce<UnitRecord | undefined>(
      (record, event) => projectRecord(record, start, event),
      before,
    );
    if (after !== undefined && after !== before) changed.set(unit, after);
  }
  return changed;
}

/** The record of a unit of a repository. */
export async function readRecord(
  database: Database,
  repository: string,
  target: string,
  unit: string,
): Promise<UnitRecord | undefined> {
  const row = await database
    .selectFrom('records')
    .select('body')
    .where('repository', '=', repository)
    .where('target', '=', target)
    .where('unit', '=', unit)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row.body, target, unit };
}

/** The records of a repository's units for a target, by unit. */
export async function listRecords(
  database: Database,
  repository: string,
  target: string,
): Promise<ReadonlyMap<string, UnitRecord>> {
  const rows = await database
    .selectFrom('records')
    .select(['unit', 'body'])
    .where('repository', '=', repository)
    .where('target', '=', target)
    .execute();
  return new Map(rows.map(({ unit, body }) => [unit, { ...body, target, unit }]));
}

/** Saves what became of a unit's pull request; does nothing when the unit has no record. */
export async function saveOutcome(
  database: Database,
  repository: string,
  {
    target,
    unit,
    outcome,
  }: { readonly target: string; readonly unit: string; readonly outcome: UnitRecord['outcome'] },
): Promise<void> {
  const patch = JSON.stringify(outcome === undefined ? {} : { outcome });
  await sql`
    update records set body = ((body::jsonb - 'outcome' - 'revert') || ${patch}::jsonb)::json
    where repository = ${repository} and target = ${target} and unit = ${unit}`.execute(database);
}

/**
 * Saves which commit took the merge of a unit's pull request back; undefined: none did. Returns false when that was known, or
 * the unit was begun again since.
 */
export async function saveRevert(
  database: Database,
  repository: string,
  {
    target,
    unit,
    revert,
  }: { readonly target: string; readonly unit: string; readonly revert: string | undefined },
): Promise<boolean> {
  const patch = JSON.stringify(
    revert === undefined ? { outcome: 'merged' } : { outcome: 'reverted', revert },
  );
  const { numAffectedRows } = await sql`
    update records set body = ((body::jsonb - 'revert') || ${patch}::jsonb)::json
    where repository = ${repository} and target = ${target} and unit = ${unit}
      and body ->> 'outcome' in ('merged', 'reverted')
      and body ->> 'revert' is distinct from ${revert ?? null}::text`.execute(database);
  return numAffectedRows === 1n;
}
