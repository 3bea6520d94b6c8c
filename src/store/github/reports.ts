import { sql } from 'kysely';
import type { Database, Trx } from '../database/database.ts';
import { notify } from '../database/notifications.ts';
import type { RunStatus } from '../database/tables.ts';
import { IS_FREE, type LeaseTimes, type Lost, workOnNext } from './leases.ts';

/** Where a run is published, and who requested it. */
export interface NewReport {
  /** The number of an issue or pull request; null: there is only the check run of the plan. */
  readonly thread: number | null;
  readonly isPull: boolean;
  /** The branch that pull requests go to. */
  readonly base: string;
  /** GitHub's id of the actor; null: no permission has to be checked again. */
  readonly actorId: number | null;
}

export interface Report extends NewReport {
  readonly run: string;
  readonly repository: string;
  readonly approved: boolean;
}

/** A report to publish, up to an event and a count of refresh requests. */
export interface DueReport extends Report {
  readonly upTo: { readonly seq: number; readonly wanted: number };
  /** Nothing happened in the run since it was published, and GitHub took all of that. */
  readonly isRefresh: boolean;
}

/** The outcome of publishing. `later`: GitHub accepts nothing now. `refused`: GitHub rejected some writes, which are retried. */
export type PublishResult =
  | { readonly kind: 'published' }
  | { readonly kind: 'later' | 'refused'; readonly until: Date };

/** Inserts the report of a run, in the transaction that submits the run. */
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

/** A report with the status of its run. */
export interface ReportedRun extends Report {
  readonly status: RunStatus;
}

/** Runs of a repository: of a thread; of a unit for a branch; for a branch, with no thread of their own. */
export type RunQuery = { readonly repository: string } & (
  | { readonly thread: number }
  | { readonly target: string; readonly unit: string }
  | { readonly target: string }
);

/** Limit of runs per query: few are open, and of the ended ones the newest matters. */
const MAX_FOUND = 10;

/** Finds runs: the running one first, then the waiting one, then ended ones, newest first. */
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
            // The check runs of a retargeted run name its first target.
            .where(
              sql<boolean>`(runs.target = ${query.target} or events.body ->> 'target' = ${query.target})`,
            )
        : found.where('reports.thread', 'is', null).where('runs.target', '=', query.target);
  return (await chosen.execute()).map(({ status, ...row }) => ({ ...read(row), status }));
}

/** The newest run of a thread that was requested after another one of it; undefined: there is none. */
export async function findNewerRun(
  database: Database,
  { repository, run, thread }: Pick<Report, 'repository' | 'run' | 'thread'>,
): Promise<string | undefined> {
  const { rows } = await sql<{ run: string }>`
    select reports.run from reports
      join events on events.run = reports.run and events.seq = 1
      join events as own on own.run = ${run} and own.seq = 1
    where reports.repository = ${repository} and reports.thread = ${thread}
      and (events.at, events.run) > (own.at, own.run)
    order by events.at desc, events.run desc limit 1`.execute(database);
  return rows[0]?.run;
}

/** Finds a run of a repository by its id. */
export async function findReportedRun(
  database: Database,
  repository: string,
  run: string,
): Promise<ReportedRun | undefined> {
  const row = await database
    .selectFrom('reports')
    .innerJoin('runs', 'runs.id', 'reports.run')
    .select([...COLUMNS.map((name) => `reports.${name}` as const), 'runs.status'])
    .where('reports.repository', '=', repository)
    .where('reports.run', '=', run)
    .executeTakeFirst();
  return row && { ...read(row), status: row.status };
}

/** Saves that the permission of the run's actor was checked again. */
export async function saveApproval(database: Database, run: string): Promise<void> {
  await database.updateTable('reports').set({ approved: true }).where('run', '=', run).execute();
}

/**
 * Requests that runs are published again without a new event: one run; or all that have open pull requests for a target, and
 * the one that worked on `unit` last.
 */
export async function requestRefresh(
  database: Database,
  which:
    | { readonly run: string }
    | { readonly repository: string; readonly target: string; readonly unit?: string },
): Promise<void> {
  if ('run' in which)
    await sql`update reports set wanted = wanted + 1 where run = ${which.run}`.execute(database);
  else
    await sql`
      update reports set wanted = wanted + 1
      where run in (
        select body ->> 'run' from records
        where repository = ${which.repository} and target = ${which.target}
          and (unit = ${which.unit ?? null}
            or exists (select from unit_pulls as pull
                where pull.repository = records.repository and pull.target = records.target
                  and pull.unit = records.unit and pull.state in ('open', 'lost'))))`.execute(database);
  await notify({ about: 'report' }).execute(database);
}

/** Changes the branch that the pull requests of a run go to. */
export async function moveBase(database: Database, run: string, base: string): Promise<void> {
  await database.updateTable('reports').set({ base }).where('run', '=', run).execute();
  await requestRefresh(database, { run });
}

/**
 * Publishes the report that has waited longest, under a lease. Undefined when there is none. `lost`: its lease was lost, and it
 * will be published again.
 */
export async function publishNextReport(
  database: Database,
  publish: (report: DueReport, signal: AbortSignal) => Promise<PublishResult>,
  times?: LeaseTimes,
): Promise<PublishResult | Lost | undefined> {
  const work = async (
    { upto: seq, wanted, published, retry_at, ...row }: DueRow,
    signal: AbortSignal,
  ): Promise<PublishResult> => {
    const isRefresh = published === seq && retry_at === null;
    return publish({ ...read(row), upTo: { seq, wanted }, isRefresh }, signal);
  };
  return workOnNext(database, { table: 'reports', choose: FIRST_DUE, work, settle }, times);
}

interface DueRow extends Row {
  readonly upto: number;
  readonly wanted: number;
  readonly published: number;
  readonly retry_at: Date | null;
}

const FIRST_DUE = sql<DueRow>`
  select reports.run, reports.repository, thread, is_pull, base, actor_id, approved, runs.seq as upto, wanted,
    reports.seq as published, retry_at
  from reports join runs on runs.id = reports.run
    join github_repositories as github on github.repository = reports.repository
  where (reports.seq < runs.seq or wanted > 0 or retry_at <= now()) and not_before <= now() and github.removed_at is null
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
