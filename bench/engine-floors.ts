import type pg from 'pg';
import { type BenchServer, withClient } from './engine-servers.ts';
import { measure } from './measure.ts';

/** What nothing that asks the database can be faster than. Medians, milliseconds. */
export interface Floors {
  /** One row written for good, and its number returned. */
  readonly insert: number;
  /** A notice to another connection, and its answer. */
  readonly notify: number;
  /**
   * What a start cannot do without, by plain SQL: a row written for good, a notice to another connection, and there the row
   * claimed by a statement.
   */
  readonly start: number;
}

const ROUNDS = { runs: 300, warmup: 50 };

/** Both, as they are now. */
export async function measureFloors(server: BenchServer, url?: string): Promise<Floors & { url: string }> {
  const address = url ?? (await server.createDatabase('floors'));
  return withClient(address, async (one) =>
    withClient(address, async (other) => {
      await one.query('create table if not exists floor (id bigint generated always as identity, text text)');
      const insert = await measure(
        async () => one.query('insert into floor (text) values ($1) returning id', ['x'.repeat(100)]),
        ROUNDS,
      );
      await one.query('listen answer');
      await other.query('listen question');
      other.on('notification', () => {
        other.query('notify answer').catch(() => {}); // the last one is heard before it is told that it was
      });
      const notify = await measure(async () => askOnce(one), ROUNDS);
      other.removeAllListeners('notification');
      await other.query('create table if not exists floor_claims (id bigint primary key, claimed boolean)');
      let number = Date.now();
      const start = await measure(async () => startOnce(one, other, (number += 1)), ROUNDS);
      return { url: address, insert: insert.median, notify: notify.median, start: start.median };
    }),
  );
}

async function startOnce(one: pg.Client, other: pg.Client, id: number): Promise<void> {
  const claimed = new Promise<void>((resolve, reject) => {
    other.once('notification', () => {
      other
        .query('update floor_claims set claimed = true where id = $1 and not claimed returning id', [id])
        .then(() => resolve(), reject);
    });
  });
  await one.query(
    `with made as (insert into floor_claims values ($1, false)) select pg_notify('question', '')`,
    [id],
  );
  await claimed;
}

async function askOnce(client: pg.Client): Promise<void> {
  const answer = new Promise<void>((resolve) => client.once('notification', () => resolve()));
  await client.query('notify question');
  await answer;
}
