import type { Command } from '../../github/commands/commands.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import { runPage } from '../repository/pages.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { findRunsOfThread } from './thread-runs.ts';

/** `/choo status`: the status comment is told anew, and linked to. */
export async function statusCommand(
  _command: Command<'status'>,
  asking: CommandRequest,
  _planner: Planner,
  services: Pick<HandlerServices, 'database' | 'runStore'>,
): Promise<CommandResult> {
  const [report] = await findRunsOfThread(asking, services);
  if (report === undefined) return { kind: 'done', text: 'There is no run here yet.' };
  await requestRefresh(services.database, { run: report.run });
  const url = await runPage(asking.repository, report, services);
  return { kind: 'done', text: `Run \`${report.run}\`: ${url}` };
}
