import { findAccess, findSender } from '../../github/api/access.ts';
import type { Approval } from '../../orchestrator/server/server-unit.ts';
import { findRepositoryById } from '../../store/github/github-repositories.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import { moveRound, type Round } from '../../store/github/review-rounds.ts';
import { cancelOpenRun } from '../../store/runs/change-run.ts';
import { answer, sentence } from '../repository/answers.ts';
import { isHeld, readLabels } from '../repository/labels.ts';
import { type HandlerServices, openStoredRepository } from '../repository/open-repository.ts';

/** How often a held pull request is looked at again. Milliseconds. */
const HOLD_POLL_MS = 60_000;

/**
 * Asks for the permission of a round's actor again, when its agent is about to start: the round may have waited for long. Who may
 * not ask any more is told so, once, and nothing starts.
 */
export async function approveRound(round: Round, services: HandlerServices): Promise<Approval> {
  const { database, runStore, policy } = services;
  const { id, pull, run } = round;
  const known = await findRepositoryById(database, round.repository);
  if (known === undefined) return { kind: 'no', reason: 'the App is not installed there any more' };
  const repository = openStoredRepository(known, services);
  const { octokit } = repository;
  const isListedBot = round.byBot && policy.bots.has(round.actorId);
  const sender = isListedBot ? undefined : await findSender(octokit, round.actorId);
  const access = sender && (await findAccess(octokit, known, sender, policy.bots));
  if (!isListedBot && access?.allowed !== true) {
    const reason = access?.reason ?? 'who asked for it has no account any more';
    const text = sentence(`The review starts nothing: ${reason}`);
    await answer(repository, { thread: pull, key: `withdrawn:${id}`, text }, services);
    await moveRound(database, id, { state: 'ended', outcome: 'withdrawn' });
    if (run !== null) await cancelOpenRun(runStore, { run, actor: 'choo' });
    // The next round of the unit may start.
    await requestRefresh(database, { repository: known.id, target: round.target, unit: round.unit });
    return { kind: 'no', reason };
  }
  if (isHeld(await readLabels(repository, pull)))
    return { kind: 'later', until: Date.now() + HOLD_POLL_MS, reason: '`choo:hold` is on' };
  return { kind: 'yes' };
}
