import { findAccess } from '../../github/api/access.ts';
import { tickedBoxes } from '../../github/commands/boxes.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import { isKnownRequest, saveRequest } from '../../store/github/requests.ts';
import { askForUpdates, changeUnitPull } from '../../store/github/unit-pulls.ts';
import { lateAnswer } from '../planning/thread.ts';
import { noteRequest } from '../repository/note-request.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import type { PullEvent } from '../repository/payloads.ts';

/**
 * Handles an edit of the text of a unit's pull request: a box that somebody who may push ticked is a request. The text is written
 * again in any case, with the box open. A tick that is told hours late asks for nothing.
 */
export async function handleBoxes(
  { target, unit }: { readonly target: string; readonly unit: string },
  { pull_request: pull, changes, sender }: PullEvent,
  sentAt: Date | null,
  opened: OpenRepository,
  services: HandlerServices,
): Promise<void> {
  const before = changes?.body?.from;
  const ticked = before == null ? [] : tickedBoxes(before, pull.body ?? '');
  if (ticked.length === 0) return;
  const { database } = services;
  const { known, octokit } = opened;
  const source = `boxes ${pull.number} ${ticked.join(' ')} ${pull.updated_at ?? ''}`;
  if (await isKnownRequest(database, source)) return;
  const isLate = sentAt !== null && lateAnswer(sentAt, services.now()) !== undefined;
  const access = await findAccess(octokit, known, sender, services.policy.bots);
  const reason = access.allowed ? (isLate ? 'it came hours late' : undefined) : access.reason;
  const repository = known.id;
  if (reason === undefined)
    await askForUpdates(database, { repository, target, units: [unit], resolve: ticked.includes('resolve') });
  await changeUnitPull(database, repository, pull.number, { hash: '' });
  await requestRefresh(database, { repository, target });
  const outcome = reason === undefined ? 'done' : 'refused';
  const request = `box ${ticked.join(' ')}`;
  await noteRequest(
    opened,
    { actor: sender, request, thread: pull.number, outcome, reason, source },
    services,
  );
  await saveRequest(database, repository, source);
}
