import { Command } from 'commander';
import { skipUnits } from '../../store/runs/change-run.ts';
import type { CommandContext } from '../context.ts';
import { requestChange } from './request-change.ts';

interface SkipOptions {
  readonly run?: string;
  readonly json?: boolean;
}

/** `choo skip`: skips units of a run. */
export function skipCommand(context: CommandContext): Command {
  return new Command('skip')
    .summary('skip units of a run')
    .description(
      'Their dependents continue without them, on a base without their work. A run of this repository is executed here, as by `choo run`, unless another process executes it; that process then makes the change.',
    )
    .argument('[run]', 'id of a run (default: the active run of this repository, or its newest)')
    .argument('[unit...]', 'the units to skip')
    .option('--run <id>', 'the run, when its id could also name a unit')
    .option('--json', 'print the skipped units as JSON, or every event of a run that is executed here')
    .addHelpText('after', HELP)
    .action(async (first: string | undefined, rest: string[], { run: named, json = false }: SkipOptions) =>
      requestChange(
        context,
        { words: first === undefined ? [] : [first, ...rest], named, json },
        {
          request: { kind: 'skip', fresh: false, from: null },
          onServer: async ({ runStore }, asked) => skipUnits(runStore, asked),
          describe: (run, units) => {
            const list = units.map((unit) => `\`${unit}\``).join(', ');
            const retry = `\`${context.programName} retry ${run} ${units.join(' ')}\``;
            return `Skipped ${list} in run ${run}. ${retry} runs ${units.length === 1 ? 'it' : 'them'} after all.\n`;
          },
        },
      ),
    );
}

const HELP = `
Searches this repository for the run, then the server of this machine's settings, where the run must be named.

Exit status: 0 skipped, 1 a unit is already complete, 2 wrong usage or unknown run or unit. For a run that is \
executed here: that of \`choo run\`.

Examples:
  choo skip docs               skip the unit docs, here
  choo skip 4k2j9x0q7a docs    of a run, here or on the server`;
