import { describe, expect, test } from 'vitest';
import { findApprovers, type GivenReview } from '../../../src/app/planning/judge-approvals.ts';

const [AUTHOR, PUSHER, OTHER] = [1, 2, 3];
const HEAD = 'a'.repeat(40);
const pull = { number: 7, head: HEAD, author: AUTHOR, pushers: new Set([PUSHER]) };

const review = (
  id: number,
  state: string,
  { commit = HEAD, type = 'User' }: { commit?: string | null; type?: string } = {},
): GivenReview => ({ state, commit, user: { id, login: `user-${id}`, type } });
const approvers = (...reviews: readonly GivenReview[]): readonly number[] =>
  findApprovers(pull, reviews).people.map(({ id }) => id);

describe('the approvals of a pull request', () => {
  test.each([
    ['of nobody', [], 'pull request 7 is not approved'],
    ['of its author', [review(AUTHOR, 'APPROVED')], 'only its author approved pull request 7'],
    [
      'of its last pusher',
      [review(PUSHER, 'APPROVED')],
      'only who pushed its last commit, aaaaaaaaaaaa, approved pull request 7',
    ],
    [
      'of an older head',
      [review(OTHER, 'APPROVED', { commit: 'b'.repeat(40) })],
      'pull request 7 was approved at an older commit, not at its last commit, aaaaaaaaaaaa',
    ],
    [
      'of a commit that GitHub does not name',
      [review(OTHER, 'APPROVED', { commit: null })],
      'pull request 7 was approved at an older commit, not at its last commit, aaaaaaaaaaaa',
    ],
    ['that was dismissed', [review(OTHER, 'DISMISSED')], 'the approval of pull request 7 was dismissed'],
    [
      'that its reviewer replaced',
      [review(OTHER, 'APPROVED'), review(OTHER, 'CHANGES_REQUESTED')],
      'pull request 7 is not approved',
    ],
    ['of a bot', [review(OTHER, 'APPROVED', { type: 'Bot' })], 'pull request 7 is not approved'],
    [
      'of an account that is gone',
      [{ ...review(OTHER, 'APPROVED'), user: null }],
      'pull request 7 is not approved',
    ],
  ])('%s does not count', (_, reviews, reason) => {
    expect(findApprovers(pull, reviews)).toEqual({ people: [], reason });
  });

  test('counts of somebody else, also after a comment of theirs, and beside those that do not', () => {
    expect(approvers(review(OTHER, 'APPROVED'), review(OTHER, 'COMMENTED'))).toEqual([OTHER]);
    expect(approvers(review(OTHER, 'CHANGES_REQUESTED'), review(OTHER, 'APPROVED'))).toEqual([OTHER]);
    expect(
      approvers(review(PUSHER, 'APPROVED'), review(AUTHOR, 'APPROVED'), review(OTHER, 'APPROVED')),
    ).toEqual([OTHER]);
  });

  test('of a head that nobody is known to have pushed does not count', () => {
    expect(findApprovers({ ...pull, pushers: new Set() }, [review(OTHER, 'APPROVED')])).toEqual({
      people: [],
      reason:
        'nobody knows who pushed the last commit of pull request 7, aaaaaaaaaaaa, so its approval does not count',
    });
    // Whoever pushed the same head, is not somebody else.
    const both = { ...pull, pushers: new Set([PUSHER, OTHER]) };
    expect(findApprovers(both, [review(OTHER, 'APPROVED')]).people).toEqual([]);
  });
});
