import { sql } from 'kysely';
import type { Database } from './database.ts';

/** The state of a server in figures. Seconds, dollars. */
export interface ServerFigures {
  /** Units of runs that have not ended, by state. */
  readonly units: Readonly<Record<string, number>>;
  /** Runs, by status. */
  readonly runs: Readonly<Record<string, number>>;
  readonly deliveriesWaiting: number;
  readonly deliveriesGivenUp: number;
  readonly deliveryAgeSeconds: number;
  readonly reportsBehind: number;
  /** Workers with a heartbeat in the last ten seconds, and all that have not been found dead. */
  readonly workersAlive: number;
  readonly workers: number;
  /** Of all installations, since midnight UTC. */
  readonly dayTokens: number;
  readonly dayDollars: number;
}

/** Reads the figures in one statement. */
export async function readServerFigures(database: Database): Promise<ServerFigures> {
  const { rows } = await sql<ServerFigures>`
    select
      (select coalesce(json_object_agg(state, number), '{}') from (
         select units.state, count(*) as number from units join runs on runs.id = units.run
         where runs.status in ('running', 'waiting') group by units.state) as counted) as units,
      (select coalesce(json_object_agg(status, number), '{}') from (
         select status, count(*) as number from runs group by status) as counted) as runs,
      (select count(*)::int from deliveries where handled_at is null and tries < 8) as "deliveriesWaiting",
      (select count(*)::int from deliveries where tries >= 8) as "deliveriesGivenUp",
      (select coalesce(extract(epoch from now() - min(received_at)), 0)::float8
         from deliveries where handled_at is null and tries < 8) as "deliveryAgeSeconds",
      (select count(*)::int from reports join runs on runs.id = reports.run where reports.seq < runs.seq) as "reportsBehind",
      (select count(*)::int from workers where beat_at > now() - interval '10 seconds') as "workersAlive",
      (select count(*)::int from workers) as workers,
      (select coalesce(sum(tokens), 0)::float8 from day_spending where day = (now() at time zone 'utc')::date) as "dayTokens",
      (select coalesce(sum(cost), 0)::float8 from day_spending where day = (now() at time zone 'utc')::date) as "dayDollars"`.execute(
    database,
  );
  const [figures] = rows;
  if (figures === undefined) throw new Error('a statement without a from has one row');
  return figures;
}
