import { findAccess, isStranger } from '../../github/api/access.ts';
import type { Delivery } from '../../store/github/deliveries.ts';
import { saveRequest, isKnownRequest } from '../../store/github/requests.ts';
import { findUnitPull } from '../../store/github/unit-pulls.ts';
import { HELD, providerOfLabels, outcomeOf, refuse as refuseRun } from '../commands/run-command.ts';
import type { CommandResult } from '../commands/command-request.ts';
import { refusingWithheld } from '../commands/refusing.ts';
import { startRun } from '../commands/start-run.ts';
import { type Planner } from '../planning/planner.ts';
import { findThread, lateAnswer, outdatedMessage } from '../planning/thread.ts';
import { answer, refuse, sentences } from '../repository/answers.ts';
import { RUN_LABEL, isHeld, readLabels } from '../repository/labels.ts';
import { noteRequest } from '../repository/note-request.ts';
import { type HandlerServices, openRepository } from '../repository/open-repository.ts';
import { labelPayload } from '../repository/payloads.ts';

/** Starts a run when `choo:run` is added to a thread. The label is removed afterwards, so that it can be added again. */
export async function handleLabel(
  { id, payload, sentAt }: Delivery,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const outline = labelPayload.pick({ action: true, label: true }).parse(payload);
  if (outline.action !== 'labeled' || outline.label?.name.toLowerCase() !== RUN_LABEL) return;
  const event = labelPayload.parse(payload);
  const { pull_request: pull, issue, sender } = event;
  const thread = pull?.number ?? issue?.number;
  // Adding a label updates the thread, so this is when it was added.
  const doneAt = pull?.updated_at ?? issue?.updated_at ?? sentAt;
  const late = doneAt == null ? undefined : lateAnswer(new Date(doneAt), services.now());
  if (thread === undefined || isStranger(sender, services.policy.bots)) return;
  const repository = await openRepository(event, services);
  const { known, octokit, pr } = repository;
  const source = `label ${id}`;
  if (await isKnownRequest(services.database, source)) return;
  // A redelivery with another id starts nothing: the label is gone by then.
  const labels = await readLabels(repository, thread);
  if (!labels.some(({ name }) => name.toLowerCase() === RUN_LABEL)) return;
  const access = await findAccess(octokit, known, sender, services.policy.bots);
  const noted = { actor: sender, thread, request: 'label', source };
  if (!access.allowed) {
    await refuse(repository, { thread, who: sender.id, reason: access.reason }, services);
    await noteRequest(repository, { ...noted, outcome: 'refused', reason: access.reason }, services);
  } else {
    const { kind: outcome, text } =
      late === undefined ? await refusingWithheld(start) : { kind: 'refused' as const, text: late };
    if (text !== undefined) await answer(repository, { thread, key: source, text }, services);
    await noteRequest(repository, { ...noted, outcome, reason: text }, services);
  }
  // Last: when the process dies before this, the next attempt finds the label.
  await pr.removeLabel(thread, RUN_LABEL);
  await saveRequest(services.database, known.id, source);

  async function start(): Promise<CommandResult> {
    const number = thread ?? 0;
    const unit = await findUnitPull(services.database, known.id, number);
    if (unit !== undefined)
      return {
        kind: 'refused',
        text: sentences('this pull request is the result of one unit: put the label where the specs are'),
      };
    if (isHeld(labels)) return refuseRun(HELD);
    const found = await findThread(repository, { number, isPull: pull != null }, services);
    if (found.kind === 'refused') return refuseRun(found.reason);
    const { live, pull: open } = found.thread;
    const seen = open === null ? live.commit : (pull?.head.sha ?? '');
    if (seen !== live.commit) return refuseRun(outdatedMessage(seen, live.commit));
    const started = await startRun(
      {
        repository,
        source: `${source} run`,
        actor: sender,
        at: live,
        thread: number,
        isPull: pull != null,
        ...(open === null ? {} : { comparedWith: open.base }),
        provider: providerOfLabels(labels),
      },
      planner,
      services,
    );
    return outcomeOf(started);
  }
}
