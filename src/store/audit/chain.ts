import { sql } from 'kysely';
import { createHash } from 'node:crypto';
import type { Database, Trx } from '../database/database.ts';

/** Something that an audit must show. */
export interface AuditEntry {
  /** Identifies it: what comes twice is written once. */
  readonly source: string;
  /** Milliseconds since 1970. Default: now. */
  readonly at?: number;
  /** A constant phrase. */
  readonly what: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A row as it is stored. */
interface AuditRow {
  /** From 1, without gaps. */
  readonly number: string;
  /** ISO 8601, in UTC. */
  readonly at: string;
  readonly source: string;
  /** JSON. */
  readonly entry: string;
  /** Of this row and, with it, of all before it. */
  readonly hash: string;
}

/** The ends of the chain: the last row that was pruned, and the newest row. Zero: there is none. */
interface Chain {
  readonly first_number: string;
  readonly first_hash: string;
  readonly last_number: string;
  readonly last_hash: string;
}

/** The hash of a row that follows one with the hash `previous`. */
function hashOf(previous: string, { number, at, source, entry }: Omit<AuditRow, 'hash'>): string {
  return createHash('sha256')
    .update(JSON.stringify([previous, number, at, source, entry]))
    .digest('hex');
}

/** Writes entries that are not there yet, in a transaction of its own: no run's row waits for it. */
export async function appendAudit(database: Database, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await database.transaction().execute(async (trx) => appendEntries(trx, entries));
}

/** Writes entries that are not there yet. Other writers wait until the transaction ends, so it should be short. */
export async function appendEntries(trx: Trx, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const { last_number, last_hash } = await lockChain(trx);
  const { rows: known } = await sql<{ source: string }>`
    select source from audit where source = any(${entries.map(({ source }) => source)}::text[])`.execute(trx);
  const seen = new Set(known.map(({ source }) => source));
  const rows: AuditRow[] = [];
  let [number, hash] = [BigInt(last_number), last_hash];
  for (const { source, at = Date.now(), what, facts } of entries) {
    if (seen.has(source)) continue;
    seen.add(source);
    number += 1n;
    const entry = JSON.stringify({ what, ...facts });
    const row = { number: String(number), at: new Date(at).toISOString(), source, entry };
    hash = hashOf(hash, row);
    rows.push({ ...row, hash });
  }
  if (rows.length === 0) return;
  const column = <K extends keyof AuditRow>(key: K): AuditRow[K][] => rows.map((row) => row[key]);
  await sql`
    insert into audit (number, at, source, entry, hash)
    select * from unnest(${column('number')}::bigint[], ${column('at')}::text[], ${column('source')}::text[],
                         ${column('entry')}::text[], ${column('hash')}::text[])`.execute(trx);
  await sql`update audit_chain set last_number = ${number}, last_hash = ${hash}`.execute(trx);
}

/** Locks the chain until the transaction ends. */
async function lockChain(trx: Trx): Promise<Chain> {
  const { rows } = await sql<Chain>`
    select first_number, first_hash, last_number, last_hash from audit_chain for update`.execute(trx);
  const [chain] = rows;
  if (chain === undefined) throw new Error('the audit has lost the row of its ends');
  return chain;
}

/** The phrase of the entry that each pruning leaves. */
const PRUNED = 'audit pruned';

/** Deletes the entries from before a time, and leaves an entry that names the last of them. Returns how many. */
export async function pruneAudit(database: Database, before: Date): Promise<number> {
  return database.transaction().execute(async (trx) => {
    const { first_number } = await lockChain(trx);
    const { rows } = await sql<{ number: string; hash: string }>`
      select number, hash from audit where at < ${before.toISOString()} order by number desc limit 1`.execute(
      trx,
    );
    const [last] = rows;
    if (last === undefined) return 0;
    const facts = { through: last.number, hash: last.hash };
    await appendEntries(trx, [{ source: `pruned ${last.number}`, what: PRUNED, facts }]);
    await sql`update audit_chain set first_number = ${last.number}, first_hash = ${last.hash}`.execute(trx);
    await sql`delete from audit where number <= ${last.number}`.execute(trx);
    return Number(BigInt(last.number) - BigInt(first_number));
  });
}

/** Whether the chain is whole. `hash` is that of the newest row: whoever notes it knows later whether what was before it is unchanged. */
export type ChainState =
  | { readonly ok: true; readonly rows: number; readonly number: string; readonly hash: string }
  | { readonly ok: false; readonly number: string; readonly reason: string };

/** Rows that are read at once. */
const PAGE = 5_000;

/** Reads every row and compares the hashes. `noted`: a newest row that somebody noted earlier. */
export async function verifyAudit(
  database: Database,
  noted?: { readonly number: string; readonly hash: string },
): Promise<ChainState> {
  return database
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => verify(trx, noted));
}

async function verify(
  trx: Trx,
  noted: { readonly number: string; readonly hash: string } | undefined,
): Promise<ChainState> {
  const { rows: chains } = await sql<Chain>`
    select first_number, first_hash, last_number, last_hash from audit_chain`.execute(trx);
  const [chain] = chains;
  if (chain === undefined) return { ok: false, number: '0', reason: 'the row of its ends is missing' };
  const isPruned = chain.first_number !== '0';
  let [number, hash, count] = [BigInt(chain.first_number), chain.first_hash, 0];
  let [prunedByChoo, notedIsThere] = [!isPruned, noted === undefined || noted.number === chain.first_number];
  for (;;) {
    const page = await readRows(trx, { after: String(number), since: '' });
    for (const row of page) {
      number += 1n;
      count += 1;
      if (row.number !== String(number)) return broken(number, 'the row is missing');
      hash = hashOf(hash, row);
      if (row.hash !== hash) return broken(number, 'the row, or the one before it, is not as it was written');
      if (row.number === noted?.number) {
        if (row.hash !== noted.hash) return broken(number, 'the row has another hash than the one noted');
        notedIsThere = true;
      }
      const { what, through, hash: pruned } = JSON.parse(row.entry) as Record<string, unknown>;
      prunedByChoo ||= what === PRUNED && through === chain.first_number && pruned === chain.first_hash;
    }
    if (page.length < PAGE) break;
  }
  if (String(number) !== chain.last_number || hash !== chain.last_hash)
    return broken(number + 1n, 'rows are missing at the end');
  if (!prunedByChoo) return broken(BigInt(chain.first_number), 'rows are missing at the beginning');
  if (!notedIsThere) return broken(BigInt(noted?.number ?? 0), 'the noted row is not there');
  return { ok: true, rows: count, number: String(number), hash };
}

function broken(number: bigint, reason: string): ChainState {
  return { ok: false, number: String(number), reason };
}

/** An entry for a reader. */
export interface ReadEntry extends Readonly<Record<string, unknown>> {
  readonly number: number;
  readonly at: string;
  readonly what: string;
}

/** The entries since a time, oldest first, page by page. */
export async function* readAudit(database: Database, since: Date): AsyncGenerator<readonly ReadEntry[]> {
  for (let after = '0'; ;) {
    const page = await readRows(database, { after, since: since.toISOString() });
    yield page.map(({ number, at, entry }) => ({
      number: Number(number),
      at,
      ...(JSON.parse(entry) as { readonly what: string }),
    }));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.number;
  }
}

async function readRows(
  database: Database,
  { after, since }: { readonly after: string; readonly since: string },
): Promise<readonly AuditRow[]> {
  const { rows } = await sql<AuditRow>`
    select number, at, source, entry, hash from audit
    where number > ${after} and at >= ${since} order by number limit ${PAGE}`.execute(database);
  return rows;
}
