import { sql } from 'kysely';
import { ChooError } from '../../errors.ts';
import type { OrchStarted } from '../../events/unit-record.ts';
import type { Graph } from '../../scheduler/graph.ts';
import type { Database, Trx } from '../database/database.ts';
import type { RowState } from '../database/tables.ts';
import type { StoredRecord } from './event-rows.ts';
import type { LockedRun, UnitRow, Wanted } from './run-transaction.ts';

/** As the database answers: null for empty lists. */
type LockedAnswer = Pick<LockedRows, 'run' | 'states'> & {
  readonly units: LockedRows['units'] | null;
  readonly records: LockedRows['records'] | null;
};

/** What a change reads under the lock of a run's row, beside it. */
export interface LockedRows {
  readonly run: LockedRun;
  /** States that changed since the event that the reader knew; of all units where it knew none. Null: none changed. */
  readonly states: Readonly<Record<string, RowState>> | null;
  readonly units: readonly UnitRow[];
  readonly records: readonly { readonly unit: string; readonly body: StoredRecord }[];
}

/**
 * Locks a run's row until the end of the transaction, and reads what a change needs in the same statement: the states that
 * changed after event `known`, and rows and records of units. Throws a ChooError (`usage`) for an unknown run.
 */
export async function lockRun(
  trx: Trx,
  run: string,
  { known, units, records }: Wanted & { readonly known: number | undefined },
): Promise<LockedRows> {
  const { rows } = await sql<{ locked: LockedAnswer | null }>`
    select lock_run(${run}, ${known ?? null}::int, ${[...units]}::text[], ${[...records]}::text[]) as locked`.execute(
    trx,
  );
  const locked = rows[0]?.locked;
  if (locked == null) throw unknownRun(run);
  return { ...locked, units: locked.units ?? [], records: locked.records ?? [] };
}

export function unknownRun(run: string): ChooError {
  return new ChooError('usage', `there is no run \`${run}\``, { hint: '`choo status` shows the newest' });
}

export async function readStart(database: Database, run: string): Promise<OrchStarted> {
  const first = await database
    .selectFrom('events')
    .select('body')
    .where('run', '=', run)
    .where('seq', '=', 1)
    .executeTakeFirst();
  if (first === undefined) throw unknownRun(run);
  // Older events have no field `update`.
  return {
    update: null,
    ...(first.body as Omit<OrchStarted, 'update'> & Partial<Pick<OrchStarted, 'update'>>),
  };
}

/** The run that a source requested before; undefined: the first request, and this transaction blocks others of the source. */
export async function claimSource(
  trx: Trx,
  repository: string,
  source: string,
): Promise<{ readonly run: string; readonly waits: boolean } | undefined> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('requests')
    .values({ source, repository, run: null })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 1n) return undefined;
  const row = await trx
    .selectFrom('requests')
    .innerJoin('runs', 'runs.id', 'requests.run')
    .select(['runs.id', 'runs.status'])
    .where('source', '=', source)
    .executeTakeFirst();
  return row === undefined ? undefined : { run: row.id, waits: row.status === 'waiting' };
}

/** Whether a run that a person requested must wait for another one. */
export async function mustWaitForRun(
  trx: Trx,
  repository: string,
  { target }: OrchStarted,
): Promise<boolean> {
  const rivals = await trx
    .selectFrom('runs')
    .select(['id', 'status'])
    .where('repository', '=', repository)
    .where('target', '=', target)
    .where('purpose', '=', 'work')
    .where('status', 'in', ['running', 'waiting'])
    .execute();
  const waiting = rivals.find(({ status }) => status === 'waiting');
  if (waiting === undefined) return rivals.length > 0;
  throw new ChooError('conflict', `run ${waiting.id} waits for \`${target}\` already`, {
    hint: `cancel it first: \`choo cancel ${waiting.id}\``,
  });
}

/** The running or the waiting run of a branch; updates of single units do not count. */
export async function findRun(
  trx: Trx,
  { repository, target }: Pick<LockedRun, 'repository' | 'target'>,
  status: 'running' | 'waiting',
): Promise<string | undefined> {
  const row = await trx
    .selectFrom('runs')
    .select('id')
    .where('repository', '=', repository)
    .where('target', '=', target)
    .where('purpose', '=', 'work')
    .where('status', '=', status)
    .executeTakeFirst();
  return row?.id;
}

/** The run that keeps others of its branch from starting: the running one, else the waiting one. */
export async function findOpenRun(
  trx: Trx,
  branch: Pick<LockedRun, 'repository' | 'target'>,
): Promise<string | undefined> {
  return (await findRun(trx, branch, 'running')) ?? (await findRun(trx, branch, 'waiting'));
}

/** A run that was submitted before: it is submitted again, because the answer was lost. */
export async function findSubmitted(
  trx: Trx,
  run: string,
): Promise<{ readonly run: string; readonly waits: boolean } | undefined> {
  const row = await trx.selectFrom('runs').select('status').where('id', '=', run).executeTakeFirst();
  return row === undefined ? undefined : { run, waits: row.status === 'waiting' };
}

/** Inserts the row of a run; `plan` is what workers need beside its first event. */
export async function insertRun(
  trx: Trx,
  row: LockedRun,
  { parallelism, update, units }: OrchStarted,
  plan: unknown,
): Promise<void> {
  const update_unit = update === null ? null : (units[0]?.id ?? null);
  await trx
    .insertInto('runs')
    .values({ ...row, update_unit, parallelism, plan: JSON.stringify(plan), ended_at: null })
    .execute();
}

export async function insertUnits(trx: Trx, start: OrchStarted, graph: Graph): Promise<void> {
  const { run, units } = start;
  await sql`
    insert into units (run, id, state, key, provider, priority)
    select ${run}, id, 'waiting', key, provider, priority
    from unnest(${units.map(({ id }) => id)}::text[], ${units.map(({ key }) => key)}::text[],
                ${units.map(({ provider }) => provider)}::text[],
                ${units.map(({ id }) => Math.round(graph.remainingWeight(id)))}::int[])
      as row (id, key, provider, priority)`.execute(trx);
  const edges = units.flatMap(({ id }) => graph.dependenciesOf(id).map((each) => [id, each] as const));
  if (edges.length === 0) return;
  await sql`
    insert into dependencies (run, unit, depends_on)
    select ${run}, unit, depends_on
    from unnest(${edges.map(([unit]) => unit)}::text[], ${edges.map(([, each]) => each)}::text[])
      as row (unit, depends_on)`.execute(trx);
}
