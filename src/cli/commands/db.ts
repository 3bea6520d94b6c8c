import { Argument, Command } from 'commander';
import { readSettings } from '../../config/settings.ts';
import { migrationStatus } from '../../store/database/migrate.ts';
import {
  OPERATOR_VIEWS,
  type OperatorViewName,
  readOperatorView,
  type ViewRows,
} from '../../store/database/operator-views.ts';
import { columnWidth, pad, printable } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import { openUnmigratedDatabase, openStore } from '../sources/server-store.ts';

/** `choo db`: the tables of the server's database. */
export function dbCommand({ terminal, finish }: CommandContext): Command {
  const database = new Command('db')
    .summary('ask the database what the server does; migrate its tables')
    .description(
      'The database is the one in DATABASE_URL, or the built-in one under CHOO_DATA_DIR. `choo serve` migrates the tables when it starts. Before you start many processes, run `choo db migrate` once.',
    );
  database
    .command('show')
    .summary('show what the server is doing, and what it cost')
    .addArgument(new Argument('<what>', whatThereIs()).choices(VIEWS))
    .option('--json', 'print the rows as JSON')
    .action(async (what: OperatorViewName, { json = false }: { json?: boolean }) => {
      await using opened = await openUnmigratedDatabase(readSettings());
      const rows = await readOperatorView(opened.database, what);
      if (json) terminal.json({ version: 1, rows });
      else terminal.out(rows.length === 0 ? 'Nothing.\n' : renderRows(rows));
      finish(0);
    });
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

const VIEWS = Object.keys(OPERATOR_VIEWS) as OperatorViewName[];
/** A wider column is not aligned. */
const MAX_COLUMN = 200;

function whatThereIs(): string {
  return VIEWS.map((name) => `${name}: ${OPERATOR_VIEWS[name].summary}`).join('; ');
}

/** Rows as a table: the widest value decides each column. */
function renderRows(rows: ViewRows): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => printable(String(row[name] ?? ''))))];
  const widths = names.map((_, at) =>
    columnWidth(
      lines.map((line) => line[at] ?? ''),
      MAX_COLUMN,
    ),
  );
  const render = (line: readonly string[]): string =>
    line.map((cell, at) => pad(cell, widths[at] ?? 0)).join('  ');
  return lines.map((line) => `${render(line).trimEnd()}\n`).join('');
}
