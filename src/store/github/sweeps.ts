import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/** Begins a round of a periodic task, unless a process of the server began one within `ms`. False: one did. */
export async function beginSweep(database: Database, name: string, ms: number): Promise<boolean> {
  const { rows } = await sql`
    insert into sweeps (name, began_at) values (${name}, now())
    on conflict (name) do update set began_at = now()
      where sweeps.began_at <= now() - ${ms} * interval '1 millisecond'
    returning name`.execute(database);
  return rows.length > 0;
}
