import { Command, Option } from 'commander';
import { retryRun } from '../../store/runs/run-control.ts';
import { count } from '../../text/terminal-layout.ts';
import { wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { openStore, terminalActor } from '../sources/server-store.ts';

interface RetryOptions {
  readonly fresh?: boolean;
  readonly from?: number;
  readonly json?: boolean;
}

/** `choo retry`: another turn for what did not complete. */
export function retryCommand({ terminal, finish }: CommandContext): Command {
  return new Command('retry')
    .summary('give what did not complete another turn')
    .description(
      'Units of a server’s run that failed, were blocked or cancelled go on from their last good commit, with none of their attempts counted. For a run of this machine, `choo run` does the same.',
    )
    .argument('<run>', 'the id of a run')
    .argument('[unit]', 'one unit of it, and what it blocked')
    .option('--fresh', 'start over, whatever the branches hold; what they hold is kept at choo/old/…')
    .addOption(
      new Option('--from <task>', 'do the tasks of the unit again from this number on').argParser(
        wholeNumber(1, 9_999),
      ),
    )
    .option('--json', 'print what gets another turn as JSON')
    .addHelpText('after', HELP)
    .action(async (run: string, unit: string | undefined, { fresh = false, from, json }: RetryOptions) => {
      await using store = await openStore();
      const units = await retryRun(store.book, store.jobs, {
        run,
        units: unit === undefined ? [] : [unit],
        actor: terminalActor(),
        fresh,
        ...(from === undefined ? {} : { from }),
      });
      if (json === true) terminal.json({ version: 1, run, units });
      else terminal.out(`Another turn for ${count(units.length, 'unit')} of run ${run}.\n`);
      finish(0);
    });
}

const HELP = `
Exit status: 0 they get another turn, 1 nothing needs one, or another run is under way for the branch, 2 wrong usage.

Examples:
  choo retry 4k2j9x0q7a                 all that did not complete
  choo retry 4k2j9x0q7a api --from 3    one unit, from its third task on
  choo retry 4k2j9x0q7a api --fresh     one unit, from nothing`;
