import { requestRefresh } from '../../store/github/reports.ts';
import { describeUnitPull } from '../../store/github/unit-pulls.ts';
import { saveOutcome } from '../../store/runs/event-rows.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';

/** A pull request as GitHub describes it, in a delivery or an answer. */
export interface SeenPull {
  readonly state: 'open' | 'closed';
  readonly isMerged: boolean;
  readonly draft?: boolean | null | undefined;
  readonly merge_commit_sha?: string | null | undefined;
  readonly updated_at?: string | null | undefined;
  readonly base: { readonly ref: string };
  readonly head: { readonly ref: string; readonly sha: string };
  /** One of GitHub's own stacks; null: it is in none. Left out where the API has no such field. */
  readonly stack?: object | null | undefined;
  /** Whether a person made it a draft (true) or ready (false) just now. */
  readonly held?: boolean;
}

/** The pull request of a unit. */
interface UnitPullNumber {
  readonly target: string;
  readonly unit: string;
  readonly number: number;
}

/**
 * Saves what GitHub says of a unit's pull request; when that is news, has the pull requests of its target derived again. Only a
 * person's close counts as a rejection: when a branch is deleted, GitHub closes every pull request from it or to it.
 */
export async function seePull(
  repository: OpenRepository,
  { target, unit, number }: UnitPullNumber,
  pull: SeenPull,
  { database }: Pick<HandlerServices, 'database'>,
): Promise<void> {
  const { id } = repository.known;
  const { head, base, isMerged } = pull;
  const isLost =
    pull.state === 'closed' && !isMerged && (await findLost([head.ref, base.ref], repository)).length > 0;
  const state = isMerged ? 'merged' : isLost ? 'lost' : pull.state;
  const change = await describeUnitPull(database, id, {
    number,
    state,
    base: base.ref,
    draft: pull.draft === true,
    head: head.sha,
    mergeCommit: isMerged ? (pull.merge_commit_sha ?? null) : null,
    updatedAt: new Date(pull.updated_at ?? Date.now()),
    held: pull.held,
    ...(pull.stack !== undefined && { stacked: pull.stack !== null }),
  });
  if (change === 'none') return;
  if (change === 'state' && !isLost) {
    const outcome = state === 'open' ? undefined : isMerged ? 'merged' : 'rejected';
    await saveOutcome(database, id, { target, unit, outcome });
  }
  await requestRefresh(database, { repository: id, target, unit });
}

/** The branches that no longer exist. */
export async function findLost(
  names: readonly string[],
  repository: Pick<OpenRepository, 'openRemote'>,
): Promise<readonly string[]> {
  using remote = await repository.openRemote();
  const heads = await Promise.all(names.map(async (name) => remote.branches.head(name)));
  return names.filter((_, at) => heads[at] === undefined);
}
