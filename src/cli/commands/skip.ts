import { Command } from 'commander';
import { skipUnits } from '../../store/runs/run-control.ts';
import type { CommandContext } from '../context.ts';
import { openStore, terminalActor } from '../sources/server-store.ts';

/** `choo skip`: leaves a unit out of a run. */
export function skipCommand({ terminal, finish, called }: CommandContext): Command {
  return new Command('skip')
    .summary('leave a unit out of a run of the server')
    .description('What depends on it goes on without it, on a base that does not have its work.')
    .argument('<run>', 'the id of a run')
    .argument('<unit>', 'the unit to leave out')
    .option('--json', 'print what was left out as JSON')
    .addHelpText('after', HELP)
    .action(async (run: string, unit: string, { json = false }: { json?: boolean }) => {
      await using store = await openStore();
      await skipUnits(store.book, store.jobs, { run, units: [unit], actor: terminalActor() });
      if (json) terminal.json({ version: 1, run, units: [unit] });
      else
        terminal.out(
          `Left \`${unit}\` out of run ${run}. \`${called} retry ${run} ${unit}\` takes it back.\n`,
        );
      finish(0);
    });
}

const HELP = `
Exit status: 0 it is left out, 1 it is complete already, 2 wrong usage or no such run or unit.

Example:
  choo skip 4k2j9x0q7a docs`;
