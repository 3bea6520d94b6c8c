import { findAccess, findSender } from '../../github/api/access.ts';
import { RateLimitedError } from '../../github/api/client.ts';
import type { Approval } from '../../orchestrator/server/server-unit.ts';
import { findRepositoryById } from '../../store/github/github-repositories.ts';
import { findReport, saveApproval, type Report } from '../../store/github/reports.ts';
import { findRoundOfRun } from '../../store/github/review-rounds.ts';
import { cancelOpenRun } from '../../store/runs/change-run.ts';
import { answer, sentence } from '../repository/answers.ts';
import { isHeld, readLabels } from '../repository/labels.ts';
import { type HandlerServices, openStoredRepository } from '../repository/open-repository.ts';
import { approveRound } from '../reviews/approve-round.ts';

const YES: Approval = { kind: 'yes' };
/** How often a held thread is checked again. Milliseconds. */
const HOLD_POLL_MS = 60_000;

/**
 * Checks the actor's permission and `choo:hold` again when a run's first unit is about to start: the run may have waited for
 * long. An actor who lost the permission is answered, and nothing starts.
 */
export async function approveRun(run: string, services: HandlerServices): Promise<Approval> {
  const report = await findReport(services.database, run);
  if (report === undefined) return approveUpdate(run, services);
  if (report.approved) return YES;
  const known = await findRepositoryById(services.database, report.repository);
  if (known === undefined) return { kind: 'no', reason: 'the App is not installed there any more' };
  return orLater(async () => readApproval(report, known, services));
}

/** A run without a report was submitted at a terminal, or is an update, of which only those for reviews ask for an agent. */
async function approveUpdate(run: string, services: HandlerServices): Promise<Approval> {
  const round = await findRoundOfRun(services.database, run);
  if (round === undefined) return YES;
  return orLater(async () => approveRound(round, services));
}

/** GitHub may not answer now. */
async function orLater(read: () => Promise<Approval>): Promise<Approval> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error;
    return { kind: 'later', until: error.until.getTime(), reason: error.message };
  }
}

async function readApproval(
  { run, actorId, thread }: Report,
  known: Parameters<typeof openStoredRepository>[0],
  services: HandlerServices,
): Promise<Approval> {
  const repository = openStoredRepository(known, services);
  const { octokit } = repository;
  if (actorId !== null) {
    const sender = await findSender(octokit, actorId);
    const access = sender && (await findAccess(octokit, known, sender, services.policy.bots));
    if (access?.allowed !== true) {
      const reason = access?.reason ?? 'who asked for it has no account any more';
      await cancelOpenRun(services.runStore, { run, actor: 'choo' });
      if (thread !== null) {
        const text = sentence(`run \`${run}\` was cancelled before it began: ${reason}`);
        await answer(repository, { thread, key: `withdrawn:${run}`, text }, services);
      }
      return { kind: 'no', reason };
    }
  }
  if (thread !== null && isHeld(await readLabels(repository, thread)))
    return { kind: 'later', until: Date.now() + HOLD_POLL_MS, reason: '`choo:hold` is on' };
  await saveApproval(services.database, run);
  return YES;
}
