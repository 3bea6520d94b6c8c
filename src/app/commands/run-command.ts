import { PROVIDER_NAMES, type ProviderName } from '../../config/schema.ts';
import type { Command } from '../../github/commands/commands.ts';
import { type Planner } from '../planning/planner.ts';
import { findThread, outdatedMessage, type Thread } from '../planning/thread.ts';
import { sentence } from '../repository/answers.ts';
import { PROVIDER_LABEL, isHeld } from '../repository/labels.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { startRun, type StartResult } from './start-run.ts';

/** `/choo run`: runs the commit that the actor saw, and nothing pushed after it. */
export async function runCommand(
  command: Command<'run'>,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  if (isHeld(request.labels)) return refuse('`choo:hold` is on: nothing starts until it is taken off');
  const found = await findThread(
    request.repository,
    { number: request.thread, isPull: request.isPull },
    services,
  );
  if (found.kind === 'refused') return refuse(found.reason);
  const seen = await findShownCommit(command, found.thread, request);
  if (seen === undefined)
    return refuse(
      'no plan of this pull request stood here when you wrote that. `/choo plan` shows one, then ask again',
    );
  const { live } = found.thread;
  if (seen !== live.commit) return refuse(outdatedMessage(seen, live.commit));
  const { repository, actor, thread, isPull, source } = request;
  const started = await startRun(
    {
      repository,
      source,
      actor,
      at: live,
      thread,
      isPull,
      ...(found.thread.pull === null ? {} : { comparedWith: found.thread.pull.base }),
      ...(command.units.length === 0 ? {} : { units: command.units }),
      provider: command.provider ?? providerOfLabels(request.labels),
      forceProvider: command.forceProvider ?? undefined,
    },
    planner,
    services,
  );
  return outcomeOf(started);
}

/** Finds the commit that a comment is about: the one it names, or that of the newest plan its author can have seen. */
async function findShownCommit(
  { commit }: Command<'run'>,
  { pull, live, number }: Thread,
  { repository, createdAt }: CommandRequest,
): Promise<string | undefined> {
  if (commit !== null) return commit;
  return pull === null ? live.commit : repository.posts.planShownBefore(number, createdAt);
}

/** The provider that a label chooses. */
export function providerOfLabels(labels: readonly { readonly name: string }[]): ProviderName | undefined {
  const names = new Set(labels.map(({ name }) => name.toLowerCase()));
  return PROVIDER_NAMES.find((name) => names.has(PROVIDER_LABEL + name));
}

export function outcomeOf(started: StartResult): CommandResult {
  if (started.kind === 'refused') return refuse(started.reason);
  return started.waits
    ? {
        kind: 'started',
        text: `Run \`${started.run}\` waits for the one that is under way on the same branch.`,
      }
    : { kind: 'started' };
}

function refuse(reason: string): CommandResult {
  return { kind: 'refused', text: `Nothing was started: ${sentence(reason)}` };
}
