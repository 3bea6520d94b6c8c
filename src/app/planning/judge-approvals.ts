import type { Sender } from '../../github/api/access.ts';

/** A submitted review of a pull request. */
export interface GivenReview {
  /** As GitHub writes it: `APPROVED`, `DISMISSED`. */
  readonly state: string;
  /** The head that it is about; null: GitHub does not say. */
  readonly commit: string | null;
  /** Null: the account is gone. */
  readonly user: Sender | null;
}

/** A pull request, and who could have approved their own work. */
export interface JudgedPull {
  readonly number: number;
  readonly head: string;
  /** GitHub's number of its author's account; null: gone. */
  readonly author: number | null;
  /** Who made `head` its head; empty: nobody knows. */
  readonly pushers: ReadonlySet<number>;
}

/** Those whose approval counts if they may push; nobody: `reason` says why, in a clause. */
export interface Approvers {
  readonly people: readonly Sender[];
  readonly reason: string;
}

/** A later review of the same person replaces one of these; a comment does not. */
const VERDICTS: ReadonlySet<string> = new Set(['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED']);

/**
 * Finds the people whose approval of the last head of a pull request can count: neither its author nor who pushed that head.
 * `reviews`: oldest first. Pure.
 */
export function findApprovers(
  { number, head, author, pushers }: JudgedPull,
  reviews: readonly GivenReview[],
): Approvers {
  const newest = new Map<number, GivenReview>();
  for (const review of reviews)
    if (review.user?.type === 'User' && VERDICTS.has(review.state)) newest.set(review.user.id, review);
  const verdicts = [...newest.values()];
  const approvals = verdicts.filter(({ state }) => state === 'APPROVED');
  if (approvals.length === 0)
    return nobody(
      verdicts.some(({ state }) => state === 'DISMISSED')
        ? `the approval of pull request ${number} was dismissed`
        : `pull request ${number} is not approved`,
    );
  const atHead = approvals.filter(({ commit }) => commit === head);
  const last = `its last commit, ${head.slice(0, 12)}`;
  if (atHead.length === 0)
    return nobody(`pull request ${number} was approved at an older commit, not at ${last}`);
  const byOthers = atHead.filter(({ user }) => user?.id !== author);
  if (byOthers.length === 0) return nobody(`only its author approved pull request ${number}`);
  if (pushers.size === 0)
    return nobody(
      `nobody knows who pushed the last commit of pull request ${number}, ${head.slice(0, 12)}, so its approval does not count`,
    );
  const people = byOthers.flatMap(({ user }) => (user === null || pushers.has(user.id) ? [] : [user]));
  return {
    people,
    reason: `only who pushed ${last}, approved pull request ${number}`,
  };
}

function nobody(reason: string): Approvers {
  return { people: [], reason };
}
