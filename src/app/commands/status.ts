import type { Command } from '../../github/commands/commands.ts';
import { wantReports } from '../../store/github/reports.ts';
import type { Planner } from '../planning/planner.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import { runPage } from '../repository/pages.ts';
import type { Asking, Outcome } from './asking.ts';
import { findRunsOf } from './runs-of-thread.ts';

/** `/choo status`: the status comment is told anew, and linked to. */
export async function statusCommand(
  _command: Command<'status'>,
  asking: Asking,
  _planner: Planner,
  services: Pick<HandlerServices, 'database' | 'book'>,
): Promise<Outcome> {
  const [report] = await findRunsOf(asking, services);
  if (report === undefined) return { kind: 'done', text: 'There is no run here yet.' };
  await wantReports(services.database, { run: report.run });
  const url = await runPage(asking.repository, report, services);
  return { kind: 'done', text: `Run \`${report.run}\`: ${url}` };
}
