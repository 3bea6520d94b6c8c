import { ChooError } from '../../errors.ts';
import type { Command } from '../../github/commands/commands.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import { requestRound } from '../reviews/request-round.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';

/**
 * `/choo fix`: has an agent work on the open threads of a unit's pull request and on the words behind it; `/choo fix ci`: on the red
 * checks of the repository. Throws a ChooError (`usage`) where there is nothing to work on.
 */
export async function fixCommand(
  { words, checks }: Command<'fix'>,
  { repository, unit, thread, source, actor }: CommandRequest,
  _planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  if (unit === undefined) throw new ChooError('usage', '`/choo fix` belongs on the pull request of a unit');
  const requested = await requestRound(
    {
      repository,
      unit,
      pull: thread,
      source,
      actor,
      kind: checks ? 'ci' : 'fix',
      words,
    },
    services,
  );
  if (requested === 'saved') return { kind: 'started' };
  throw checks
    ? new ChooError('usage', 'no check of the repository is red on this pull request')
    : new ChooError('usage', 'no thread of a reviewer is open here', {
        hint: 'write behind `/choo fix`, on the same line, what to change',
      });
}
