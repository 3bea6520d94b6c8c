import { Command } from 'commander';
import { cancelRun } from '../../store/runs/change-run.ts';
import { count } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import { requestChange } from './request-change.ts';

interface CancelOptions {
  readonly run?: string;
  readonly json?: boolean;
}

/** `choo cancel`: cancels a run, or units of it. */
export function cancelCommand(context: CommandContext): Command {
  return new Command('cancel')
    .summary('cancel a run, or units of it')
    .description(
      'Starts nothing more and stops running units within five seconds; commits are kept. Works from any terminal.',
    )
    .argument('[run]', 'id of a run (default: the active run of this repository, or its newest)')
    .argument('[unit...]', 'only these units of it')
    .option('--run <id>', 'the run, when its id could also name a unit')
    .option('--json', 'print the cancelled units as JSON')
    .addHelpText('after', HELP)
    .action(async (first: string | undefined, rest: string[], { run: named, json = false }: CancelOptions) =>
      requestChange(
        context,
        { words: first === undefined ? [] : [first, ...rest], named, json },
        {
          request: { kind: 'cancel', fresh: false, from: null },
          onServer: async ({ runStore }, asked) => cancelRun(runStore, asked),
          describe: (run, units) =>
            `Cancelled ${count(units.length, 'unit')} of run ${run}. \`${context.programName} retry ${run}\` continues them.\n`,
        },
      ),
    );
}

const HELP = `
Searches this repository for the run, then the server of this machine's settings, where the run must be named.

Exit status: 0 cancelled, 1 already ended, 2 wrong usage or unknown run or unit.

Examples:
  choo cancel                  the active run of this repository
  choo cancel api              one unit of it
  choo cancel 4k2j9x0q7a       a run, here or on the server
  choo cancel 4k2j9x0q7a api   one unit of it`;
