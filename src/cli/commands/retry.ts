import { Command, Option } from 'commander';
import { askOwner } from '../../orchestrator/local/ask-owner.ts';
import { retryRun } from '../../store/runs/change-run.ts';
import { count } from '../../text/terminal-layout.ts';
import { wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { chooseRun } from '../sources/run-choice.ts';
import { openStore, terminalActor } from '../sources/server-store.ts';
import { continueRun } from './continue-run.ts';

interface RetryOptions {
  readonly run?: string;
  readonly fresh?: boolean;
  readonly from?: number;
  readonly json?: boolean;
}

/** `choo retry`: another turn for what did not complete. */
export function retryCommand(context: CommandContext): Command {
  return new Command('retry')
    .summary('give what did not complete another turn')
    .description(
      'Units that failed, were blocked or cancelled go on from their last good commit, with none of their attempts counted. A run of this repository is carried out here, as `choo run` does; where another process carries it out, that one is asked.',
    )
    .argument(
      '[run]',
      'the id of a run (default: the one of this repository that is under way, or its newest)',
    )
    .argument('[unit...]', 'these units of it, and what they blocked')
    .option('--run <id>', 'the run, where a unit could be taken for one')
    .option('--fresh', 'start over, whatever the branches hold; what they hold is kept at choo/old/…')
    .addOption(
      new Option('--from <task>', 'do the tasks of the units again from this number on').argParser(
        wholeNumber(1, 9_999),
      ),
    )
    .option('--json', 'print what gets another turn as JSON; of a run that is carried out here, every event')
    .addHelpText('after', HELP)
    .action(async (first: string | undefined, rest: string[], options: RetryOptions) =>
      retry(context, first === undefined ? [] : [first, ...rest], options),
    );
}

const HELP = `
The run is looked for in this repository, then on the server of this machine's settings; there it must be named.

Exit status: 0 they get another turn, 1 nothing needs one, or another run is under way for the branch, 2 wrong usage. \
Of a run that is carried out here: that of \`choo run\`.

Examples:
  choo retry                            all that did not complete, here
  choo retry api web                    two units of it
  choo retry 4k2j9x0q7a                 a run, here or on the server
  choo retry 4k2j9x0q7a api --from 3    one unit, from its third task on
  choo retry 4k2j9x0q7a api --fresh     one unit, from nothing`;

async function retry(
  context: CommandContext,
  words: readonly string[],
  { run: named, fresh = false, from, json = false }: RetryOptions,
): Promise<void> {
  const { terminal, finish } = context;
  const chosen = await chooseRun(context, words, named);
  const run = chosen.kind === 'server' ? chosen.run : chosen.state.start.run;
  const say = (units: readonly string[]): void =>
    terminal.out(`Another turn for ${count(units.length, 'unit')} of run ${run}.\n`);
  const asked = { units: chosen.units, actor: terminalActor(), fresh };
  let units: readonly string[];
  if (chosen.kind === 'server') {
    await using store = await openStore();
    units = await retryRun(store.runStore, store.jobs, {
      ...asked,
      run,
      ...(from === undefined ? {} : { from }),
    });
  } else {
    const { local, state } = chosen;
    const request = { ...asked, kind: 'retry', from: from ?? null } as const;
    const answer = await askOwner({ commonDirectory: local.place.commonDirectory, run }, request);
    if (answer.kind === 'idle') return continueRun(context, { local, state, request, json, say });
    units = answer.units;
  }
  if (json) terminal.json({ version: 1, run, units });
  else say(units);
  finish(0);
}
