import { wantReports } from '../store/reports.ts';
import type { Asking, Outcome } from './asking.ts';
import { findRunsOf } from './runs-of-thread.ts';
import { runPage } from './pages.ts';
import type { HandlerServices } from './services.ts';

/** `/choo status`: the status comment is told anew, and linked to. */
export async function reportStatus(
  asking: Asking,
  services: Pick<HandlerServices, 'database' | 'book'>,
): Promise<Outcome> {
  const [report] = await findRunsOf(asking, services);
  if (report === undefined) return { kind: 'done', text: 'There is no run here yet.' };
  await wantReports(services.database, { run: report.run });
  const url = await runPage(asking.repository, report, services);
  return { kind: 'done', text: `Run \`${report.run}\`: ${url}` };
}
