import { findAccess } from '../../github/api/access.ts';
import type { CommandProblem } from '../../github/commands/command-words.ts';
import { type ParsedCommand, parseCommands } from '../../github/commands/parse-commands.ts';
import type { Delivery } from '../../store/github/deliveries.ts';
import { saveRequest, isKnownRequest } from '../../store/github/requests.ts';
import { findUnitPull } from '../../store/github/unit-pulls.ts';
import { execute } from '../commands/actions.ts';
import type { CommandRequest, CommandResult } from '../commands/command-request.ts';
import type { Planner } from '../planning/planner.ts';
import { lateAnswer } from '../planning/thread.ts';
import { answer, paragraphs, refuse, sentences } from '../repository/answers.ts';
import { type HandlerServices, openRepository } from '../repository/open-repository.ts';
import { type CommentEvent, commentPayload } from '../repository/payloads.ts';

/** Handles the commands of a new comment, and says of those that an edit brings how to ask again. */
export async function handleComment(
  { payload }: Delivery,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const { action } = commentPayload.pick({ action: true }).parse(payload);
  if (action === 'edited') return handleEdit(commentPayload.parse(payload), services);
  if (action !== 'created') return;
  const event = commentPayload.parse(payload);
  const { comment, issue, sender } = event;
  const commands = parseCommands(comment.body ?? '');
  // Other Apps are not answered unless the operator allows them: two Apps could answer each other forever.
  const isStranger = sender.type !== 'User' && !services.policy.bots.has(sender.id);
  if (commands.length === 0 || isStranger) return;
  const repository = await openRepository(event, services);
  const thread = issue.number;
  const source = `comment ${comment.id}`;
  if (await isKnownRequest(services.database, source)) return;
  const access = await findAccess(repository.octokit, repository.known, sender, services.policy.bots);
  if (!access.allowed) {
    await refuse(repository, { thread, who: sender.id, reason: access.reason }, services);
    return saveRequest(services.database, repository.known.id, source);
  }
  const late = lateAnswer(new Date(comment.created_at), services.now());
  if (late !== undefined) {
    await answer(repository, { thread, key: source, text: late }, services);
    return saveRequest(services.database, repository.known.id, source);
  }
  await repository.pr.react(comment.id, 'eyes');
  const unit = await findUnitPull(services.database, repository.known.id, thread);
  const request: Omit<CommandRequest, 'source'> = {
    repository,
    actor: sender,
    thread,
    isPull: issue.pull_request != null,
    labels: issue.labels ?? [],
    createdAt: new Date(comment.created_at),
    unit,
  };
  const outcomes: CommandResult[] = [];
  for (const [index, command] of commands.entries()) {
    const own = `${source}/${index}`;
    // Already done, in an attempt at this delivery that was interrupted.
    if (await isKnownRequest(services.database, own)) continue;
    outcomes.push(
      command.kind === 'problem'
        ? explain(command)
        : await execute(command, { ...request, source: own }, planner, services),
    );
    await saveRequest(services.database, repository.known.id, own);
  }
  const texts = outcomes.flatMap(({ text }) => text ?? []);
  if (texts.length > 0) await answer(repository, { thread, key: source, text: paragraphs(texts) }, services);
  const reaction = outcomes.some(({ kind }) => kind === 'refused')
    ? 'confused'
    : outcomes.some(({ kind }) => kind === 'started')
      ? 'rocket'
      : '+1';
  await repository.pr.react(comment.id, reaction);
  await saveRequest(services.database, repository.known.id, source);
}

/**
 * Answers an edit that brings a command, once for each comment: who reads the thread later could not tell when it was asked.
 * Comments of Apps are left alone, and so is who may not ask.
 */
async function handleEdit(event: CommentEvent, services: HandlerServices): Promise<void> {
  const { comment, issue, sender, changes } = event;
  const before = changes?.body?.from;
  if (before === undefined || sender.type !== 'User' || comment.user?.type !== 'User') return;
  if (!bringsCommand(before, comment.body ?? '')) return;
  const repository = await openRepository(event, services);
  const access = await findAccess(repository.octokit, repository.known, sender, services.policy.bots);
  if (!access.allowed) return;
  const text = sentences(
    'Nothing was done: a command counts only in a new comment, not in one that was edited',
    'Write it again in a new comment',
  );
  await answer(repository, { thread: issue.number, key: `edited ${comment.id}`, text }, services);
}

function bringsCommand(before: string, now: string): boolean {
  const known = new Set(parseCommands(before).map(withoutLine));
  return parseCommands(now).some((command) => !known.has(withoutLine(command)));
}

function withoutLine(command: ParsedCommand): string {
  return JSON.stringify({ ...command, line: 0 });
}

/** Explains why a line that looks like a command was not executed. */
function explain({ message, hint }: CommandProblem): CommandResult {
  const advice = hint === null ? [] : [hint];
  return {
    kind: 'refused',
    text: sentences(message, ...advice, '`/choo help` shows what there is'),
  };
}
