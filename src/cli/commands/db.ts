import { Command } from 'commander';
import { readSettings } from '../../config/settings.ts';
import { migrationStatus } from '../../store/database/migrate.ts';
import type { CommandContext } from '../context.ts';
import { openDatabaseAsItIs, openStore } from '../sources/server-store.ts';

/** `choo db`: the tables of the server's database. */
export function dbCommand({ terminal, finish }: CommandContext): Command {
  const database = new Command('db')
    .summary('look at the tables of the server’s database, and bring them up to date')
    .description(
      'The database is the one in DATABASE_URL, or the built-in one under CHOO_DATA_DIR. Every `choo serve` brings the tables up to date when it starts; with many of them it is calmer to do that once, before.',
    );
  database
    .command('migrate')
    .summary('bring the tables up to date')
    .action(async () => {
      await using store = await openStore(readSettings(), 'migrate');
      const done = await migrationStatus(store.database);
      terminal.out(`The tables are up to date: ${done.at(-1)?.name ?? 'nothing'}.\n`);
      finish(0);
    });
  database
    .command('status')
    .summary('show what was done to the tables, and when')
    .option('--json', 'print it as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const settings = readSettings();
      const { DATABASE_URL } = settings;
      await using opened = await openDatabaseAsItIs(settings);
      const migrations = (await migrationStatus(opened.database)).map(({ name, appliedAt }) => ({
        name,
        appliedAt: appliedAt?.toISOString() ?? null,
      }));
      if (json) terminal.json({ version: 1, builtIn: DATABASE_URL === undefined, migrations });
      else
        for (const { name, appliedAt } of migrations)
          terminal.out(`${name}  ${appliedAt === null ? 'to be done' : `done ${appliedAt}`}\n`);
      finish(0);
    });
  return database;
}
