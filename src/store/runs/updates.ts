import { sql } from 'kysely';
import { type EventBody, parseEvent } from '../../events/event.ts';
import { type Failure } from '../../events/failure.ts';
import type { JudgedHead } from '../../events/judge-change.ts';
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

/** What an update run did to the branch. */
type UpdateResult = Pick<
  Extract<EventBody, { type: 'unit.updated' }>,
  'to' | 'same' | 'files' | 'way' | 'joined'
>;

/** An update of a unit, and what became of it. */
export interface FoundUpdate {
  readonly run: string;
  readonly status: Exclude<RunStatus, 'waiting'>;
  /** What was requested. */
  readonly update: UnitUpdate;
  /** How often an agent was asked to resolve a conflict of that head. */
  readonly resolves: number;
  /** The head that was pushed, and, of a bring-up, the files where the unit's own change differs; null: not pushed (yet). */
  readonly result: UpdateResult | null;
  /** What its head changed of what judges it; null: it was not compared. */
  readonly judge: JudgedHead | null;
  /** Why it failed; null unless its status is `failed`. */
  readonly failure: {
    readonly failure: Failure;
    readonly message: string;
    readonly hint: string | null;
    /** Those of a conflict. */
    readonly files: readonly string[];
  } | null;
}

/**
 * The open update of a unit, otherwise its newest one; undefined when it was never updated.
 *
 * @internal
 */
export async function findUpdate(database: Database, wanted: TargetUnit): Promise<FoundUpdate | undefined> {
  return (await readUpdates(database, wanted)).get(wanted.unit);
}

/** Of each unit for a target its open update, otherwise its newest one. */
export async function listUpdates(
  database: Database,
  repository: string,
  target: string,
): Promise<ReadonlyMap<string, FoundUpdate>> {
  return readUpdates(database, { repository, target, unit: null });
}

async function readUpdates(
  database: Database,
  { repository, target, unit }: Omit<TargetUnit, 'unit'> & { readonly unit: string | null },
): Promise<ReadonlyMap<string, FoundUpdate>> {
  const { rows } = await sql<{
    unit: string;
    run: string;
    status: FoundUpdate['status'];
    first: unknown;
    updated: unknown;
    failed: unknown;
    judged: unknown;
    resolves: number;
  }>`
    with newest as (
      select distinct on (update_unit) runs.id, update_unit, status, body
      from runs join events on events.run = runs.id and events.seq = 1
      where repository = ${repository} and target = ${target} and purpose = 'update'
        and (${unit}::text is null or update_unit = ${unit})
      order by update_unit, ended_at is null desc, events.at desc, ended_at desc
    )
    select update_unit as unit, id as run, status, body as first,
      (select body from events where run = id and unit = update_unit
         and body ->> 'type' in ('unit.updated', 'branch.pushed')
       order by body ->> 'type' desc, seq desc limit 1) as updated,
      (select count(*)::int from runs as others join events as start on start.run = others.id and start.seq = 1
       where others.repository = ${repository} and others.target = ${target} and others.purpose = 'update'
         and others.update_unit = newest.update_unit
         and start.body #>> '{update,work,kind}' = 'resolve'
         and start.body #>> '{update,head}' = newest.body #>> '{update,head}') as resolves,
      (select body from events where run = id and unit = update_unit and body ->> 'type' = 'unit.failed'
       order by seq desc limit 1) as failed,
      (select body from events where run = id and unit = update_unit and body ->> 'type' = 'judge.compared'
       order by seq desc limit 1) as judged
    from newest`.execute(database);
  return new Map(
    rows.flatMap((row) => {
      const first = read(row.first);
      if (first?.type !== 'orch.started' || first.update === null) return [];
      const updated = row.updated === null ? undefined : read(row.updated);
      const failed = row.failed === null || row.status !== 'failed' ? undefined : read(row.failed);
      const judged = row.judged === null ? undefined : read(row.judged);
      return [[row.unit, describe(row, first.update, { updated, failed, judged })] as const];
    }),
  );
}

/** The commits that agents made in updates of a unit. */
export async function listUpdateCommits(
  database: Database,
  { repository, target, unit }: TargetUnit,
): Promise<readonly string[]> {
  const { rows } = await sql<{ commit: string }>`
    select body ->> 'commit' as commit from runs join events on events.run = runs.id
    where repository = ${repository} and target = ${target} and purpose = 'update' and update_unit = ${unit}
      and unit = ${unit} and body ->> 'type' = 'baseline.committed'`.execute(database);
  return rows.map(({ commit }) => commit);
}

function describe(
  { run, status, resolves }: Pick<FoundUpdate, 'run' | 'status' | 'resolves'>,
  update: UnitUpdate,
  { updated, failed, judged }: Readonly<Record<'updated' | 'failed' | 'judged', EventBody | undefined>>,
): FoundUpdate {
  return {
    run,
    // Only its unit was cancelled.
    status: status === 'failed' && failed === undefined ? 'cancelled' : status,
    update,
    resolves,
    result: resultOf(updated),
    judge: judged?.type === 'judge.compared' ? judged : null,
    failure:
      failed?.type === 'unit.failed'
        ? {
            failure: failed.failure,
            message: failed.message,
            hint: failed.hint,
            files: failed.files ?? [],
          }
        : null,
  };
}

function resultOf(moved: EventBody | undefined): UpdateResult | null {
  if (moved?.type === 'branch.pushed') return { to: moved.head, same: false, files: [] };
  if (moved?.type !== 'unit.updated') return null;
  const { to, same, files, way, joined } = moved;
  return { to, same, files, ...(way !== undefined && { way }), ...(joined !== undefined && { joined }) };
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
