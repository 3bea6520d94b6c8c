import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { ChooError } from '../../errors.ts';
import { type Database, SCHEMA } from './database.ts';
import { up as first } from './migrations/0001-first.ts';
import { up as app } from './migrations/0002-app.ts';
import { up as copies } from './migrations/0003-copies.ts';
import { up as money } from './migrations/0004-money.ts';
import { up as holds } from './migrations/0006-holds.ts';
import { up as queue } from './migrations/0007-queue.ts';
import { up as refusals } from './migrations/0009-refusals.ts';
import { up as unused } from './migrations/0010-unused.ts';
import { up as leases } from './migrations/0011-leases.ts';
import { up as updates } from './migrations/0012-updates.ts';
import { up as pullFacts } from './migrations/0013-pull-facts.ts';
import { up as inbound } from './migrations/0014-inbound.ts';
import { up as appBot } from './migrations/0015-app-bot.ts';
import { up as githubStacks } from './migrations/0016-github-stacks.ts';
import { up as resolveAsked } from './migrations/0019-resolve-asked.ts';
import { up as reviewRounds } from './migrations/0021-review-rounds.ts';
import { up as requiredReview } from './migrations/0022-required-review.ts';
import { up as baseBranches } from './migrations/0023-base-branches.ts';
import { up as audit } from './migrations/0030-audit.ts';
import { up as unitQueue } from './migrations/0040-unit-queue.ts';
import { up as runWriting } from './migrations/0041-run-writing.ts';
import { up as sessions } from './migrations/0042-sessions.ts';
import { up as firstEvents } from './migrations/0043-first-events.ts';

/** In order, forward only. A name is never used again. */
const MIGRATIONS = {
  '0001-first': { up: first },
  '0002-app': { up: app },
  '0003-copies': { up: copies },
  '0004-money': { up: money },
  '0006-holds': { up: holds },
  '0007-queue': { up: queue },
  '0009-refusals': { up: refusals },
  '0010-unused': { up: unused },
  '0011-leases': { up: leases },
  '0012-updates': { up: updates },
  '0013-pull-facts': { up: pullFacts },
  '0014-inbound': { up: inbound },
  '0015-app-bot': { up: appBot },
  '0016-github-stacks': { up: githubStacks },
  '0019-resolve-asked': { up: resolveAsked },
  '0021-review-rounds': { up: reviewRounds },
  '0022-required-review': { up: requiredReview },
  '0023-base-branches': { up: baseBranches },
  '0030-audit': { up: audit },
  '0040-unit-queue': { up: unitQueue },
  '0041-run-writing': { up: runWriting },
  '0042-sessions': { up: sessions },
  '0043-first-events': { up: firstEvents },
};

/** One migration of a database. */
export interface MigrationStatus {
  readonly name: string;
  /** Undefined: not applied yet. */
  readonly appliedAt: Date | undefined;
}

/**
 * Brings the tables up to date, under a lock, so that any number of processes may start at once. Returns the names of the
 * migrations it applied. Throws a ChooError (`environment`) for a database that a newer choo has migrated.
 */
export async function migrate(database: Database): Promise<readonly string[]> {
  await refuseNewer(database);
  // Two concurrent `create schema if not exists` can conflict.
  await database.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${`${SCHEMA} schema`}))`.execute(trx);
    await sql.raw(`create schema if not exists ${SCHEMA}`).execute(trx);
  });
  const { error, results = [] } = await createMigrator(database).migrateToLatest();
  if (error !== undefined) throw error;
  return results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName);
}

/** All migrations, applied or not, in order. */
export async function migrationStatus(database: Database): Promise<readonly MigrationStatus[]> {
  await refuseNewer(database);
  const applied = new Map((await appliedNames(database)).map(({ name, timestamp }) => [name, timestamp]));
  return Object.keys(MIGRATIONS).map((name) => {
    const at = applied.get(name);
    return { name, appliedAt: at === undefined ? undefined : new Date(at) };
  });
}

function createMigrator(database: Database): Migrator {
  return new Migrator({
    db: database,
    provider: { getMigrations: () => Promise.resolve(MIGRATIONS) },
    migrationTableSchema: SCHEMA,
    migrationTableName: 'migrations',
    migrationLockTableName: 'migration_lock',
  });
}

async function refuseNewer(database: Database): Promise<void> {
  const unknown = (await appliedNames(database)).find(({ name }) => !(name in MIGRATIONS));
  if (unknown === undefined) return;
  throw new ChooError(
    'environment',
    `the database is newer than this choo: it has the migration \`${unknown.name}\``,
    {
      hint: 'update choo on this machine; migrations cannot be undone',
    },
  );
}

async function appliedNames(
  database: Database,
): Promise<readonly { readonly name: string; readonly timestamp: string }[]> {
  const table = await sql<{ found: boolean }>`
    select to_regclass(${`${SCHEMA}.migrations`}) is not null as found`.execute(database);
  if (table.rows[0]?.found !== true) return [];
  const { rows } = await sql<{ name: string; timestamp: string }>`
    select name, timestamp from ${sql.table(`${SCHEMA}.migrations`)} order by name`.execute(database);
  return rows;
}
