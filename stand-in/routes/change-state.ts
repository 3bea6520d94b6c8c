import { commitOf, isAncestor } from '../git.ts';
import { invalid } from '../refusal.ts';
import { optionalText, type RepositoryCall } from '../router.ts';
import { now, type Issue, type Pull } from '../world.ts';
import { raiseIssue } from './issue-events.ts';

/** Closes or reopens an issue, if the body says so. */
export async function changeState(call: RepositoryCall, issue: Issue): Promise<void> {
  const state = optionalText(call.body, 'state');
  if (state === undefined || state === issue.state) return;
  if (state !== 'open' && state !== 'closed')
    throw invalid({ resource: 'Issue', code: 'invalid', field: 'state', value: state });
  if (state === 'open' && issue.pull !== undefined) await bringBack(call, issue, issue.pull);
  issue.state = state;
  issue.closedAt = state === 'closed' ? now() : null;
  const reason = optionalText(call.body, 'state_reason');
  if (issue.pull === undefined) issue.stateReason = state === 'closed' ? (reason ?? 'completed') : 'reopened';
  issue.updatedAt = now();
  await raiseIssue(call, issue, state === 'closed' ? 'closed' : 'reopened');
}

/** A pull request can be reopened only while its branches exist and its head was not rewritten. */
async function bringBack(
  { repository }: RepositoryCall,
  issue: Issue,
  { head, base, mergedAt }: Pull,
): Promise<void> {
  const refuse = (message: string): Error =>
    invalid({ resource: 'PullRequest', code: 'invalid', field: 'state', message });
  if (mergedAt !== null) throw refuse('state cannot be changed. The pull request cannot be reopened.');
  const tip = await commitOf(head.repository.bare, `refs/heads/${head.ref}`);
  if (tip === undefined) throw refuse(`state cannot be changed. The ${head.ref} branch has been deleted.`);
  if ((await commitOf(repository.bare, `refs/heads/${base.ref}`)) === undefined)
    throw refuse(`state cannot be changed. The ${base.ref} branch has been deleted.`);
  if (!(await isAncestor(head.repository.bare, head.sha, tip)))
    throw refuse(`state cannot be changed. The ${head.ref} branch was force-pushed or recreated.`);
  const same = repository.issues.some(
    (other) =>
      other !== issue &&
      other.state === 'open' &&
      other.pull?.head.repository === head.repository &&
      other.pull.head.ref === head.ref &&
      other.pull.base.ref === base.ref,
  );
  if (same)
    throw refuse(
      `state cannot be changed. There is already an open pull request from ${head.ref} to ${base.ref}.`,
    );
  head.sha = tip;
}
