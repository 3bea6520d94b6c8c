import { findAccess, isStranger } from '../../github/api/access.ts';
import type { CommandProblem } from '../../github/commands/command-words.ts';
import { type ParsedCommand, parseCommands } from '../../github/commands/parse-commands.ts';
import { saveRequest, isKnownRequest } from '../../store/github/requests.ts';
import { findUnitPull } from '../../store/github/unit-pulls.ts';
import { execute } from '../commands/actions.ts';
import type { CommandRequest, CommandResult } from '../commands/command-request.ts';
import type { Planner } from '../planning/planner.ts';
import { lateAnswer } from '../planning/thread.ts';
import { answer, paragraphs, refuse, sentences } from '../repository/answers.ts';
import { noteRequest } from '../repository/note-request.ts';
import { type HandlerServices, type OpenRepository, openRepository } from '../repository/open-repository.ts';
import type { Account, Common } from '../repository/payloads.ts';

export type Reaction = 'eyes' | 'rocket' | '+1' | 'confused';

/** A text of a person in which commands may stand: a comment, one on a line of a diff, or a review. */
export interface WrittenText {
  readonly body: string;
  readonly sender: Account;
  /** Identifies it across repeated deliveries. */
  readonly source: string;
  readonly thread: number;
  readonly isPull: boolean;
  readonly labels: CommandRequest['labels'];
  /** By GitHub's clock. */
  readonly createdAt: Date;
  /** Shows what became of it, where GitHub has reactions for such a text. */
  readonly react?: (content: Reaction, repository: OpenRepository) => Promise<void>;
}

/** Executes the commands in a new text, each once, and answers them together. */
export async function obey(
  event: Pick<Common, 'installation' | 'repository'>,
  { body, sender, source, thread, isPull, labels, createdAt, react }: WrittenText,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const commands = parseCommands(body);
  if (commands.length === 0 || isStranger(sender, services.policy.bots)) return;
  const repository = await openRepository(event, services);
  if (await isKnownRequest(services.database, source)) return;
  const asked = { actor: sender, thread };
  const access = await findAccess(repository.octokit, repository.known, sender, services.policy.bots);
  if (!access.allowed) {
    await refuse(repository, { thread, who: sender.id, reason: access.reason }, services);
    await noteAll(access.reason);
    return saveRequest(services.database, repository.known.id, source);
  }
  const late = lateAnswer(createdAt, services.now());
  if (late !== undefined) {
    await answer(repository, { thread, key: source, text: late }, services);
    await noteAll(late);
    return saveRequest(services.database, repository.known.id, source);
  }
  await react?.('eyes', repository);
  const unit = await findUnitPull(services.database, repository.known.id, thread);
  const request = { repository, actor: sender, thread, isPull, labels, createdAt, unit };
  const outcomes: CommandResult[] = [];
  for (const [index, command] of commands.entries()) {
    const own = `${source}/${index}`;
    // Already done, in an attempt at this delivery that was interrupted.
    if (await isKnownRequest(services.database, own)) continue;
    const result =
      command.kind === 'problem'
        ? explain(command)
        : await execute(command, { ...request, source: own }, planner, services);
    outcomes.push(result);
    const { kind: outcome, text: reason } = result;
    await noteRequest(repository, { ...asked, ...nameOf(command), outcome, reason, source: own }, services);
    await saveRequest(services.database, repository.known.id, own);
  }
  const texts = outcomes.flatMap(({ text }) => text ?? []);
  if (texts.length > 0) await answer(repository, { thread, key: source, text: paragraphs(texts) }, services);
  const reaction = outcomes.some(({ kind }) => kind === 'refused')
    ? 'confused'
    : outcomes.some(({ kind }) => kind === 'started')
      ? 'rocket'
      : '+1';
  await react?.(reaction, repository);
  await saveRequest(services.database, repository.known.id, source);

  async function noteAll(reason: string): Promise<void> {
    const outcome = 'refused';
    for (const [index, command] of commands.entries()) {
      const noted = { ...asked, ...nameOf(command), outcome, reason, source: `${source}/${index}` } as const;
      await noteRequest(repository, noted, services);
    }
  }
}

function nameOf({ kind }: ParsedCommand): { readonly request: string } {
  return { request: kind === 'problem' ? 'not understood' : kind };
}

/** Explains why a line that looks like a command was not executed. */
function explain({ message, hint }: CommandProblem): CommandResult {
  const advice = hint === null ? [] : [hint];
  return {
    kind: 'refused',
    text: sentences(message, ...advice, '`/choo help` shows what there is'),
  };
}
