import { sql } from 'kysely';
import type { Database } from '../database/database.ts';

/** A new head of a branch, and who brought it. */
export interface SeenPush {
  readonly branch: string;
  readonly head: string;
  readonly before: string;
  /** GitHub's number of the account. */
  readonly sender: number;
}

/** What stands for the branch of a pull request that comes from a fork: its pushes are not delivered. */
export function forkBranch(pull: number): string {
  return `refs/pull/${pull}/head`;
}

/** Saves a push, once for each sender, whichever delivery told it. */
export async function savePush(database: Database, repository: string, push: SeenPush): Promise<void> {
  await database
    .insertInto('pushes')
    .values({ repository, ...push })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/**
 * The pushes that made a commit the head of a branch, of deliveries that were handled or wait for it. Empty: no delivery told of
 * one.
 */
export async function findPushes(
  database: Database,
  repository: string,
  { branch, head }: Pick<SeenPush, 'branch' | 'head'>,
): Promise<readonly Pick<SeenPush, 'before' | 'sender'>[]> {
  const { rows } = await sql<{ before: string; sender: string }>`
    select before, sender from pushes
    where repository = ${repository} and branch = ${branch} and head = ${head}
    union
    select payload ->> 'before', (payload -> 'sender' ->> 'id')::bigint from deliveries
    where handled_at is null and event = 'push'
      and github_repository = (select github_id from github_repositories where repository = ${repository})
      and payload ->> 'ref' = ${`refs/heads/${branch}`} and payload ->> 'after' = ${head}`.execute(database);
  return rows.map(({ before, sender }) => ({ before, sender: Number(sender) }));
}
