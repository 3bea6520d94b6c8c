import { type Kysely, sql } from 'kysely';

/**
 * The row of a unit is its job: it holds all that a queue beside it held. Claiming is one function, so that the lock that all
 * processes share is held for one statement and not for ten round trips.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  `alter table units add tries integer not null default 0`,
  `update units set tries = job_try where job_try > 0`,
  `alter table units drop column job, drop column job_try`,
  `drop schema if exists choo_jobs cascade`,
  `drop index units_queued`,
  // In the order in which units of a run start; and those in quarantine, of which there are few: see quarantine.ts.
  `create index units_queued on units (run, priority desc, id) where state = 'queued' and deaths < 2`,
  `create index units_quarantined on units (beat_at) where state = 'queued' and deaths >= 2`,
  `create index runs_under_way on runs (id) where status = 'running'`,

  // Slots of an installation are numbered from those that it has, those of a run from 1. Whoever has the fewest is served
  // first; among equals the one that had so many before the claim, then the one that waited longest.
  `create function claim_units(claimer integer, free integer, limit_of_all integer)
   returns table (run text, unit text, claim integer) language plpgsql as $$
   #variable_conflict use_column
   begin
     perform pg_advisory_xact_lock(hashtext('choo claim'));
     if exists (select from units where worker = claimer and deaths >= 2) then return; end if;
     return query
       with held as (
         select units.run, count(*)::int as units from units where worker is not null group by units.run
       ), waiting as (
         select runs.id as run, runs.repository, repositories.installation, repositories.max_units,
                runs.parallelism - coalesce(held.units, 0) as room, due.units as due,
                coalesce(run_turns.served, 0) as served, installations.served as installation_served
         from runs
         join repositories on repositories.id = runs.repository
         join installations on installations.name = repositories.installation
         left join run_turns on run_turns.run = runs.id
         left join held on held.run = runs.id
         cross join lateral (
           select count(*)::int as units from (
             select from units where units.run = runs.id and state = 'queued' and deaths < 2 and not_before <= now()
             limit free) as capped
         ) as due
         where runs.status = 'running' and due.units > 0 and runs.parallelism > coalesce(held.units, 0)
       ), by_repository as (
         select runs.repository, sum(held.units)::int as units
         from held join runs on runs.id = held.run group by runs.repository
       ), by_installation as (
         select installation, sum(units)::int as units
         from by_repository join repositories on repositories.id = by_repository.repository group by installation
       ), turns as (
         select waiting.*, turn,
                row_number() over (partition by waiting.repository order by turn, served, waiting.run) as in_repository
         from waiting cross join lateral generate_series(1, least(due, room)) as turn
       ), places as (
         select turns.run, turns.installation, installation_served, coalesce(by_installation.units, 0) as had,
                row_number() over (partition by turns.installation order by turn, served, turns.run) as nth
         from turns
         left join by_repository on by_repository.repository = turns.repository
         left join by_installation on by_installation.installation = turns.installation
         where max_units is null or in_repository <= max_units - coalesce(by_repository.units, 0)
       ), granted as (
         select run, installation,
                row_number() over (order by had + nth, had desc, installation_served, installation, nth) as place
         from places order by place
         limit greatest(0, least(free, limit_of_all - (select coalesce(sum(units), 0) from held)))
       ), shares as (
         select run, count(*)::int as units, max(place) as place from granted group by run
       ), chosen as (
         select taken.run, taken.id
         from shares cross join lateral (
           select units.run, units.id from units
           where units.run = shares.run and state = 'queued' and deaths < 2 and not_before <= now() and worker is null
           order by priority desc, id limit shares.units for no key update skip locked
         ) as taken
       ), claimed as (
         update units set state = 'running', claim = units.claim + 1, batch = 0, worker = claimer, beat_at = now()
         from chosen where units.run = chosen.run and units.id = chosen.id
         returning units.run, units.id, units.claim
       ), clock as (
         select coalesce(max(served), 0) as now from installations
       ), installations_served as (
         update installations set served = clock.now + last.place
         from clock, (select installation, max(place) as place from granted group by installation) as last
         where installations.name = last.installation
       ), runs_served as (
         insert into run_turns (run, served) select shares.run, clock.now + shares.place from shares, clock
         on conflict (run) do update set served = excluded.served
       )
       select claimed.run, claimed.id, claimed.claim from claimed;
     if found or not exists (select from units where state = 'queued' and deaths >= 2) then return; end if;
     -- One in quarantine, for a worker without claims; the one whose last try is the oldest.
     return query
       update units set state = 'running', claim = units.claim + 1, batch = 0, worker = claimer, beat_at = now()
       where units.worker is null and (units.run, units.id) = (
         select units.run, units.id from units
         join runs on runs.id = units.run and runs.status = 'running'
         join repositories on repositories.id = runs.repository
         where units.state = 'queued' and units.not_before <= now() and units.deaths >= 2
           and not exists (select from units as own where own.worker = claimer)
           and (select count(*) from units as held where held.worker is not null) < coalesce(limit_of_all, 2147483647)
           and (select count(*) from units as held where held.worker is not null and held.run = runs.id) < runs.parallelism
           and (select count(*) from units as held join runs as other on other.id = held.run
                where held.worker is not null and other.repository = runs.repository)
               < coalesce(repositories.max_units, 2147483647)
         order by units.beat_at, units.run, units.id limit 1 for no key update of units skip locked)
       returning units.run, units.id, units.claim;
   end $$`,
];
