import { PROVIDER_NAMES, type ProviderName } from '../../config/schema.ts';
import type { Command } from '../../github/commands/commands.ts';
import { type Planner } from '../planning/planner.ts';
import { findThread, outdatedMessage, type Thread } from '../planning/thread.ts';
import { refusal, sentence } from '../repository/answers.ts';
import { PROVIDER_LABEL, isHeld } from '../repository/labels.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';
import { type RunRequest, startRun, type StartResult } from './start-run.ts';

/** Why nothing starts on a thread with that label. */
export const HELD = '`choo:hold` is on: nothing starts until it is taken off';

/** What to run, where, and by which agent. */
interface Wanted extends Pick<RunRequest, 'fresh' | 'forceProvider'> {
  /** The commit that the comment names. */
  readonly commit?: string | null;
  /** None: what the plan shows. */
  readonly units: readonly string[];
  readonly provider?: ProviderName | null;
}

/** `/choo run`: runs the commit that the actor saw, and nothing pushed after it. */
export async function runCommand(
  { forceProvider, ...command }: Command<'run'>,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  return runUnits({ ...command, forceProvider: forceProvider ?? undefined }, request, planner, services);
}

/** Starts a run as `/choo run` does, of the newest plan that its actor can have seen on the thread. */
export async function runUnits(
  wanted: Wanted,
  request: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  if (isHeld(request.labels)) return refuse(HELD);
  const found = await findThread(
    request.repository,
    { number: request.thread, isPull: request.isPull },
    services,
  );
  if (found.kind === 'refused') return refuse(found.reason);
  const seen = await findShownCommit(wanted.commit ?? null, found.thread, request);
  if (seen === undefined)
    return refuse(
      'no plan of this pull request stood here when you wrote that. `/choo plan` shows one, then ask again',
    );
  const { live, pull } = found.thread;
  if (seen !== live.commit) return refuse(outdatedMessage(seen, live.commit));
  const { repository, actor, thread, isPull, source } = request;
  const { units, provider, forceProvider, fresh } = wanted;
  const started = await startRun(
    {
      repository,
      source,
      actor,
      at: live,
      thread,
      isPull,
      ...(pull === null ? {} : { comparedWith: pull.base }),
      ...(units.length === 0 ? {} : { units }),
      provider: provider ?? providerOfLabels(request.labels),
      forceProvider,
      ...(fresh === undefined ? {} : { fresh }),
    },
    planner,
    services,
  );
  return outcomeOf(started);
}

/** Finds the commit that a comment is about: the one it names, or that of the newest plan its author can have seen. */
async function findShownCommit(
  commit: string | null,
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
  if (started.kind === 'refused') return refuse(started.reason, started.hint);
  return started.waits
    ? {
        kind: 'started',
        text: sentence(`run \`${started.run}\` waits for the one that is under way on the same branch`),
      }
    : { kind: 'started' };
}

/** Says why nothing was started. */
export function refuse(message: string, hint?: string): CommandResult {
  return { kind: 'refused', text: refusal('Nothing was started', { message, hint }) };
}
