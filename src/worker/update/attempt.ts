import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describeOutcome, Invoker } from '../invocation.ts';
import { fail, type UnitJob, type WorkerServices } from '../unit-job.ts';
import { mayChangeOf } from '../judge/protection.ts';
import { refuseJudgeChanges } from '../judge/compare-judge.ts';
import { UnitWorkspace } from '../workspace.ts';
import { takeAnswers } from './answers.ts';

/** What the agent of an update is asked to do. */
export interface UpdateWork {
  readonly kind: 'resolve' | 'review';
  readonly title: string;
  /** The ids of the threads to answer. */
  readonly threads?: readonly string[];
  /** The prompt; `answersPath`: where answers go, from the directory in which the agent works. */
  readonly prompt: (answersPath: string) => string;
}

/** What an agent left: a tree that may be committed, if its gates pass. */
interface WorkLeft {
  readonly tree: string;
  readonly hasChanged: boolean;
  readonly written: Awaited<ReturnType<typeof takeAnswers>>;
}

/**
 * Lets an agent work once in a worktree at the start commit of a job. Protected paths are put back, and what must not be
 * committed fails it, as does an agent that was stopped before it answered a review: it throws a UnitStop. No gate runs here, and nothing is committed.
 */
export async function attemptUpdate(
  job: UnitJob,
  services: Omit<WorkerServices, 'taskCompleted'>,
  { kind, title, threads = [], prompt }: UpdateWork,
): Promise<WorkLeft> {
  const workspace = await UnitWorkspace.open(job, services, job.start);
  try {
    // In the root, which no agent can turn into a link. Its name is new, so that the repository has no such file.
    const name = `choo-answers-${randomBytes(4).toString('hex')}.json`;
    const answersPath = `${'../'.repeat(job.directory.split('/').length - 1)}${name}`;
    const end = await new Invoker(job, services, workspace).attempt({
      task: null,
      rehearsed: { CHOO_REHEARSAL: kind, CHOO_ANSWERS: answersPath, CHOO_THREADS: threads.join(' ') },
      file: { title, file: job.unit.plan },
      attempt: job.repairsUsed + 1,
      prompt: prompt(answersPath),
    });
    await workspace.idle();
    const written = await takeAnswers(join(workspace.commands.workplace.worktree, name));
    if (kind === 'review' && written.kind === 'none') refuseStopped(end);
    const mayChange = mayChangeOf(job.unit);
    const left = await workspace.inspect({ mayChange });
    if (left.kind === 'unfit') throw fail('attempts', `what the agent left is not committed: ${left.reason}`);
    await refuseJudgeChanges(job, services, workspace, { to: left.tree, mayChange });
    return { tree: left.tree, hasChanged: left.changes.length > 0, written };
  } finally {
    await workspace.close(false);
  }
}

/** Half of the work on a review may pass every gate, and no gate asks for the other half. Throws a UnitStop. */
function refuseStopped({ overBudget, outcome }: Awaited<ReturnType<Invoker['attempt']>>): void {
  if (overBudget)
    throw fail(
      'budget',
      'the agent was stopped before it had answered, because the round has spent what it may',
      'raise `limits.review_cost`, or what the limits of the unit and the run leave, and comment `/choo fix`',
    );
  if (outcome.kind === 'timed-out' || outcome.kind === 'stalled')
    throw fail('attempts', `the agent was stopped ${describeOutcome(outcome)}, before it had answered`);
}
