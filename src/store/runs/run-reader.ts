import type { RunEvent } from '../../events/event.ts';
import type { Database } from '../database/database.ts';
import type { RowState, RunStatus } from '../database/tables.ts';
import { readIdentity } from '../database/worker-identity.ts';
import type { Claim } from './claim.ts';
import { readEvents } from './event-rows.ts';
import { STUCK_STATES } from '../../scheduler/run-control.ts';
import { unknownRun } from './run-rows.ts';

/** What a worker needs of a run beside its events. */
export interface ServerRun {
  readonly repository: string;
  /** The current target. */
  readonly target: string;
  readonly plan: unknown;
}

/** Throws a ChooError (`usage`) for an unknown run. */
export async function readServerRun(database: Database, run: string): Promise<ServerRun> {
  const row = await database
    .selectFrom('runs')
    .select(['repository', 'target', 'plan'])
    .where('id', '=', run)
    .executeTakeFirst();
  if (row === undefined) throw unknownRun(run);
  return row;
}

/** The status of a run; undefined when it is not stored. */
export async function readRunStatus(database: Database, run: string): Promise<RunStatus | undefined> {
  const row = await database.selectFrom('runs').select('status').where('id', '=', run).executeTakeFirst();
  return row?.status;
}

/** The units that a retry of the whole run would retry. */
export async function unitsToRetry(database: Database, run: string): Promise<readonly string[]> {
  const units = database.selectFrom('units').select('id').where('run', '=', run);
  return (await units.where('state', 'in', STUCK_STATES).execute()).map(({ id }) => id);
}

/** The run that a waiting run waits for; undefined when there is none. */
export async function findRunAhead(database: Database, run: string): Promise<string | undefined> {
  const row = await database
    .selectFrom('runs as own')
    .innerJoin('runs as other', (join) =>
      join.onRef('other.repository', '=', 'own.repository').onRef('other.target', '=', 'own.target'),
    )
    .select('other.id')
    .where('own.id', '=', run)
    .where('own.status', '=', 'waiting')
    .where('other.status', '=', 'running')
    .where('other.purpose', '=', 'work')
    .executeTakeFirst();
  return row?.id;
}

/** States and heads of a unit's dependencies. */
export async function readDependencies(
  database: Database,
  { run, unit }: Pick<Claim, 'run' | 'unit'>,
): Promise<readonly { readonly id: string; readonly state: RowState; readonly head: string | null }[]> {
  return database
    .selectFrom('dependencies')
    .innerJoin('units', (join) =>
      join.onRef('units.run', '=', 'dependencies.run').onRef('units.id', '=', 'dependencies.depends_on'),
    )
    .select(['units.id', 'units.state', 'units.head'])
    .where('dependencies.run', '=', run)
    .where('dependencies.unit', '=', unit)
    .orderBy('units.id')
    .execute();
}

/** The events of one unit of a run. */
export async function readUnitEvents(
  database: Database,
  { run, unit }: Pick<Claim, 'run' | 'unit'>,
): Promise<readonly RunEvent[]> {
  return readEvents(database, run, { unit });
}

/** The id of the repository with a remote; adds it when it is new. `installation`: counts its units for fair shares. */
export async function findOrAddRepository(
  database: Database,
  remote: string,
  installation: string,
): Promise<string> {
  await database
    .insertInto('installations')
    .values({ name: installation, served: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await database
    .insertInto('repositories')
    .values({ remote, installation, max_units: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { id } = await database
    .selectFrom('repositories')
    .select('id')
    .where('remote', '=', remote)
    .executeTakeFirstOrThrow();
  return id;
}

/** The current claims, as prefixes of the names of their worktrees. */
export async function liveClaims(database: Database): Promise<ReadonlySet<string>> {
  const rows = await database
    .selectFrom('units')
    .select(['run', 'claim', 'id'])
    .where('worker', 'is not', null)
    .execute();
  return new Set(rows.map(({ run, claim, id }) => `${run}.${claim}.${id}`));
}

/** Whether a run waits for another, and the process with its oldest claim. */
export async function readLiveness(
  database: Database,
  run: string,
): Promise<{
  readonly waits: boolean;
  readonly owner: { readonly pid: number; readonly host: string; readonly since: number } | undefined;
}> {
  const { status } = await database
    .selectFrom('runs')
    .select('status')
    .where('id', '=', run)
    .executeTakeFirstOrThrow();
  const worker = await database
    .selectFrom('units')
    .innerJoin('workers', 'workers.number', 'units.worker')
    .select(['workers.host', 'workers.identity', 'units.beat_at'])
    .where('units.run', '=', run)
    .orderBy('units.beat_at')
    .limit(1)
    .executeTakeFirst();
  const owner = worker && {
    pid: readIdentity(worker.identity).pid,
    host: worker.host,
    since: worker.beat_at?.getTime() ?? 0,
  };
  return { waits: status === 'waiting', owner };
}
