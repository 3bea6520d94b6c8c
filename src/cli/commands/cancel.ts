import { Command } from 'commander';
import { cancelRun } from '../../store/runs/run-control.ts';
import { count } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import { openStore, terminalActor } from '../sources/server-store.ts';

/** `choo cancel`: ends a run of the server, or one unit of it. */
export function cancelCommand({ terminal, finish, called }: CommandContext): Command {
  return new Command('cancel')
    .summary('end a run of the server, or one unit of it')
    .description(
      'Nothing of it starts any more, and what runs is stopped within five seconds. Commits are kept.',
    )
    .argument('<run>', 'the id of a run')
    .argument('[unit]', 'one unit of it')
    .option('--json', 'print what was cancelled as JSON')
    .addHelpText('after', HELP)
    .action(async (run: string, unit: string | undefined, { json = false }: { json?: boolean }) => {
      await using store = await openStore();
      const units = await cancelRun(store.book, store.jobs, {
        run,
        units: unit === undefined ? [] : [unit],
        actor: terminalActor(),
      });
      if (json) terminal.json({ version: 1, run, units });
      else
        terminal.out(
          `Cancelled ${count(units.length, 'unit')} of run ${run}. \`${called} retry ${run}\` goes on with them.\n`,
        );
      finish(0);
    });
}

const HELP = `
Exit status: 0 it was cancelled, 1 it has ended already, 2 wrong usage or no such run.

Examples:
  choo cancel 4k2j9x0q7a
  choo cancel 4k2j9x0q7a api`;
