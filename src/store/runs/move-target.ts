import { sql } from 'kysely';
import type { Database, Trx } from '../database/database.ts';
import { notify } from '../database/notifications.ts';
import { insertEvents, stamp } from './event-rows.ts';

/** A target branch that has another name now. */
export interface RenamedTarget {
  /** choo's own id of the repository. */
  readonly repository: string;
  readonly from: string;
  readonly to: string;
}

/** The specs' commit of the newest run that was requested for a branch and still has it as its target. */
export async function newestCommitOf(
  database: Database,
  { repository, target }: { readonly repository: string; readonly target: string },
): Promise<string | undefined> {
  const { rows } = await sql<{ commit: string }>`
    select events.body ->> 'commit' as commit from runs join events on events.run = runs.id and events.seq = 1
    where runs.repository = ${repository} and runs.target = ${target} and events.body ->> 'target' = ${target}
    order by events.at desc limit 1`.execute(database);
  return rows[0]?.commit;
}

/**
 * Moves everything that is kept for a target to its new name, in one transaction: unit records, pull requests, reports, the
 * runs that are under way, and the ended runs that records come from. Older runs keep the name that the branch had. Unit
 * branches keep their names, which contain the old one: a record names its branch, and every claim uses that. A unit or an
 * open run that the new name has already stays with it, and the old one stays behind. Done twice, it changes nothing.
 */
export async function moveTarget(database: Database, { repository, from, to }: RenamedTarget): Promise<void> {
  await database.transaction().execute(async (trx) => {
    // Blocks submissions for this repository.
    await sql`select 1 from repositories where id = ${repository} for update`.execute(trx);
    const moving = await moveRuns(trx, { repository, from, to });
    for (const table of [sql.table('records'), sql.table('unit_pulls')])
      await sql`
        update ${table} as own set target = ${to}
        where repository = ${repository} and target = ${from}
          and not exists (select from ${table} as other where other.repository = own.repository
                            and other.target = ${to} and other.unit = own.unit)`.execute(trx);
    await sql`
      update review_rounds set target = ${to} where repository = ${repository} and target = ${from}`.execute(
      trx,
    );
    // GitHub has changed the bases of open pull requests by itself.
    await sql`
      update unit_pulls set base = ${to}
      where repository = ${repository} and target = ${to} and base = ${from} and state = 'open'`.execute(trx);
    await sql`
      update reports set base = ${to}, wanted = wanted + 1
      where repository = ${repository} and base = ${from}
        and run in (select id from runs where repository = ${repository} and target = ${to})`.execute(trx);
    if (moving.length > 0) await notify({ about: 'report' }, ...moving).execute(trx);
  });
}

/** Changes the target of runs, with an event that says so. */
async function moveRuns(trx: Trx, { repository, from, to }: RenamedTarget) {
  const { rows } = await sql<{ id: string; seq: number; last_at: number }>`
    select id, seq, last_at from runs as own
    where repository = ${repository} and target = ${from}
      and (status in ('running', 'waiting') or id in (
        select body ->> 'run' from records where repository = ${repository} and target = ${from}))
      and not (status in ('running', 'waiting') and exists (
        select from runs as rival where rival.repository = own.repository and rival.target = ${to}
          and rival.status in ('running', 'waiting') and rival.purpose = own.purpose))
    order by id for no key update`.execute(trx);
  for (const { id, seq, last_at } of rows) {
    const events = stamp([{ type: 'orch.retargeted', target: to }], { seq, at: last_at }, Date.now());
    await insertEvents(trx, id, events);
    const last = events.at(-1);
    await trx
      .updateTable('runs')
      .set({ target: to, seq: last?.seq ?? seq, last_at: last?.at ?? last_at })
      .where('id', '=', id)
      .execute();
  }
  return rows.map(({ id, seq }) => ({ about: 'run' as const, run: id, seq: seq + 1 }));
}
