import type { Database } from '../database/database.ts';

/** The pull request of a unit. */
export interface UnitPull {
  readonly unit: string;
  readonly number: number;
  readonly nodeId: string;
  /** `lost`: GitHub closed it when its branch, or the one it went to, was deleted. */
  readonly state: 'open' | 'merged' | 'closed' | 'lost';
  readonly base: string;
  readonly draft: boolean;
  /** Of its title and body as they were written last. */
  readonly hash: string;
  /** The run that opened it; null: one from before that was noted. */
  readonly run: string | null;
}

/** The newest pull request of each unit for a branch. */
export async function listUnitPulls(
  database: Database,
  repository: string,
  target: string,
): Promise<ReadonlyMap<string, UnitPull>> {
  const rows = await database
    .selectFrom('unit_pulls')
    .select(['unit', 'number', 'node_id', 'state', 'base', 'draft', 'hash', 'run'])
    .where('repository', '=', repository)
    .where('target', '=', target)
    .orderBy('number')
    .execute();
  return new Map(rows.map(({ node_id, ...row }) => [row.unit, { ...row, nodeId: node_id }]));
}

/** The numbers of all pull requests that a run opened. */
export async function listPullsOfRun(
  database: Database,
  repository: string,
  run: string,
): Promise<readonly number[]> {
  const rows = await database
    .selectFrom('unit_pulls')
    .select('number')
    .where('repository', '=', repository)
    .where('run', '=', run)
    .execute();
  return rows.map(({ number }) => number);
}

/** Whose pull request that is; undefined: no unit's. */
export async function findUnitPull(
  database: Database,
  repository: string,
  number: number,
): Promise<{ readonly target: string; readonly unit: string } | undefined> {
  return database
    .selectFrom('unit_pulls')
    .select(['target', 'unit'])
    .where('repository', '=', repository)
    .where('number', '=', number)
    .executeTakeFirst();
}

export async function saveUnitPull(
  database: Database,
  repository: string,
  target: string,
  { unit, number, nodeId, state, base, draft, hash, run }: UnitPull,
): Promise<void> {
  const values = { target, unit, node_id: nodeId, state, base, draft, hash, run };
  await database
    .insertInto('unit_pulls')
    .values({ ...values, repository, number })
    .onConflict((conflict) => conflict.columns(['repository', 'number']).doUpdateSet(values))
    .execute();
}

/** What somebody, or choo, did to it. What is not named stays: others may change it at the same time. */
export async function changeUnitPull(
  database: Database,
  repository: string,
  number: number,
  change: Partial<Pick<UnitPull, 'state' | 'base' | 'draft' | 'hash'>>,
): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await database
    .updateTable('unit_pulls')
    .set(change)
    .where('repository', '=', repository)
    .where('number', '=', number)
    .execute();
}
