import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Rows for a person, in the order of their columns. */
export type ViewRows = readonly Readonly<Record<string, string | number | boolean | null>>[];

/** Rows that one view shows. */
const MAX_ROWS = 1_000;

interface OperatorView {
  readonly summary: string;
  readonly query: string;
}

/** What an operator asks the database, by name. */
export const OPERATOR_VIEWS = {
  claims: {
    summary: 'each worker, how long it is silent, and the units that it works on',
    query: `
      select workers.number as worker, workers.host, workers.identity::json ->> 'pid' as pid,
             date_trunc('second', now() - workers.beat_at)::text as silent,
             units.run, units.id as unit, units.claim, date_trunc('second', now() - units.beat_at)::text as held_for
      from workers left join units on units.worker = workers.number order by workers.number, units.run, units.id`,
  },
  queue: {
    summary: 'units that wait for a slot, those that start first on top, and those in quarantine',
    query: `
      select units.run, units.id as unit, units.priority, units.deaths, units.deaths >= 2 as quarantined,
             greatest(units.not_before, now()) > now() as later, units.not_before::text as not_before
      from units join runs on runs.id = units.run
      where units.state = 'queued' and runs.status = 'running'
      order by units.deaths >= 2, units.priority desc, units.run, units.id`,
  },
  deliveries: {
    summary: 'deliveries of GitHub that wait, that are handled now, and that choo gave up',
    query: `
      select id, event, thread, received_at::text as received_at, tries, tries >= 8 as given_up,
             leased_until > now() as handled_now, trouble
      from deliveries where handled_at is null or tries >= 8 order by number`,
  },
  reports: {
    summary: 'runs whose comment on GitHub lags behind, and by how many events',
    query: `
      select run, runs.seq - reports.seq as events, not_before::text as not_before, leased_until > now() as published_now
      from reports join runs on runs.id = run where reports.seq < runs.seq or wanted > 0 order by not_before, run`,
  },
  spending: {
    summary: 'tokens and dollars of each installation, by day',
    query: `
      select day::text as day, installation, sum(tokens)::float8 as tokens, round(sum(cost)::numeric, 2)::float8 as dollars
      from day_spending group by 1, 2 order by 1 desc, 2`,
  },
  locks: {
    summary: "connections that hold one of choo's advisory locks and do nothing",
    query: `
      select pid, application_name, client_addr::text as client, state,
             date_trunc('second', now() - state_change)::text as since
      from pg_stat_activity
      where pid in (select pid from pg_locks where locktype = 'advisory' and granted) and state <> 'active'
      order by state_change`,
  },
} as const satisfies Readonly<Record<string, OperatorView>>;

export type OperatorViewName = keyof typeof OPERATOR_VIEWS;

/** Reads a view; at most a thousand rows, or so many. */
export async function readOperatorView(
  database: Database,
  name: OperatorViewName,
  most = MAX_ROWS,
): Promise<ViewRows> {
  const { query } = OPERATOR_VIEWS[name];
  const { rows } = await sql<ViewRows[number]>`
    select * from (${sql.raw(query)}) as shown limit ${most}`.execute(database);
  return rows;
}
