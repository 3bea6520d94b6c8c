import type { Issue, User } from '../world.ts';

export type ReviewState = 'PENDING' | 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED';

/** A review of a pull request. While it is pending only its author sees it. */
export interface Review {
  readonly id: number;
  readonly nodeId: string;
  readonly issue: Issue;
  readonly user: User;
  /** The head that it is about. */
  readonly commit: string;
  state: ReviewState;
  body: string;
  submittedAt: string | null;
}

/** A conversation on a line of a pull request's diff, or on a file of it. */
export interface ReviewThread {
  readonly id: number;
  readonly nodeId: string;
  readonly issue: Issue;
  readonly path: string;
  /** On the new side, at `commit`; null: on the whole file. */
  readonly originalLine: number | null;
  readonly commit: string;
  readonly hunk: string;
  resolvedBy: User | null;
}

export interface ReviewComment {
  readonly id: number;
  readonly nodeId: string;
  readonly thread: ReviewThread;
  readonly review: Review;
  readonly user: User;
  readonly createdAt: string;
  body: string;
}
