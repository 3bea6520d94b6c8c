import { sql } from 'kysely';
import type { Database, Trx } from '../database/database.ts';
import { notify } from '../database/notifications.ts';
import { IS_FREE, type LeaseTimes, type Lost, workOnNext } from './leases.ts';

/** A delivery to store; it is handled once. */
export interface NewDelivery {
  /** Unique among all deliveries. */
  readonly id: string;
  readonly event: string;
  readonly payload: unknown;
  /** Deliveries of one thread are handled one at a time, in order of arrival. */
  readonly thread: string;
  /** GitHub's id of its repository. */
  readonly repository: number | null;
}

export interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly payload: unknown;
  readonly receivedAt: Date;
  /** When GitHub first sent it, as far as choo knows: for lost deliveries that choo asked for again. */
  readonly sentAt: Date | null;
}

/** The outcome of handling. `trouble`: why nothing came of it. `later`: the delivery is not to blame, and is retried then. `failed`: it may be to blame. */
export type Handled =
  | { readonly kind: 'done'; readonly trouble?: string }
  | { readonly kind: 'later'; readonly until: Date; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** How often a failing delivery is tried. */
const MAX_TRIES = 8;

/**
 * The queue of deliveries; each row is its own job. A delivery is on disk before it is acknowledged, every stored delivery is
 * handled, and handling starts again when its process dies.
 */
export class DeliveryQueue {
  readonly #database: Database;
  readonly #times: LeaseTimes | undefined;
  #open: { readonly delivery: NewDelivery; readonly done: PromiseWithResolvers<void> }[] = [];
  #writing = false;

  /** `times`: of the leases. */
  constructor(database: Database, times?: LeaseTimes) {
    this.#database = database;
    this.#times = times;
  }

  /** Stores a delivery, once for each id. Concurrent ones share a transaction. */
  async receive(delivery: NewDelivery): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#open.push({ delivery, done });
    if (!this.#writing) void this.#write();
    return done.promise;
  }

  /**
   * Handles the first due delivery whose thread has no earlier open one, under a lease. Undefined when there is none. `lost`:
   * its lease was lost, and it will be handled again.
   */
  async handleNext(
    handle: (delivery: Delivery, signal: AbortSignal) => Promise<Handled>,
  ): Promise<Handled | Lost | undefined> {
    const [table, choose, work] = ['deliveries', FIRST_DUE, handle] as const;
    return workOnNext(this.#database, { table, choose, work, settle }, this.#times);
  }

  async #write(): Promise<void> {
    this.#writing = true;
    await new Promise(setImmediate); // collects the deliveries of the same tick
    while (this.#open.length > 0) {
      const batch = this.#open.splice(0, 200);
      try {
        await insert(
          this.#database,
          batch.map(({ delivery }) => delivery),
        );
        for (const { done } of batch) done.resolve();
      } catch {
        // The database may refuse one of them: store the others without it.
        for (const { delivery, done } of batch)
          await insert(this.#database, [delivery]).then(done.resolve, done.reject);
      }
    }
    this.#writing = false;
  }
}

async function insert(database: Database, deliveries: readonly NewDelivery[]): Promise<void> {
  const column = <K extends keyof NewDelivery>(key: K): NewDelivery[K][] =>
    deliveries.map((delivery) => delivery[key]);
  await sql`
    with written as (
      insert into deliveries (id, event, thread, github_repository, payload, handled_at)
      select id, event, thread, github_repository, payload::json, null
      from unnest(${column('id')}::text[], ${column('event')}::text[], ${column('thread')}::text[],
                  ${column('repository')}::bigint[], ${deliveries.map(({ payload }) => JSON.stringify(payload))}::text[])
        as row (id, event, thread, github_repository, payload)
      on conflict (id) do nothing
      returning 1
    )
    select pg_notify('choo', ${JSON.stringify({ about: 'delivery' })}) from written limit 1`.execute(
    database,
  );
}

/**
 * Has a delivery handled again as if it had just come: one that was given up, or that waits for its next try. Returns its event;
 * undefined where there is none, it was handled, or it is being handled.
 */
export async function handleAgain(trx: Trx, id: string): Promise<string | undefined> {
  const row = await trx
    .updateTable('deliveries')
    .set({ handled_at: null, tries: 0, not_before: sql`now()` })
    .where('id', '=', id)
    .where(sql<boolean>`(handled_at is null or tries >= ${MAX_TRIES}) and ${IS_FREE}`)
    .returning('event')
    .executeTakeFirst();
  if (row !== undefined) await notify({ about: 'delivery' }).execute(trx);
  return row?.event;
}

interface Row extends Delivery {
  readonly tries: number;
}

const FIRST_DUE = sql<Row>`
  select id, event, payload, received_at as "receivedAt", tries,
    (select sent_at from redeliveries where guid = one.id) as "sentAt"
  from deliveries as one
  where handled_at is null and not_before <= now() and ${IS_FREE} and not exists (
    select from deliveries as before
    where before.thread = one.thread and before.handled_at is null and before.number < one.number)
  order by number limit 1 for update skip locked`;

async function settle(trx: Trx, { id, tries }: Row, handled: Handled): Promise<void> {
  const change = trx.updateTable('deliveries').where('id', '=', id);
  if (handled.kind === 'done') {
    await change.set({ handled_at: sql`now()`, trouble: handled.trouble ?? null }).execute();
    await notify({ about: 'delivery' }).execute(trx); // the next of its thread
    return;
  }
  const { reason: trouble } = handled;
  if (handled.kind === 'later') await change.set({ not_before: handled.until, trouble }).execute();
  else if (tries + 1 >= MAX_TRIES)
    await change.set({ handled_at: sql`now()`, tries: tries + 1, trouble }).execute();
  else {
    const not_before = new Date(Date.now() + 1_000 * 2 ** tries);
    await change.set({ tries: tries + 1, not_before, trouble }).execute();
  }
}
