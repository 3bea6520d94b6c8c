import { sql } from 'kysely';
import { type EventBody, type Failure, parseEvent } from '../../events/event.ts';
import type { UnitUpdate } from '../../events/unit-update.ts';
import type { Database, Trx } from '../database/database.ts';
import type { RunStatus } from '../database/tables.ts';

/** A unit of a repository, for a target branch. */
export interface TargetUnit {
  /** choo's own number of the repository. */
  readonly repository: string;
  readonly target: string;
  readonly unit: string;
}

/** An update of a unit, and what became of it. */
export interface FoundUpdate {
  readonly run: string;
  readonly status: Exclude<RunStatus, 'waiting'>;
  /** What was requested. */
  readonly update: UnitUpdate;
  /** The head that was pushed, and the files where the unit's own change differs; null: not pushed (yet). */
  readonly result: { readonly to: string; readonly same: boolean; readonly files: readonly string[] } | null;
  /** Why it failed; null unless its status is `failed`. */
  readonly failure: {
    readonly failure: Failure;
    readonly message: string;
    readonly hint: string | null;
    /** Those of a conflict. */
    readonly files: readonly string[];
  } | null;
}

/** The open update of a unit, otherwise its newest one; undefined when it was never updated. */
export async function findUpdate(database: Database, wanted: TargetUnit): Promise<FoundUpdate | undefined> {
  const run = await database
    .selectFrom('runs')
    .innerJoin('events', (join) => join.onRef('events.run', '=', 'runs.id').on('events.seq', '=', 1))
    .select(['runs.id', 'runs.status', 'events.body'])
    .where('repository', '=', wanted.repository)
    .where('target', '=', wanted.target)
    .where('update_unit', '=', wanted.unit)
    .where('purpose', '=', 'update')
    .orderBy(sql`runs.ended_at is null`, 'desc')
    .orderBy('events.at', 'desc')
    .orderBy('runs.ended_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (run === undefined) return undefined;
  const { id, status, body } = run;
  const first = read(body);
  if (status === 'waiting' || first?.type !== 'orch.started' || first.update === null) return undefined;
  const rows = await database
    .selectFrom('events')
    .select('body')
    .where('run', '=', id)
    .where('unit', '=', wanted.unit)
    .where(sql<boolean>`body ->> 'type' in ('unit.updated', 'unit.failed')`)
    .orderBy('seq')
    .execute();
  const events = rows.map((row) => read(row.body));
  const updated = events.findLast((event) => event?.type === 'unit.updated');
  const failed = status === 'failed' ? events.findLast((event) => event?.type === 'unit.failed') : undefined;
  return {
    run: id,
    status,
    update: first.update,
    result: updated === undefined ? null : { to: updated.to, same: updated.same, files: updated.files },
    failure:
      failed === undefined
        ? null
        : {
            failure: failed.failure,
            message: failed.message,
            hint: failed.hint,
            files: failed.files ?? [],
          },
  };
}

/**
 * Whether an update of a unit would meet other work on its branch: a claim, or a unit that is about to be claimed, of an open
 * run of that branch; or another update.
 */
export async function isUnitBusy(trx: Trx, { repository, target, unit }: TargetUnit): Promise<boolean> {
  const { rows } = await sql`
    select from runs join units on units.run = runs.id
    where runs.repository = ${repository} and runs.target = ${target} and units.id = ${unit}
      and (units.worker is not null
           or runs.status in ('running', 'waiting') and units.state in ('waiting', 'queued', 'running'))
    limit 1`.execute(trx);
  return rows.length > 0;
}

/**
 * Whether a unit's branch is being updated, so that a claim of a run must not start on it. Waits for updates that are being
 * submitted: each of them sees this claim, or is seen here.
 */
export async function hasOpenUpdate(
  database: Database,
  { repository, target, unit }: TargetUnit,
): Promise<boolean> {
  return database.transaction().execute(async (trx) => {
    await sql`select 1 from repositories where id = ${repository} for key share`.execute(trx);
    const found = await trx
      .selectFrom('runs')
      .select('id')
      .where('repository', '=', repository)
      .where('target', '=', target)
      .where('update_unit', '=', unit)
      .where('purpose', '=', 'update')
      .where('status', '=', 'running')
      .executeTakeFirst();
    return found !== undefined;
  });
}

function read(body: unknown): EventBody | undefined {
  return parseEvent({ ...(body as object), seq: 1, at: 0 });
}
