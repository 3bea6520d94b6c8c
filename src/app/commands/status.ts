import type { Command } from '../../github/commands/commands.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import type { Planner } from '../planning/planner.ts';
import { sentence, sentenceWithLink } from '../repository/answers.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import { runPage } from '../repository/pages.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { findRunsOfThread } from './thread-runs.ts';

/** `/choo status`: refreshes the status comment and links to it. */
export async function statusCommand(
  _command: Command<'status'>,
  request: CommandRequest,
  _planner: Planner,
  services: Pick<HandlerServices, 'database' | 'runStore'>,
): Promise<CommandResult> {
  const [report] = await findRunsOfThread(request, services);
  if (report === undefined) return { kind: 'done', text: sentence('there is no run here yet') };
  await requestRefresh(services.database, { run: report.run });
  const url = await runPage(request.repository, report, services);
  return { kind: 'done', text: sentenceWithLink(`run \`${report.run}\` is shown`, url) };
}
