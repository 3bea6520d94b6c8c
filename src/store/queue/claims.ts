import { sql } from 'kysely';
import type { Database, Trx } from '../database/database.ts';
import type { Claim } from '../runs/claim.ts';
import type { Jobs } from '../runs/jobs.ts';
import { QUARANTINE_AFTER } from '../runs/quarantine.ts';
import { claimQuarantined } from './claim-quarantined.ts';

export interface ClaimLimits {
  /** Free slots of this process. */
  readonly free: number;
  /** Limit of claimed units across all processes; undefined: only each process's own limit. */
  readonly all?: number | undefined;
}

/** A run that has queued units and room for them. */
interface Candidate {
  readonly run: string;
  readonly repository: string;
  readonly installation: string;
  readonly queued: number;
  /** Free slots of the run. */
  readonly room: number;
  /** Free slots of its repository; null: no limit. */
  readonly repository_room: number | null;
  /** When the run, and its installation, last got a slot; a number that only grows. */
  readonly served: number;
  readonly installation_served: number;
  /** Slots that its installation has. */
  readonly installation_held: number;
}

/** The claim lock: makes counting and claiming one step across all processes. */
const CLAIM_LOCK = sql`select pg_advisory_xact_lock(hashtext('choo claim'))`;

/**
 * Claims units for a worker, within the limits of the process, the run, the repository and all processes. Installations share
 * slots evenly, and the runs of one alternate; of a run, the unit with the longest critical path is first. Units in quarantine
 * are claimed only when there is nothing else; see quarantine.ts.
 */
export async function claimUnits(
  database: Database,
  jobs: Jobs,
  worker: number,
  { free, all }: ClaimLimits,
): Promise<readonly Claim[]> {
  if (free <= 0 || !(await hasQueuedUnits(database, worker))) return [];
  return database.transaction().execute(async (trx) => {
    await CLAIM_LOCK.execute(trx);
    const { candidates, held } = await findCandidates(trx);
    const slots = Math.min(free, all === undefined ? free : all - held);
    const shares = allocateSlots(candidates, slots);
    if (shares.order.length === 0) return claimQuarantined(trx, worker, all);
    const claims: Claim[] = [];
    for (const [run, count] of shares.byRun) {
      const fetched = await jobs.fetch(trx, run, count);
      if (fetched.length === 0) continue;
      const { rows } = await sql<Claim>`
        update units set state = 'running', claim = claim + 1, batch = 0, worker = ${worker},
                         job_try = job.try, beat_at = now()
        from unnest(${fetched.map(({ id }) => id)}::uuid[], ${fetched.map(({ retryCount }) => retryCount)}::int[])
          as job (id, try)
        where units.run = ${run} and units.job = job.id and units.state = 'queued' and units.worker is null
        returning units.run, units.id as unit, units.claim`.execute(trx);
      claims.push(...rows);
    }
    await saveServed(trx, shares.order);
    return claims;
  });
}

/** Whether there are units to claim. False for a worker that tries a quarantined unit alone. */
async function hasQueuedUnits(database: Database, worker: number): Promise<boolean> {
  const { rows } = await sql`
    select where exists (select from units where state = 'queued' and not_before <= now())
             and not exists (select from units where worker = ${worker} and deaths >= ${QUARANTINE_AFTER})`.execute(
    database,
  );
  return rows.length > 0;
}

/** The runs that have queued units and room for them, and the number of claimed units (`held`). */
export async function findCandidates(
  trx: Database | Trx,
): Promise<{ readonly candidates: readonly Candidate[]; readonly held: number }> {
  const { rows } = await sql<Candidate & { readonly held: number }>`
    with queued as (
      select run, count(*)::int as units from units
      where state = 'queued' and not_before <= now() and deaths < ${QUARANTINE_AFTER} group by run
    ), held as (
      select units.run, runs.repository, count(*)::int as units
      from units join runs on runs.id = units.run
      where units.worker is not null group by units.run, runs.repository
    ), by_repository as (
      select repository, sum(units)::int as units from held group by repository
    ), by_installation as (
      select installation, sum(units)::int as units
      from held join repositories on repositories.id = held.repository group by installation
    )
    select runs.id as run, runs.repository, repositories.installation, queued.units as queued,
           runs.parallelism - coalesce(held.units, 0) as room,
           repositories.max_units - coalesce(by_repository.units, 0) as repository_room,
           coalesce(run_turns.served, 0)::float8 as served, installations.served::float8 as installation_served,
           coalesce(by_installation.units, 0) as installation_held,
           (select coalesce(sum(units), 0)::int from held) as held
    from queued
    join runs on runs.id = queued.run and runs.status = 'running'
    join repositories on repositories.id = runs.repository
    join installations on installations.name = repositories.installation
    left join run_turns on run_turns.run = runs.id
    left join held on held.run = runs.id
    left join by_repository on by_repository.repository = runs.repository
    left join by_installation on by_installation.installation = repositories.installation
    where runs.parallelism > coalesce(held.units, 0)`.execute(trx);
  return { candidates: rows, held: rows[0]?.held ?? 0 };
}

/** The runs that get slots, in order. */
interface Shares {
  readonly order: readonly { readonly run: string; readonly installation: string }[];
  readonly byRun: ReadonlyMap<string, number>;
}

/**
 * Allocates slots one by one: to the installation with the fewest, among equals to the one that waited longest for a slot, and
 * within it to the run that waited longest. So each reaches its fair share before another one exceeds it. Pure.
 *
 * @internal
 */
export function allocateSlots(candidates: readonly Candidate[], slots: number): Shares {
  const runs = candidates.map((each) => ({ ...each, left: Math.min(each.queued, each.room) }));
  const repositories = new Map<string, number>();
  for (const { repository, repository_room: room } of candidates)
    repositories.set(repository, room ?? Number.POSITIVE_INFINITY);
  const installations = new Map(candidates.map((each) => [each.installation, each.installation_served]));
  const held = new Map(candidates.map((each) => [each.installation, each.installation_held]));
  const heldBy = (installation: string): number => held.get(installation) ?? 0;
  let clock = Math.max(0, ...installations.values(), ...candidates.map(({ served }) => served));
  const servedOf = (installation: string): number => installations.get(installation) ?? 0;
  const order: { run: string; installation: string }[] = [];
  const byRun = new Map<string, number>();
  while (order.length < slots) {
    const open = runs.filter(({ left, repository }) => left > 0 && (repositories.get(repository) ?? 0) > 0);
    const next = open.sort(
      (a, b) =>
        heldBy(a.installation) - heldBy(b.installation) ||
        servedOf(a.installation) - servedOf(b.installation) ||
        a.served - b.served,
    )[0];
    if (next === undefined) break;
    clock += 1;
    installations.set(next.installation, clock);
    held.set(next.installation, heldBy(next.installation) + 1);
    repositories.set(next.repository, (repositories.get(next.repository) ?? 0) - 1);
    Object.assign(next, { served: clock, left: next.left - 1 });
    order.push({ run: next.run, installation: next.installation });
    byRun.set(next.run, (byRun.get(next.run) ?? 0) + 1);
  }
  return { order, byRun };
}

/** Saves when each run and installation got a slot, as a number that only grows. */
async function saveServed(trx: Trx, order: Shares['order']): Promise<void> {
  const [runs, installations] = [new Map<string, number>(), new Map<string, number>()];
  for (const [at, { run, installation }] of order.entries()) {
    runs.set(run, at + 1);
    installations.set(installation, at + 1);
  }
  await sql`
    with clock as (select greatest((select max(served) from installations), 0) as now), served as (
      update installations set served = clock.now + new.at
      from clock, unnest(${[...installations.keys()]}::text[], ${[...installations.values()]}::int[]) as new (name, at)
      where installations.name = new.name
    )
    insert into run_turns (run, served)
    select new.run, clock.now + new.at
    from clock, unnest(${[...runs.keys()]}::text[], ${[...runs.values()]}::int[]) as new (run, at)
    on conflict (run) do update set served = excluded.served`.execute(trx);
}
