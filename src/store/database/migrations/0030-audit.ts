import { type Kysely, sql } from 'kysely';

/**
 * The audit: rows that are never changed, each with the hash of the one before. What is deleted is old, and counted off from
 * the beginning in `audit_chain`, which also names the newest row, so that one that is missing at either end is missed.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit (
      number bigint primary key,
      at text not null,
      source text not null unique,
      entry text not null,
      hash text not null
    )`.execute(database);
  await sql`create index audit_at on audit (at)`.execute(database);
  await sql`
    create table audit_chain (
      one boolean primary key default true check (one),
      first_number bigint not null,
      first_hash text not null,
      last_number bigint not null,
      last_hash text not null
    )`.execute(database);
  await sql`insert into audit_chain values (true, 0, '', 0, '')`.execute(database);
  await sql`
    create function refuse_audit_change() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' then
        if old.number <= (select first_number from choo.audit_chain) then
          return old;
        end if;
      end if;
      raise exception 'the audit is append-only';
    end $$`.execute(database);
  await sql`
    create trigger audit_append_only before update or delete on audit
    for each row execute function refuse_audit_change()`.execute(database);
  await sql`
    create trigger audit_not_truncated before truncate on audit
    for each statement execute function refuse_audit_change()`.execute(database);
  await sql`
    create table audited_runs (
      run text primary key references runs (id) on delete cascade,
      seq integer not null
    )`.execute(database);
  // What happened before there was an audit is not in it.
  await sql`insert into audited_runs select id, seq from runs`.execute(database);
}
