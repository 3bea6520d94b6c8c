import { isOwnBranch } from '../../git/branches.ts';
import { findAccess } from '../../github/api/access.ts';
import type { Delivery } from '../../store/github/deliveries.ts';
import { outcomeOf } from '../commands/run-command.ts';
import { refusingWithheld } from '../commands/refusing.ts';
import { startRun } from '../commands/start-run.ts';
import type { Planner } from '../planning/planner.ts';
import { configOf, findMergeBase, findSpecChanges, readPolicy } from '../planning/commit-plan.ts';
import { followBranch } from '../../store/github/follow-branch.ts';
import { savePush } from '../../store/github/pushes.ts';
import { noteRequest } from '../repository/note-request.ts';
import { type HandlerServices, openRepository } from '../repository/open-repository.ts';
import { pushPayload } from '../repository/payloads.ts';

const HEADS = 'refs/heads/';

/** Plans a push that changes specs or configuration. With `run_on: push` it also starts a run. */
export async function handlePush(
  { payload }: Delivery,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const push = pushPayload.parse(payload);
  const branch = push.ref.slice(HEADS.length);
  if (!push.ref.startsWith(HEADS)) return; // a tag
  const repository = await openRepository(push, services);
  const { id } = repository.known;
  if (!push.deleted && !isOwnBranch(branch))
    await savePush(services.database, id, {
      branch,
      head: push.after,
      before: push.before,
      sender: push.sender.id,
    });
  await followBranch(services.database, id, branch);
  if (push.deleted || isOwnBranch(branch)) return;
  using remote = await repository.openRemote();
  await remote.branches.fetch(services.signal);
  const [commit] = await remote.repository.reader.info([push.after]);
  if (commit === undefined) return; // replaced by a later push
  const policy = await readPolicy(repository, remote, services);
  const between = { before: await findBefore(), after: push.after };
  const changes = await findSpecChanges(remote, policy, between, services);
  const isDefault = branch === repository.known.defaultBranch;
  const note =
    isDefault && changes.configuration ? await planner.reportConfiguration(repository, policy) : undefined;
  if (changes.directories.size === 0 && !changes.configuration) return;
  const reading = await planner.read(repository, {
    commit: push.after,
    target: branch,
    policy,
    changed: changes.directories,
    changesConfig: changes.configuration,
  });
  await planner.post(repository, reading, { note });

  const config = configOf(policy);
  const isTarget = branch === (config.target_branch ?? repository.known.defaultBranch);
  if (config.run_on !== 'push' || !isTarget || !reading.runnable || !reading.hasNewWork) return;
  const access = await findAccess(repository.octokit, repository.known, push.sender, services.policy.bots);
  const source = `push ${push.repository.id} ${push.after}`;
  const noted = { actor: push.sender, request: 'push', thread: null, source };
  if (!access.allowed)
    return noteRequest(repository, { ...noted, outcome: 'refused', reason: access.reason }, services);
  const { kind, text } = await refusingWithheld(async () =>
    outcomeOf(
      await startRun(
        {
          repository,
          source,
          actor: push.sender,
          at: { commit: push.after, target: branch },
          thread: null,
          isPull: false,
        },
        planner,
        services,
      ),
    ),
  );
  await noteRequest(repository, { ...noted, outcome: kind, reason: text }, services);
  if (kind === 'refused') await planner.post(repository, reading, { note: text });

  /** The branch's commit before the push; for a new branch, its merge base with the default branch. */
  async function findBefore(): Promise<string | undefined> {
    const isNew = /^0+$/.test(push.before);
    const [before] = isNew ? [] : await remote.repository.reader.info([push.before]);
    if (before?.type === 'commit') return push.before;
    if (branch === repository.known.defaultBranch) return undefined;
    return findMergeBase(remote, repository.known.defaultBranch, push.after, services);
  }
}
