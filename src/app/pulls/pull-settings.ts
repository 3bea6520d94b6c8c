import type { Config } from '../../config/schema.ts';
import { hashOf, type Posts } from '../../github/api/upsert.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';
import type { OpenRepository } from '../repository/open-repository.ts';
import { RejectedWrite, type RejectedWrites } from './rejected-writes.ts';

interface PullSettingsContext {
  readonly repository: Pick<OpenRepository, 'octokit'> & {
    readonly known: Pick<OpenRepository['known'], 'owner' | 'name'>;
    readonly posts: Pick<Posts, 'find' | 'save'>;
  };
  readonly config: Pick<Config, 'pull_requests'>;
  readonly state: { readonly start: { readonly actor: string | null } };
  readonly refusals: Pick<RejectedWrites, 'step'>;
}

/**
 * Gives a unit's pull request the labels, the assignee and, once it is ready, the reviewers that the configuration names. Each is
 * written once, so that what a person takes off again stays off; what GitHub refuses is said, and does not keep the rest.
 */
export async function applyPullSettings(
  { number, draft }: Pick<UnitPull, 'number' | 'draft'>,
  { repository, config, state, refusals }: PullSettingsContext,
): Promise<void> {
  const { octokit, known, posts } = repository;
  const { labels, reviewers, assign_requester: assigns } = config.pull_requests;
  const { actor } = state.start;
  const at = { owner: known.owner, repo: known.name };
  const once = async (key: string, what: string, write: () => Promise<void>): Promise<void> => {
    const post = `pull:${number}:${key}`;
    if ((await posts.find(post))?.githubId != null) return;
    await refusals.step(`${what} of pull request ${number}`, async () => {
      await write();
      await posts.save(post, number, null);
    });
  };
  if (labels.length > 0)
    await once(`labels:${hashOf(labels)}`, 'a label', async () => {
      await octokit.rest.issues.addLabels({ ...at, issue_number: number, labels });
    });
  if (assigns && actor !== null)
    await once(`assignee:${actor}`, `the assignee ${actor}`, async () => {
      const { data } = await octokit.rest.issues.addAssignees({
        ...at,
        issue_number: number,
        assignees: [actor],
      });
      // GitHub leaves out, without an error, who cannot be assigned: https://docs.github.com/rest/issues/assignees
      if (data.assignees?.some(({ login }) => login.toLowerCase() === actor.toLowerCase()) !== true)
        throw new RejectedWrite(`GitHub does not let ${actor} be assigned here`);
    });
  if (draft) return;
  // One request each: GitHub refuses a whole request for one name in it.
  for (const name of reviewers)
    await once(`reviewer:${name}`, `the reviewer ${name}`, async () => {
      const team = name.split('/')[1];
      await octokit.rest.pulls.requestReviewers({
        ...at,
        pull_number: number,
        ...(team === undefined ? { reviewers: [name] } : { team_reviewers: [team] }),
      });
    });
}
