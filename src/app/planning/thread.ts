import { z } from 'zod';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { targetOf } from './planner.ts';
import { readPolicy } from './commit-plan.ts';

/** What a request on an issue or pull request is about. */
export interface Thread {
  readonly number: number;
  /** An open pull request of this repository: its specs are meant, and results go to its branch. */
  readonly pull: { readonly head: string; readonly base: string } | null;
  /** Where the specs are now, and where results go. */
  readonly live: { readonly commit: string; readonly target: string };
}

/** `reason` is for who asked. */
export type ThreadLookup =
  | { readonly kind: 'found'; readonly thread: Thread }
  | { readonly kind: 'refused'; readonly reason: string };

const pullSchema = z.object({
  state: z.string(),
  merged: z.boolean().nullish(),
  head: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id: z.number() }).nullable() }),
  base: z.object({ ref: z.string() }),
});

/**
 * What a request is about, as GitHub has it now: of an open pull request its head; of an issue the target branch; of a merged
 * pull request the branch that it was merged into. Fetches.
 */
export async function findThread(
  repository: OpenRepository,
  { number, isPull }: { readonly number: number; readonly isPull: boolean },
  services: Pick<HandlerServices, 'database' | 'contexts' | 'signal'>,
): Promise<ThreadLookup> {
  const { known, octokit } = repository;
  using remote = await repository.openRemote();
  await remote.branches.fetch(services.signal);
  const at = async (branch: string): Promise<ThreadLookup> => {
    const commit = await remote.branches.fetchedHead(branch);
    if (commit === undefined) return refused(`the branch \`${branch}\` is not there`);
    return { kind: 'found', thread: { number, pull: null, live: { commit, target: branch } } };
  };
  if (!isPull) {
    const policy = await readPolicy(repository, remote, services);
    return await at(targetOf(policy, known.defaultBranch));
  }
  const { data } = await octokit.rest.pulls.get({
    owner: known.owner,
    repo: known.name,
    pull_number: number,
  });
  const { state, merged, head, base } = pullSchema.parse(data);
  if (merged === true) return await at(base.ref);
  if (state !== 'open') return refused('this pull request is closed');
  if (head.repo?.id !== known.githubId)
    return refused(
      'this pull request comes from a fork: nothing of it is run. Push its branch to this repository to have it run',
    );
  const live = { commit: head.sha, target: head.ref };
  return { kind: 'found', thread: { number, pull: { head: head.ref, base: base.ref }, live } };
}

/** What is older than that when it comes in is not asked any more. Milliseconds. */
const MAX_REQUEST_AGE_MS = 3_600_000;

/** Whether a request came so long after it was made that nobody may want it any more. */
export function isTooOld(made: Date, received: Date): boolean {
  return !(received.getTime() - made.getTime() <= MAX_REQUEST_AGE_MS); // a time that is none is too old
}

/** The answer where what was asked for is not what is there now. */
export function outdatedMessage(asked: string, live: string): string {
  return `what you saw is ${asked.slice(0, 12)}, and the branch is at ${live.slice(0, 12)} now. Look at the newest plan and ask again`;
}

function refused(reason: string): ThreadLookup {
  return { kind: 'refused', reason };
}
