import { z } from 'zod';
import { type Answer, sentence } from '../repository/answers.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { targetOf } from './planner.ts';
import { readPolicy } from './commit-plan.ts';

/** The issue or pull request that a request was made on, as GitHub has it now. */
export interface Thread {
  readonly number: number;
  /** Set for an open pull request of this repository: its specs are run, and results go to its branch. */
  readonly pull: { readonly head: string; readonly base: string } | null;
  /** The current commit of the specs, and the branch that results go to. */
  readonly live: { readonly commit: string; readonly target: string };
}

/** `reason` is shown to the actor. */
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
 * Finds the commit and target of a request, as GitHub has them now: an open pull request's head; for an issue the target
 * branch; for a merged pull request the branch that it was merged into. Fetches.
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

/** Requests that are older than this when they are handled may no longer be wanted. Milliseconds. */
const MAX_REQUEST_AGE_MS = 3_600_000;

/** The answer to a request that came too late to be carried out; undefined when it came in time. `now`: milliseconds since 1970. */
export function lateAnswer(made: Date, now: number): Answer | undefined {
  const age = now - made.getTime();
  if (age <= MAX_REQUEST_AGE_MS) return undefined; // an invalid date is too old
  const hours = Math.floor(age / 3_600_000);
  const late = Number.isNaN(hours) ? 'late' : hours === 1 ? '1 hour late' : `${hours} hours late`;
  return sentence(`Nothing was done: this request arrived ${late}; ask again if you still want it`);
}

/** The answer when the branch has moved since the actor looked at it. */
export function outdatedMessage(asked: string, live: string): string {
  return `what you saw is ${asked.slice(0, 12)}, and the branch is at ${live.slice(0, 12)} now. Look at the newest plan and ask again`;
}

function refused(reason: string): ThreadLookup {
  return { kind: 'refused', reason };
}
