import type { Report } from '../../store/github/reports.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import { planCheckKey } from './checks.ts';
import type { OpenRepository } from './open-repository.ts';

/** The page that shows a run: its status comment, or its plan's check. */
export async function runPage(
  { pr, checks, url }: OpenRepository,
  { run, thread, isPull }: Pick<Report, 'run' | 'thread' | 'isPull'>,
  { runStore }: { readonly runStore: RunStore },
): Promise<string> {
  if (thread !== null) {
    const comment = await pr.idOf(runCommentKey(run));
    const page = `${url}/${isPull ? 'pull' : 'issues'}/${thread}`;
    return comment === undefined ? page : `${page}#issuecomment-${comment}`;
  }
  const { commit } = await runStore.startOf(run);
  const check = await checks.idOf(planCheckKey(commit));
  return check === undefined ? `${url}/commit/${commit}/checks` : `${url}/runs/${check}`;
}

/** The key of the post of a run's status comment. */
export function runCommentKey(run: string): string {
  return `comment:run:${run}`;
}
