import type { Route } from '../router.ts';
import { APP_ROUTES } from './apps.ts';
import { BRANCH_ROUTES } from './branches.ts';
import { CHECK_ROUTES } from './checks.ts';
import { COMMENT_ROUTES } from './comments.ts';
import { COMMIT_ROUTES } from './commits.ts';
import { CONTENT_ROUTES } from './contents.ts';
import { ISSUE_ROUTES } from './issues.ts';
import { LABEL_ROUTES } from './labels.ts';
import { MERGE_ROUTES } from './merges.ts';
import { PULL_ROUTES } from './pulls.ts';
import { REACTION_ROUTES } from './reactions.ts';
import { REF_ROUTES } from './refs.ts';
import { REPOSITORY_ROUTES } from './repositories.ts';
import { REVIEW_ROUTES } from './reviews.ts';
import { STACK_ROUTES } from './stacks.ts';
import { STATUS_ROUTES } from './statuses.ts';

/** Every route that the front answers itself. The first match is used, so greedy routes come last. */
export const ROUTES: readonly Route[] = [
  ...APP_ROUTES,
  ...REPOSITORY_ROUTES,
  ...COMMENT_ROUTES,
  ...REACTION_ROUTES,
  ...LABEL_ROUTES,
  ...ISSUE_ROUTES,
  ...MERGE_ROUTES,
  ...BRANCH_ROUTES,
  ...STACK_ROUTES,
  ...REVIEW_ROUTES,
  ...PULL_ROUTES,
  ...CHECK_ROUTES,
  ...STATUS_ROUTES,
  ...REF_ROUTES,
  ...CONTENT_ROUTES,
  ...COMMIT_ROUTES,
];
