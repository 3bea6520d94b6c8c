import type { Command, CommandName } from '../../github/commands/commands.ts';
import { COMMAND_NAMES, COMMANDS } from '../../github/commands/commands.ts';
import type { Planner } from '../planning/planner.ts';
import { sentences } from '../repository/answers.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { Action, CommandRequest, CommandResult } from './command-request.ts';
import { cancelCommand } from './cancel.ts';
import { fixCommand } from './fix.ts';
import { helpCommand } from './help.ts';
import { planCommand } from './plan-command.ts';
import { refusing, refusingWithheld } from './refusing.ts';
import { retryCommand, skipCommand } from './retry-skip.ts';
import { runCommand } from './run-command.ts';
import { statusCommand } from './status.ts';
import { updateCommand } from './update.ts';

/** The action of each command in `COMMANDS`. */
const ACTIONS: { readonly [Name in CommandName]: Action<Command<Name>> } = {
  run: runCommand,
  plan: planCommand,
  status: statusCommand,
  cancel: refusing(cancelCommand),
  retry: refusing(retryCommand),
  skip: refusing(skipCommand),
  update: refusing(updateCommand),
  fix: refusing(fixCommand),
  help: helpCommand,
};

/** Executes a command, unless it is refused on the thread where it was written. */
export async function execute<Name extends CommandName>(
  command: Command<Name>,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  if (request.unit !== undefined && !COMMANDS[command.kind].worksOnUnitPull)
    return { kind: 'refused', text: NOT_ON_UNIT_PULL };
  return refusingWithheld(async () => ACTIONS[command.kind](command, request, planner, services));
}

const AND = new Intl.ListFormat('en-GB');
const onUnitPull = (works: boolean): string =>
  AND.format(COMMAND_NAMES.filter((name) => COMMANDS[name].worksOnUnitPull === works));

const NOT_ON_UNIT_PULL = sentences(
  `this pull request is the result of one unit: ${onUnitPull(false)} where the specs are`,
  `here I know ${onUnitPull(true)}`,
);
