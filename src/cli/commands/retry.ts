import { Command, Option } from 'commander';
import { retryRun } from '../../store/runs/change-run.ts';
import { count } from '../../text/terminal-layout.ts';
import { wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { requestChange } from './request-change.ts';

interface RetryOptions {
  readonly run?: string;
  readonly fresh?: boolean;
  readonly from?: number;
  readonly json?: boolean;
}

/** `choo retry`: retries failed, blocked and cancelled units. */
export function retryCommand(context: CommandContext): Command {
  return new Command('retry')
    .summary('retry failed, blocked and cancelled units')
    .description(
      'Failed, blocked and cancelled units continue from their last commit, with all of their attempts again. A run of this repository is executed here, as by `choo run`, unless another process executes it; that process then makes the change.',
    )
    .argument('[run]', 'id of a run (default: the active run of this repository, or its newest)')
    .argument('[unit...]', 'only these units of it, and the units they blocked')
    .option('--run <id>', 'the run, when its id could also name a unit')
    .option('--fresh', 'start over; the old branches are kept at choo/old/…')
    .addOption(
      new Option('--from <task>', 'repeat the tasks of the units from this number on').argParser(
        wholeNumber(1, 9_999),
      ),
    )
    .option('--json', 'print the retried units as JSON, or every event of a run that is executed here')
    .addHelpText('after', HELP)
    .action(
      async (
        first: string | undefined,
        rest: string[],
        { run: named, fresh = false, from, json = false }: RetryOptions,
      ) =>
        requestChange(
          context,
          { words: first === undefined ? [] : [first, ...rest], named, json },
          {
            request: { kind: 'retry', fresh, from: from ?? null },
            onServer: async ({ runStore }, asked) =>
              retryRun(runStore, { ...asked, fresh, ...(from === undefined ? {} : { from }) }),
            describe: (run, units) => `Retrying ${count(units.length, 'unit')} of run ${run}.\n`,
          },
        ),
    );
}

const HELP = `
Searches this repository for the run, then the server of this machine's settings, where the run must be named.

Exit status: 0 retried, 1 nothing to retry, or another run is active for the branch, 2 wrong usage. \
For a run that is executed here: that of \`choo run\`.

Examples:
  choo retry                            all incomplete units, here
  choo retry api web                    two units of it
  choo retry 4k2j9x0q7a                 a run, here or on the server
  choo retry 4k2j9x0q7a api --from 3    one unit, from its third task on
  choo retry 4k2j9x0q7a api --fresh     one unit, from nothing`;
