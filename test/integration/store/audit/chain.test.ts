import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  appendAudit,
  pruneAudit,
  readAudit,
  type ReadEntry,
  verifyAudit,
} from '../../../../src/store/audit/chain.ts';
import type { StoreProcess } from '../../../helpers/server-process.ts';
import { openServerStore, type ServerStore } from '../../../helpers/server-store.ts';

const entry = (source: string, facts: object = {}) => ({ source, what: 'request', facts: { ...facts } });

describe('the audit', () => {
  let store: ServerStore;
  let own: StoreProcess;
  beforeAll(async () => {
    store = await openServerStore();
    own = await store.open();
  });
  afterAll(async () => {
    await own[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });
  /** As somebody who owns the database, for whom no trigger holds. */
  const tamper = async (...statements: readonly string[]): Promise<void> => {
    await sql`alter table audit disable trigger user`.execute(own.database);
    for (const statement of statements) await sql.raw(statement).execute(own.database);
    await sql`alter table audit enable trigger user`.execute(own.database);
  };
  const read = async (since: Date): Promise<readonly ReadEntry[]> => {
    const all: ReadEntry[] = [];
    for await (const page of readAudit(own.database, since)) all.push(...page);
    return all;
  };
  beforeEach(async () => {
    await tamper(
      'delete from audit',
      `update audit_chain set first_number = 0, first_hash = '', last_number = 0, last_hash = ''`,
    );
    const sources = ['a', 'b', 'c', 'd', 'e'];
    await appendAudit(
      own.database,
      sources.map((source) => entry(source, { actor: 'alice' })),
    );
  });

  test('is whole when nobody touched it, and names its newest row', async () => {
    const state = await verifyAudit(own.database);
    expect(state).toMatchObject({
      ok: true,
      rows: 5,
      number: '5',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const entries = await read(new Date(0));
    expect(entries.map(({ number, actor }) => [number, actor])).toEqual(
      [1, 2, 3, 4, 5].map((n) => [n, 'alice']),
    );
    expect(await read(new Date(Date.now() + 60_000))).toEqual([]);
  });

  test('writes once what comes twice', async () => {
    await appendAudit(own.database, [entry('c'), entry('f'), entry('f')]);
    expect(await verifyAudit(own.database)).toMatchObject({ ok: true, rows: 6 });
  });

  test.each([
    ['an update', `update audit set entry = '{}' where number = 2`],
    ['a deletion', 'delete from audit where number = 5'],
    ['emptying', 'truncate audit'],
  ])('refuses %s', async (_, statement) => {
    await expect(sql.raw(statement).execute(own.database)).rejects.toThrow('the audit is append-only');
    expect(await verifyAudit(own.database)).toMatchObject({ ok: true, rows: 5 });
  });

  test.each([
    [
      'a changed entry',
      [`update audit set entry = replace(entry, 'alice', 'mallory') where number = 2`],
      '2',
    ],
    ['a changed time', [`update audit set at = '2020-01-01T00:00:00.000Z' where number = 3`], '3'],
    ['a changed hash', [`update audit set hash = repeat('0', 64) where number = 3`], '3'],
    ['a row that is gone', ['delete from audit where number = 3'], '3'],
    ['rows that are gone at the end', ['delete from audit where number >= 4'], '4'],
    ['rows that are gone at the beginning', ['delete from audit where number <= 2'], '1'],
    [
      'rows that are gone at the beginning as if they were pruned',
      [
        `update audit_chain set first_number = 2, first_hash = (select hash from audit where number = 2)`,
        'delete from audit where number <= 2',
      ],
      '2',
    ],
    [
      'two rows in each other’s place',
      [
        'update audit set number = -2 where number = 2',
        'update audit set number = 2 where number = 3',
        'update audit set number = 3 where number = -2',
      ],
      '2',
    ],
    [
      'a row between',
      [
        'update audit set number = number + 100 where number >= 3',
        'update audit set number = number - 99 where number >= 100',
        `insert into audit select 3, at, 'forged', entry, hash from audit where number = 2`,
        'update audit_chain set last_number = 6',
      ],
      '3',
    ],
    [
      'a row at the end',
      [
        `insert into audit values (6, '2026-01-01T00:00:00.000Z', 'forged', '{"what":"request"}', repeat('a', 64))`,
        `update audit_chain set last_number = 6, last_hash = repeat('a', 64)`,
      ],
      '6',
    ],
    [
      'ends that are gone',
      ['delete from audit_chain', `insert into audit_chain values (true, 0, '', 0, '')`],
      '6',
    ],
  ])('tells of %s', async (_, statements, number) => {
    await tamper(...statements);
    expect(await verifyAudit(own.database)).toMatchObject({ ok: false, number });
  });

  test('tells of a chain that was written anew, to who noted its newest row', async () => {
    const noted = await verifyAudit(own.database);
    if (!noted.ok) throw new Error(noted.reason);
    await appendAudit(own.database, [entry('f')]);
    expect(await verifyAudit(own.database, noted)).toMatchObject({ ok: true, rows: 6 });
    await tamper('delete from audit', `update audit_chain set last_number = 0, last_hash = ''`);
    await appendAudit(
      own.database,
      ['a', 'b', 'c', 'd', 'e', 'f'].map((source) => entry(source)),
    );
    expect(await verifyAudit(own.database)).toMatchObject({ ok: true, rows: 6 });
    expect(await verifyAudit(own.database, noted)).toMatchObject({ ok: false, number: '5' });
  });

  test('stays one chain under many writers of several processes', async () => {
    await using other = await store.open();
    const writers = Array.from({ length: 40 }, async (_, n) =>
      appendAudit((n % 2 === 0 ? own : other).database, [entry(`w${n}`), entry(`w${n % 10} again`)]),
    );
    await Promise.all(writers);
    expect(await verifyAudit(own.database)).toMatchObject({ ok: true, rows: 5 + 40 + 10 });
  });

  test('leaves of what is pruned the hash of the last row, and says who pruned it', async () => {
    await appendAudit(own.database, [{ ...entry('later'), at: Date.now() + 60_000 }]);
    expect(await pruneAudit(own.database, new Date(Date.now() + 30_000))).toBe(5);
    expect(await verifyAudit(own.database)).toMatchObject({ ok: true, rows: 2 });
    const left = await read(new Date(0));
    expect(left.map(({ what }) => what)).toEqual(['request', 'audit pruned']);
    expect(await pruneAudit(own.database, new Date(0))).toBe(0);
    await tamper(`update audit set entry = replace(entry, 'through', 'though') where number = 7`);
    expect(await verifyAudit(own.database)).toMatchObject({ ok: false, number: '7' });
  });
});
