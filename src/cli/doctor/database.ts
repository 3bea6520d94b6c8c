import { migrationStatus } from '../../store/database/migrate.ts';
import { readDatabaseClock } from '../../store/database/clock.ts';
import type { OpenDatabase } from '../../store/server-database.ts';
import { compareClocks } from './clocks.ts';
import { failed, type Finding, ok } from './finding.ts';

/** Asks the database whether it answers, has this choo's tables, and goes by the same clock. */
export async function checkDatabase(
  open: () => Promise<OpenDatabase>,
  now: () => number = Date.now,
): Promise<readonly Finding[]> {
  await using opened = await open();
  const { database } = opened;
  const { version, at } = await readDatabaseClock(database);
  const migrations = await migrationStatus(database);
  const pending = migrations.filter(({ appliedAt }) => appliedAt === undefined);
  return [
    ok('database', `PostgreSQL ${version} answers`),
    pending.length === 0
      ? ok('tables', `they are up to date: ${migrations.at(-1)?.name}`)
      : failed(
          'tables',
          `${pending.length} of ${migrations.length} migrations are missing, the first is ${pending[0]?.name}`,
          'stop every choo process, back up, and run `choo db migrate`',
        ),
    compareClocks('the database', at, now()),
  ];
}
