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

/** `choo skip`: leaves units out of a run. */
export function skipCommand(context: CommandContext): Command {
  return new Command('skip')
    .summary('leave units out of a run')
    .description(
      'What depends on them goes on without them, on a base that does not have their work. A run of this repository is carried out here, as `choo run` does; where another process carries it out, that one is asked.',
    )
    .argument(
      '[run]',
      'the id of a run (default: the one of this repository that is under way, or its newest)',
    )
    .argument('[unit...]', 'the units to leave out')
    .option('--run <id>', 'the run, where a unit could be taken for one')
    .option('--json', 'print what was left out as JSON; of a run that is carried out here, every event')
    .addHelpText('after', HELP)
    .action(async (first: string | undefined, rest: string[], options: SkipOptions) =>
      skip(context, first === undefined ? [] : [first, ...rest], options),
    );
}

const HELP = `
The run is looked for in this repository, then on the server of this machine's settings; there it must be named.

Exit status: 0 they are left out, 1 one is complete already, 2 wrong usage or no such run or unit. Of a run that is \
carried out here: that of \`choo run\`.

Examples:
  choo skip docs               go on without the unit docs, here
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
      `Left ${list} out of run ${run}. \`${programName} retry ${run} ${units.join(' ')}\` takes ${them} back.\n`,
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
