import { Command } from 'commander';
import { readSettings } from '../../config/settings.ts';
import { migrationStatus } from '../../store/database/migrate.ts';
import type { CommandContext } from '../context.ts';
import { openUnmigratedDatabase, openStore } from '../sources/server-store.ts';

/** `choo db`: the tables of the server's database. */
export function dbCommand({ terminal, finish }: CommandContext): Command {
  const database = new Command('db')
    .summary('show or migrate the tables of the database')
    .description(
      'The database is the one in DATABASE_URL, or the built-in one under CHOO_DATA_DIR. `choo serve` migrates the tables when it starts. Before you start many processes, run `choo db migrate` once.',
    );
  database
    .command('migrate')
    .summary('migrate the tables to this version of choo')
    .action(async () => {
      await using store = await openStore(readSettings(), 'migrate');
      const done = await migrationStatus(store.database);
      terminal.out(`The tables are up to date: ${done.at(-1)?.name ?? 'nothing'}.\n`);
      finish(0);
    });
  database
    .command('status')
    .summary('list the migrations and when each was applied')
    .option('--json', 'print the migrations as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const settings = readSettings();
      const { DATABASE_URL } = settings;
      await using opened = await openUnmigratedDatabase(settings);
      const migrations = (await migrationStatus(opened.database)).map(({ name, appliedAt }) => ({
        name,
        appliedAt: appliedAt?.toISOString() ?? null,
      }));
      if (json) terminal.json({ version: 1, builtIn: DATABASE_URL === undefined, migrations });
      else
        for (const { name, appliedAt } of migrations)
          terminal.out(`${name}  ${appliedAt === null ? 'pending' : `applied ${appliedAt}`}\n`);
      finish(0);
    });
  return database;
}
