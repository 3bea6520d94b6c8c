import { ChooError } from '../../errors.ts';
import type { Command } from '../../github/commands/commands.ts';
import { askForUpdates } from '../../store/github/unit-pulls.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import { readServerRun } from '../../store/runs/run-reader.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { findRunAndUnit } from './retry-skip.ts';

/**
 * `/choo update`: asks for updates of the open pull requests of the thread's run; on a unit's pull request, of that one. Throws
 * a ChooError (`usage`) when none is open.
 */
export async function updateCommand(
  { unit: name }: Command<'update'>,
  request: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const { database } = services;
  const { report, unit } = await findRunAndUnit(name, request, services);
  const { id: repository } = request.repository.known;
  const { target } = await readServerRun(database, report.run);
  const units =
    unit === undefined ? (await services.runStore.startOf(report.run)).units.map(({ id }) => id) : [unit];
  const asked = await askForUpdates(database, { repository, target, units });
  if (asked === 0)
    throw new ChooError(
      'usage',
      unit === undefined
        ? 'no unit of this run has an open pull request'
        : `\`${unit}\` has no open pull request`,
    );
  await requestRefresh(database, { repository, target });
  return { kind: 'started' };
}
