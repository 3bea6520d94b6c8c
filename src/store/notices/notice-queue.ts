import { sql } from 'kysely';
import { createHash } from 'node:crypto';
import { type Endpoint, pauseAfter, type Sent } from '../../notify/send.ts';
import { newNoticeId, type Notice } from '../../notify/notice.ts';
import type { Database, Trx } from '../database/database.ts';
import { IS_FREE, type LeaseTimes, type Lost, workOnNext } from '../github/leases.ts';

/** A notice, with what it is about: the same thing is told once in each channel. */
export interface NewNotice {
  readonly source: string;
  readonly notice: Notice;
}

/** A notice that is due. */
export interface DueNotice {
  readonly id: string;
  readonly notice: Notice;
  readonly at: Date;
  readonly tries: number;
}

/** More wait in one channel only where nobody has taken any for days: newer ones are left out. */
const MAX_WAITING = 10_000;

/** Stores notices for each endpoint, in the transaction that finds them. An endpoint that is gone gets none. */
export async function saveNotices(
  trx: Trx,
  endpoints: readonly Endpoint[],
  notices: readonly NewNotice[],
): Promise<void> {
  if (notices.length === 0) return;
  for (const endpoint of endpoints) {
    const { channel } = endpoint;
    await sql`
      insert into notices (id, channel, source, body)
      select id, ${channel}, source, body::json
      from unnest(${notices.map(newNoticeId)}::text[], ${notices.map(({ source }) => source)}::text[],
                  ${notices.map(({ notice }) => JSON.stringify(notice))}::text[]) as new (id, source, body)
      where (select count(*) from notices where channel = ${channel} and done_at is null) < ${MAX_WAITING}
        and not exists (select from notices where channel = ${channel} and gone_from = ${nameOf(endpoint)})
      on conflict (channel, source) do nothing`.execute(trx);
  }
}

/**
 * Tells the notice of an endpoint that has waited longest, under a lease. Undefined: none is due. What is told twice has the same
 * id: only a crash between the answer and its note does that.
 */
export async function tellNext(
  database: Database,
  endpoint: Endpoint,
  tell: (notice: DueNotice) => Promise<Sent>,
  times?: LeaseTimes,
): Promise<Sent | Lost | undefined> {
  const choose = sql<Row>`
    select id, body, at, tries from notices
    where channel = ${endpoint.channel} and done_at is null and not_before <= now() and ${IS_FREE}
    order by at, id limit 1 for update skip locked`;
  const work = async ({ body: notice, ...row }: Row): Promise<Sent> => tell({ ...row, notice });
  const settle = async (trx: Trx, row: Row, sent: Sent): Promise<void> =>
    settleNotice(trx, endpoint, row, sent);
  return workOnNext(database, { table: 'notices', choose, work, settle }, times);
}

interface Row extends Omit<DueNotice, 'notice'> {
  readonly body: Notice;
}

async function settleNotice(trx: Trx, endpoint: Endpoint, { id, tries }: Row, sent: Sent): Promise<void> {
  if (sent.kind === 'taken')
    await sql`update notices set done_at = now(), trouble = null where id = ${id}`.execute(trx);
  else if (sent.kind === 'gone')
    await sql`
      update notices set done_at = now(), trouble = 'gone',
        gone_from = case when id = ${id} then ${nameOf(endpoint)} else gone_from end
      where channel = ${endpoint.channel} and done_at is null`.execute(trx);
  else {
    const pause = pauseAfter(tries + 1);
    await sql`
      update notices set tries = ${tries + 1}, trouble = ${sent.reason},
        done_at = case when ${pause === undefined} then now() end,
        not_before = now() + ${Math.max(pause ?? 0, sent.retryAfterMs)} * interval '1 millisecond'
      where id = ${id}`.execute(trx);
  }
}

/** Deletes the notices that were told, or given up, so many days ago. */
export async function deleteNotices(database: Database, days: number): Promise<void> {
  await sql`
    delete from notices where done_at < now() - ${days} * interval '1 day' and gone_from is null`.execute(
    database,
  );
}

/** An endpoint without its address, which is a secret. */
function nameOf({ url }: Endpoint): string {
  return createHash('sha256').update(url).digest('hex');
}
