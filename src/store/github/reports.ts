import { sql } from 'kysely';
import type { Database, Trx } from '../database/database.ts';
import { notify } from '../database/notifications.ts';
import type { RunStatus } from '../database/tables.ts';
import { IS_FREE, type LeaseTimes, type Lost, workOnNext } from './leases.ts';

/** Where a run is told about, and on whose word it was started. */
export interface NewReport {
  /** The number of an issue or pull request; null: the check of the plan is all there is. */
  readonly thread: number | null;
  readonly isPull: boolean;
  /** The branch that pull requests go to. */
  readonly base: string;
  /** GitHub's number of who asked; null: nobody who has to be looked up again. */
  readonly actorId: number | null;
}

export interface Report extends NewReport {
  readonly run: string;
  readonly repository: string;
  readonly approved: boolean;
}

/** A report that is behind, up to what it must tell. */
export interface DueReport extends Report {
  readonly upTo: { readonly seq: number; readonly wanted: number };
}

/** What came of telling. `later`: GitHub takes nothing now. `refused`: it took some of it, and is asked again for the rest. */
export type PublishResult =
  | { readonly kind: 'published' }
  | { readonly kind: 'later' | 'refused'; readonly until: Date };

/** Puts a report down with its run. */
export async function insertReport(
  trx: Trx,
  { run, repository, thread, isPull, base, actorId }: Omit<Report, 'approved'>,
): Promise<void> {
  await trx
    .insertInto('reports')
    .values({ run, repository, thread, is_pull: isPull, base, actor_id: actorId })
    .execute();
}

const COLUMNS = ['run', 'repository', 'thread', 'is_pull', 'base', 'actor_id', 'approved'] as const;

function rows(database: Database) {
  return database.selectFrom('reports').select(COLUMNS);
}

type Row = Awaited<ReturnType<ReturnType<typeof rows>['executeTakeFirstOrThrow']>>;

function read({ is_pull, actor_id, ...row }: Row): Report {
  return { ...row, isPull: is_pull, actorId: actor_id === null ? null : Number(actor_id) };
}

export async function findReport(database: Database, run: string): Promise<Report | undefined> {
  const row = await rows(database).where('run', '=', run).executeTakeFirst();
  return row && read(row);
}

/** A run with its report, and how far it is. */
export interface ReportedRun extends Report {
  readonly status: RunStatus;
}

/** Runs of a repository: of a thread; of a unit for a branch; for a branch, with no thread of their own. */
export type RunQuery = { readonly repository: string } & (
  | { readonly thread: number }
  | { readonly target: string; readonly unit: string }
  | { readonly target: string }
);

/** How many runs that answer a question are looked at: few are open, and of those that ended the newest matters. */
const MAX_FOUND = 10;

/** The run that runs is first, then one that waits, then those that ended, the newest first. */
export async function findRuns(database: Database, query: RunQuery): Promise<readonly ReportedRun[]> {
  const found = rows(database)
    .innerJoin('runs', 'runs.id', 'reports.run')
    .innerJoin('events', (join) => join.onRef('events.run', '=', 'runs.id').on('events.seq', '=', 1))
    .where('reports.repository', '=', query.repository)
    .orderBy(sql`case runs.status when 'running' then 0 when 'waiting' then 1 else 2 end`)
    .orderBy('events.at', 'desc')
    .clearSelect()
    .select([...COLUMNS.map((name) => `reports.${name}` as const), 'runs.status'])
    .limit(MAX_FOUND);
  const chosen =
    'thread' in query
      ? found.where('reports.thread', '=', query.thread)
      : 'unit' in query
        ? found
            .innerJoin('units', (join) =>
              join.onRef('units.run', '=', 'runs.id').on('units.id', '=', query.unit),
            )
            // Where it began is what its checks say.
            .where(
              sql<boolean>`(runs.target = ${query.target} or events.body ->> 'target' = ${query.target})`,
            )
        : found.where('reports.thread', 'is', null).where('runs.target', '=', query.target);
  return (await chosen.execute()).map(({ status, ...row }) => ({ ...read(row), status }));
}

/** Whoever asked for it was looked up again. */
export async function saveApproval(database: Database, run: string): Promise<void> {
  await database.updateTable('reports').set({ approved: true }).where('run', '=', run).execute();
}

/** Has runs told anew though nothing happened in them: one, or all that speak for units of a branch. */
export async function requestRefresh(
  database: Database,
  which: { readonly run: string } | { readonly repository: string; readonly target: string },
): Promise<void> {
  const change = database.updateTable('reports').set({ wanted: sql`wanted + 1` });
  if ('run' in which) await change.where('run', '=', which.run).execute();
  else
    await change
      .where('repository', '=', which.repository)
      .where('run', 'in', (query) =>
        query
          .selectFrom('records')
          .select(sql<string>`body ->> 'run'`.as('run'))
          .where('repository', '=', which.repository)
          .where('target', '=', which.target),
      )
      .execute();
  await notify({ about: 'report' }).execute(database);
}

/** Pull requests of a run go to another branch from now on. */
export async function moveBase(database: Database, run: string, base: string): Promise<void> {
  await database.updateTable('reports').set({ base }).where('run', '=', run).execute();
  await requestRefresh(database, { run });
}

/**
 * Tells of the run that is behind for the longest and that no other process tells of, under a lease. Undefined: there is none.
 * `lost`: its lease was lost, and it is told of again.
 */
export async function publishNextReport(
  database: Database,
  publish: (report: DueReport, signal: AbortSignal) => Promise<PublishResult>,
  times?: LeaseTimes,
): Promise<PublishResult | Lost | undefined> {
  const work = async ({ upto: seq, wanted, ...row }: DueRow, signal: AbortSignal): Promise<PublishResult> =>
    publish({ ...read(row), upTo: { seq, wanted } }, signal);
  return workOnNext(database, { table: 'reports', choose: FIRST_DUE, work, settle }, times);
}

interface DueRow extends Row {
  readonly upto: number;
  readonly wanted: number;
}

const FIRST_DUE = sql<DueRow>`
  select reports.run, reports.repository, thread, is_pull, base, actor_id, approved, runs.seq as upto, wanted
  from reports join runs on runs.id = reports.run
    join github_repositories as place on place.repository = reports.repository
  where (reports.seq < runs.seq or wanted > 0 or retry_at <= now()) and not_before <= now() and place.removed_at is null
    and ${IS_FREE}
  order by runs.last_at limit 1 for update of reports skip locked`;

async function settle(trx: Trx, { run, upto: seq, wanted }: DueRow, published: PublishResult): Promise<void> {
  const change = trx.updateTable('reports').where('run', '=', run);
  if (published.kind === 'later') await change.set({ not_before: published.until }).execute();
  else {
    const retry_at = published.kind === 'refused' ? published.until : null;
    await change.set({ seq, wanted: sql`wanted - ${wanted}`, retry_at }).execute();
  }
}
