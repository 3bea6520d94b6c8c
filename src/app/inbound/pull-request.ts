import { isOwnBranch } from '../../git/branches.ts';
import { appendAudit } from '../../store/audit/chain.ts';
import type { Delivery } from '../../store/github/deliveries.ts';
import { forkBranch, savePush } from '../../store/github/pushes.ts';
import { findRuns, moveBase } from '../../store/github/reports.ts';
import { carryMerges, findUnitPull } from '../../store/github/unit-pulls.ts';
import { cancelOpenRun, retargetRun } from '../../store/runs/change-run.ts';
import { findLost, seePull } from '../pulls/see-pull.ts';
import { handleBoxes } from './boxes.ts';
import type { Planner } from '../planning/planner.ts';
import { findChangesSince, readPolicy } from '../planning/commit-plan.ts';
import { type HandlerServices, type OpenRepository, openRepository } from '../repository/open-repository.ts';
import { type Pull, type PullEvent, pullPayload } from '../repository/payloads.ts';

/** Handles pull requests: plans them, moves or ends their runs, and follows those of units. */
export async function handlePullRequest(
  { payload, sentAt }: Delivery,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const event = pullPayload.parse(payload);
  const { action, pull_request: pull } = event;
  const repository = await openRepository(event, services);
  const unit = await findUnitPull(services.database, repository.known.id, pull.number);
  if (unit !== undefined) {
    await followUnitPull(unit, event, repository, services);
    if (action === 'edited') await handleBoxes(unit, event, sentAt, repository, services);
    return;
  }
  const isOwn = pull.head.repo?.id === repository.known.githubId;
  if (!isOwn && action === 'synchronize')
    await savePush(services.database, repository.known.id, {
      branch: forkBranch(pull.number),
      head: pull.head.sha,
      before: event.before ?? '',
      sender: event.sender.id,
    });
  if (!isOwn || isOwnBranch(pull.head.ref)) return; // a fork is never read
  if (action === 'opened' || action === 'synchronize' || action === 'reopened')
    return planPull(pull, repository, planner, services);
  if (action === 'closed') return endThread(pull, event.sender.login, repository, services);
}

async function planPull(
  { number, head, base }: Pull,
  repository: OpenRepository,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  using remote = await repository.openRemote();
  await remote.branches.fetch(services.signal);
  const [commit] = await remote.repository.reader.info([head.sha]);
  if (commit === undefined) return; // replaced by a later push
  const policy = await readPolicy(repository, remote, services);
  const left = { branch: base.ref, commit: head.sha };
  const changes = await findChangesSince(remote, policy, left, services);
  if (changes.directories.size === 0 && !changes.configuration) return;
  const reading = await planner.read(repository, {
    commit: head.sha,
    target: head.ref,
    policy,
    changed: changes.directories,
    changesConfig: changes.configuration,
    thread: number,
  });
  await planner.post(repository, reading);
  // A late delivery must not replace a newer plan.
  if ((await remote.branches.fetchedHead(head.ref)) === head.sha)
    await planner.comment(repository, number, reading);
}

/**
 * Merged: its open run continues, with the pull request's base as its new target. Closed: its runs are cancelled, unless
 * GitHub closed it because its base was deleted.
 */
async function endThread(
  { number, merged, merge_commit_sha, head, base }: Pull,
  actor: string,
  repository: OpenRepository,
  { database, runStore }: HandlerServices,
): Promise<void> {
  const runs = await findRuns(database, { repository: repository.known.id, thread: number });
  const [report] = runs;
  if (report === undefined) return;
  if (merged === true) {
    await retargetRun(runStore, { run: report.run, target: base.ref });
    // What was merged into its branch went to the target with it.
    if (merge_commit_sha != null)
      await carryMerges(database, repository.known.id, {
        from: head.ref,
        to: base.ref,
        commit: merge_commit_sha,
      });
    return moveBase(database, report.run, base.ref);
  }
  const lost = await findLost([head.ref, base.ref], repository);
  if (!lost.includes(head.ref) && lost.length > 0) return;
  // All of them: a waiting run would start when the running one ends.
  for (const { run, status } of runs)
    if (status === 'running' || status === 'waiting') await cancelOpenRun(runStore, { run, actor });
}

/** Notes who merged or closed the pull request of a unit. */
async function noteEnd(
  {
    unit,
    pull,
    sender,
    repository: { known },
  }: Pick<PullEvent, 'sender'> & { unit: string; pull: Pull; repository: OpenRepository },
  { database, story }: HandlerServices,
): Promise<void> {
  const what = pull.merged === true ? 'pull request merged' : 'pull request closed';
  const facts = {
    repository: `${known.owner}/${known.name}`,
    unit,
    pull: pull.number,
    target: pull.base.ref,
    head: pull.head.sha,
    actor: sender.login,
    actorId: sender.id,
  };
  story(facts, what);
  const source = `${what} ${known.githubId} ${pull.number} ${pull.updated_at ?? ''}`;
  await appendAudit(database, [{ source, what, facts }]);
}

/** Saves what a delivery says of a unit's pull request. A person who makes it a draft holds it. */
async function followUnitPull(
  { target, unit }: { readonly target: string; readonly unit: string },
  { action, pull_request: pull, sender }: PullEvent,
  repository: OpenRepository,
  services: HandlerServices,
): Promise<void> {
  const byPerson = sender.type === 'User';
  if (action === 'closed') await noteEnd({ unit, pull, sender, repository }, services);
  await seePull(
    repository,
    { target, unit, number: pull.number },
    {
      ...pull,
      isMerged: pull.merged === true,
      ...(action === 'converted_to_draft' && byPerson ? { held: true } : {}),
      ...(action === 'ready_for_review' ? { held: false } : {}),
    },
    services,
  );
}
