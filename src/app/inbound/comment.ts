import { findAccess } from '../../github/api/access.ts';
import { type ParsedCommand, parseCommands } from '../../github/commands/parse-commands.ts';
import type { Delivery } from '../../store/github/deliveries.ts';
import type { Planner } from '../planning/planner.ts';
import { answer, sentences } from '../repository/answers.ts';
import { type HandlerServices, type OpenRepository, openRepository } from '../repository/open-repository.ts';
import { type CommentEvent, commentPayload } from '../repository/payloads.ts';
import { obey, type Reaction } from './obey.ts';

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
  const react = async (content: Reaction, { pr }: OpenRepository): Promise<void> =>
    pr.react(comment.id, content);
  await obey(
    event,
    {
      body: comment.body ?? '',
      sender,
      thread: issue.number,
      isPull: issue.pull_request != null,
      source: `comment ${comment.id}`,
      labels: issue.labels ?? [],
      react,
      createdAt: new Date(comment.created_at),
    },
    planner,
    services,
  );
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
