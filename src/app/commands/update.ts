import { ChooError } from '../../errors.ts';
import type { Command } from '../../github/commands/commands.ts';
import { askForUpdates } from '../../store/github/unit-pulls.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import { readServerRun } from '../../store/runs/run-reader.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { chooseRun } from './thread-runs.ts';

/**
 * `/choo update`: asks for updates of the open pull requests of the thread's run. Of units that are named, or on a unit's pull
 * request of that one, it also asks for an agent where they conflict. Throws a ChooError (`usage`) when none is open.
 */
export async function updateCommand(
  { words }: Command<'update'>,
  request: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { database } = services;
  const { report, units: named } = await chooseRun(words, request, services);
  const { id: repository } = request.repository.known;
  const { target } = await readServerRun(database, report.run);
  const units =
    named.length === 0 ? (await services.runStore.startOf(report.run)).units.map(({ id }) => id) : named;
  const resolve = named.length > 0;
  const asked = await askForUpdates(database, { repository, target, units, resolve });
  if (asked === 0)
    throw new ChooError(
      'usage',
      named.length === 0
        ? 'no unit of this run has an open pull request'
        : `there is no open pull request of ${named.map((unit) => `\`${unit}\``).join(' or ')}`,
    );
  await requestRefresh(database, { repository, target });
  return { kind: 'started' };
}
