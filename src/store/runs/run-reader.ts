import type { RunEvent } from '../../events/event.ts';
import type { Database } from '../database/database.ts';
import type { RowState } from '../database/tables.ts';
import { readIdentity } from '../database/worker-identity.ts';
import type { Claim } from './claim.ts';
import { readEvents } from './event-rows.ts';
import { STUCK_STATES } from '../../scheduler/run-control.ts';
import { unknownRun } from './run-rows.ts';

/** What a worker must know of a run beside its events. */
export interface ServerRun {
  readonly repository: string;
  /** The branch that results go to now. */
  readonly target: string;
  readonly plan: unknown;
}

/** Throws a ChooError (`usage`) for a run that is not known. */
export async function readServerRun(database: Database, run: string): Promise<ServerRun> {
  const row = await database
    .selectFrom('runs')
    .select(['repository', 'target', 'plan'])
    .where('id', '=', run)
    .executeTakeFirst();
  if (row === undefined) throw unknownRun(run);
  return row;
}

/** The units of a run that a retry of the whole run is about. */
export async function unitsToRetry(database: Database, run: string): Promise<readonly string[]> {
  const units = database.selectFrom('units').select('id').where('run', '=', run);
  return (await units.where('state', 'in', STUCK_STATES).execute()).map(({ id }) => id);
}

/** The run that a waiting one waits for; undefined: there is none. */
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
    .executeTakeFirst();
  return row?.id;
}

/** Where the units stand that a unit depends on. */
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

/** What happened to one unit of a run. */
export async function readUnitEvents(
  database: Database,
  { run, unit }: Pick<Claim, 'run' | 'unit'>,
): Promise<readonly RunEvent[]> {
  return readEvents(database, run, { unit });
}

/** A remote as a repository of this server, made known when it is new. `installation`: who it shares the machines with. */
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

/** The claims that somebody works on now, as the names of their worktrees begin. */
export async function liveClaims(database: Database): Promise<ReadonlySet<string>> {
  const rows = await database
    .selectFrom('units')
    .select(['run', 'claim', 'id'])
    .where('worker', 'is not', null)
    .execute();
  return new Set(rows.map(({ run, claim, id }) => `${run}.${claim}.${id}`));
}

/** Whether a run waits for another, and the process that has worked on it for longest. */
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
