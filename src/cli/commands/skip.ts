import { Command } from 'commander';
import { askOwner } from '../../orchestrator/local/ask-owner.ts';
import { skipUnits } from '../../store/runs/change-run.ts';
import type { CommandContext } from '../context.ts';
import { chooseRun } from '../sources/run-choice.ts';
import { openStore, terminalActor } from '../sources/server-store.ts';
import { continueRun } from './continue-run.ts';

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
    .action(async (first: string | undefined, rest: string[], options: SkipOptions) =>
      skip(context, first === undefined ? [] : [first, ...rest], options),
    );
}

const HELP = `
Searches this repository for the run, then the server of this machine's settings, where the run must be named.

Exit status: 0 skipped, 1 a unit is already complete, 2 wrong usage or unknown run or unit. For a run that is \
executed here: that of \`choo run\`.

Examples:
  choo skip docs               skip the unit docs, here
  choo skip 4k2j9x0q7a docs    of a run, here or on the server`;

async function skip(
  context: CommandContext,
  words: readonly string[],
  { run: named, json = false }: SkipOptions,
): Promise<void> {
  const { terminal, finish, programName } = context;
  const chosen = await chooseRun(context, words, named);
  const run = chosen.kind === 'server' ? chosen.run : chosen.state.start.run;
  const say = (units: readonly string[]): void => {
    const [list, them] = [units.map((unit) => `\`${unit}\``).join(', '), units.length === 1 ? 'it' : 'them'];
    terminal.out(
      `Skipped ${list} in run ${run}. \`${programName} retry ${run} ${units.join(' ')}\` runs ${them} after all.\n`,
    );
  };
  const asked = { units: chosen.units, actor: terminalActor() };
  let units: readonly string[];
  if (chosen.kind === 'server') {
    await using store = await openStore();
    units = await skipUnits(store.runStore, store.jobs, { ...asked, run });
  } else {
    const { local, state } = chosen;
    const request = { ...asked, kind: 'skip', fresh: false, from: null } as const;
    const answer = await askOwner({ commonDirectory: local.place.commonDirectory, run }, request);
    if (answer.kind === 'idle') return continueRun(context, { local, state, request, json, say });
    units = answer.units;
  }
  if (json) terminal.json({ version: 1, run, units });
  else say(units);
  finish(0);
}
