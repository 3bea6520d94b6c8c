import type { Command } from '../../github/commands/commands.ts';
import type { Planner } from '../planning/planner.ts';
import { findChangesSince, readPolicy } from '../planning/commit-plan.ts';
import { findThread } from '../planning/thread.ts';
import { refusal } from '../repository/answers.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { CommandRequest, CommandResult } from './command-request.ts';

/** `/choo plan`: plans the current commit, and updates its check and the pull request's plan comment. */
export async function planCommand(
  _command: Command<'plan'>,
  { repository, thread: number, isPull }: CommandRequest,
  planner: Planner,
  services: HandlerServices,
): Promise<CommandResult> {
  const found = await findThread(repository, { number, isPull }, services);
  if (found.kind === 'refused')
    return { kind: 'refused', text: refusal('Nothing was planned', { message: found.reason }) };
  const { live, pull } = found.thread;
  using remote = await repository.openRemote();
  const policy = await readPolicy(repository, remote, services);
  const { commit } = live;
  const changes = pull && (await findChangesSince(remote, policy, { branch: pull.base, commit }, services));
  const reading = await planner.read(repository, {
    ...live,
    policy,
    ...(changes === null ? {} : { changed: changes.directories, changesConfig: changes.configuration }),
    thread: number,
  });
  await planner.post(repository, reading);
  await planner.comment(repository, number, reading);
  return { kind: 'done' };
}
