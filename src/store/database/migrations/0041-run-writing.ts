import { type Kysely, sql } from 'kysely';

/**
 * What a change of a run reads and what it writes, as one function each: the row of the run is locked for two round trips, not
 * for ten, and others that change the run wait for less than a millisecond.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}

const STATEMENTS = [
  // Locks the row of a run. Of its units the states that changed since event `known` (all, where that is null), the rows that
  // are asked for, and the records; both locked. Every statement of a function sees what was committed before it, so what is
  // read here was written by whoever had the lock before.
  `create function lock_run(locked text, known integer, unit_ids text[], record_ids text[])
   returns json language plpgsql as $$
   declare own record;
   begin
     select id, repository::text, target, purpose, status, seq, last_at into own
     from runs where id = locked for no key update; -- foreign keys to it need not wait
     if own.id is null then return null; end if;
     return json_build_object(
       'run', row_to_json(own),
       'states', case
         when known is null then (select json_object_agg(id, state) from units where run = locked)
         when known <> own.seq then (
           select json_object_agg(id, state) from units
           where run = locked and id in (select unit from events where run = locked and seq > known)) end,
       'units', case when cardinality(unit_ids) > 0 then (
         select json_agg(each) from (
           select id, state, claim, batch, worker, tries, deaths from units
           where run = locked and id = any(unit_ids) order by id for no key update) as each) end,
       'records', case when cardinality(record_ids) > 0 then (
         select json_agg(each) from (
           select unit, body from records
           where repository = own.repository::bigint and target = own.target and unit = any(record_ids)
           order by unit for update) as each) end);
   end $$`,

  // Writes a change. Arrays of one letter's prefix belong together, an entry each. Returns the states that those to start have
  // now: one that another process queued stays, one whose last worker has not stopped yet waits.
  `create function write_run(
     changed text, now_seq integer, now_at double precision, now_status text, has_events boolean, has_room boolean,
     e_seq integer[], e_at double precision[], e_unit text[], e_body text[],
     r_unit text[], r_body text[],
     u_id text[], u_state text[], u_head text[], u_not_before timestamptz[], u_batch integer[], u_free boolean[],
     u_deaths integer[], u_tries integer[],
     c_unit text[], c_claim integer[],
     starting text[], left_units text[])
   returns table (id text, state text) language plpgsql as $$
   #variable_conflict use_column
   declare
     own record;
     notices text[] := '{}';
   begin
     select repository, target, status into own from runs where runs.id = changed;
     insert into events (run, seq, at, unit, body)
       select changed, seq, at, unit, body::json from unnest(e_seq, e_at, e_unit, e_body) as new (seq, at, unit, body);
     if cardinality(r_unit) > 0 then
       insert into records (repository, target, unit, body)
         select own.repository, own.target, unit, body::json from unnest(r_unit, r_body) as new (unit, body)
         on conflict (repository, target, unit) do update set body = excluded.body;
     end if;
     if cardinality(c_unit) > 0 then
       update spending set used_tokens = used_tokens + open_tokens, used_cost = used_cost + open_cost,
                           open_tokens = 0, open_cost = 0, reserved_tokens = 0, reserved_cost = 0
       from unnest(c_unit, c_claim) as ended (unit, claim)
       where spending.run = changed and spending.unit = ended.unit and spending.claim = ended.claim;
     end if;
     if cardinality(u_id) > 0 then
       update units set
         state = coalesce(new.state, units.state),
         head = case when new.state = 'complete' then new.head else coalesce(new.head, units.head) end,
         not_before = case when new.state is null then units.not_before else coalesce(new.not_before, '-infinity') end,
         batch = coalesce(new.batch, units.batch),
         worker = case when new.free then null else units.worker end,
         deaths = coalesce(new.deaths, units.deaths),
         tries = coalesce(new.tries, units.tries)
       from unnest(u_id, u_state, u_head, u_not_before, u_batch, u_free, u_deaths, u_tries)
         as new (id, state, head, not_before, batch, free, deaths, tries)
       where units.run = changed and units.id = new.id;
     end if;
     if cardinality(starting) > 0 then
       update units set state = 'queued', tries = case when deaths < 2 then 0 else tries end
       where run = changed and units.id = any(starting) and units.state = 'waiting' and worker is null;
       has_room := has_room or found;
       return query select units.id, units.state from units where run = changed and units.id = any(starting);
     end if;
     if has_events or now_status <> own.status then
       update runs set seq = now_seq, last_at = now_at, status = now_status,
         ended_at = case when now_status not in ('complete', 'failed', 'cancelled') then null else coalesce(ended_at, now()) end
       where runs.id = changed;
     end if;
     if has_events then
       notices := notices || json_build_object('about', 'run', 'run', changed, 'seq', now_seq)::text;
     end if;
     if has_room then notices := notices || '{"about":"ready"}'::text; end if;
     if cardinality(left_units) > 0 then
       -- The runs that did the work of these units: their next step may have waited. One with new events is published anyway.
       update reports set wanted = wanted + 1
       where run in (select body ->> 'run' from records
           where repository = own.repository and target = own.target and unit = any(left_units))
         and not (has_events and run = changed);
       if found then notices := notices || '{"about":"report"}'::text; end if;
     end if;
     perform pg_notify('choo', notice) from unnest(notices) as notice;
   end $$`,
];
