import { Command } from 'commander';
import { cancelLocally } from '../../orchestrator/local/local-run.ts';
import { cancelRun } from '../../store/runs/change-run.ts';
import { count } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import { chooseRun } from '../sources/run-choice.ts';
import { openStore, terminalActor } from '../sources/server-store.ts';

interface CancelOptions {
  readonly run?: string;
  readonly json?: boolean;
}

/** `choo cancel`: cancels a run, or units of it. */
export function cancelCommand(context: CommandContext): Command {
  const { terminal, finish, programName } = context;
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
    .action(
      async (first: string | undefined, rest: string[], { run: named, json = false }: CancelOptions) => {
        const words = first === undefined ? [] : [first, ...rest];
        const { run, units } = await cancel(context, words, named);
        if (json) terminal.json({ version: 1, run, units });
        else
          terminal.out(
            `Cancelled ${count(units.length, 'unit')} of run ${run}. \`${programName} retry ${run}\` continues them.\n`,
          );
        finish(0);
      },
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

async function cancel(
  context: CommandContext,
  words: readonly string[],
  named: string | undefined,
): Promise<{ readonly run: string; readonly units: readonly string[] }> {
  const chosen = await chooseRun(context, words, named);
  const asked = { units: chosen.units, actor: terminalActor() };
  if (chosen.kind === 'server') {
    await using store = await openStore();
    return {
      run: chosen.run,
      units: await cancelRun(store.runStore, store.jobs, { ...asked, run: chosen.run }),
    };
  }
  const { run } = chosen.state.start;
  const request = { ...asked, kind: 'cancel', fresh: false, from: null } as const;
  return { run, units: await cancelLocally(chosen.local.place, run, request) };
}
