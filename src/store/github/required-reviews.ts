import type { Database } from '../database/database.ts';

/** A branch, and one of its commits. */
interface At {
  readonly branch: string;
  readonly commit: string;
}

/** Saves the head that a branch had when choo first saw that its specs must be reviewed. A later one changes nothing. */
export async function saveReviewStart(database: Database, repository: string, at: At): Promise<void> {
  await database
    .insertInto('review_starts')
    .values({ repository, ...at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The heads from which on specs must be reviewed, by branch. Empty: the repository never asked for that. */
export async function findReviewStarts(
  database: Database,
  repository: string,
): Promise<ReadonlyMap<string, string>> {
  const rows = await database
    .selectFrom('review_starts')
    .select(['branch', 'commit'])
    .where('repository', '=', repository)
    .execute();
  return new Map(rows.map(({ branch, commit }) => [branch, commit]));
}

/** Forgets that specs must be reviewed. */
export async function forgetReviewStarts(database: Database, repository: string): Promise<void> {
  await database.deleteFrom('review_starts').where('repository', '=', repository).execute();
}

/** Saves that an approved pull request brought a commit to a branch. */
export async function saveReviewed(database: Database, repository: string, at: At): Promise<void> {
  await database
    .insertInto('reviewed_commits')
    .values({ repository, ...at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Whether an approved pull request is known to have brought a commit to a branch. */
export async function isKnownReviewed(
  database: Database,
  repository: string,
  { branch, commit }: At,
): Promise<boolean> {
  const row = await database
    .selectFrom('reviewed_commits')
    .select('commit')
    .where('repository', '=', repository)
    .where('branch', '=', branch)
    .where('commit', '=', commit)
    .executeTakeFirst();
  return row !== undefined;
}
