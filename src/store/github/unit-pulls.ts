import type { Database } from '../database/database.ts';

/** The pull request of a unit. */
export interface UnitPull {
  readonly unit: string;
  readonly number: number;
  readonly nodeId: string;
  /** `lost`: GitHub closed it when its head or base branch was deleted. */
  readonly state: 'open' | 'merged' | 'closed' | 'lost';
  readonly base: string;
  readonly draft: boolean;
  /** Hash of its title and body as choo last wrote them. */
  readonly hash: string;
  /** The run that opened it; null: opened before choo stored this. */
  readonly run: string | null;
}

/** The newest pull request of each unit for a target, by unit. */
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

/** The unit of a pull request; undefined when it belongs to none. */
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

/** Saves changes of a pull request. Updates only the given columns: others may change at the same time. */
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
