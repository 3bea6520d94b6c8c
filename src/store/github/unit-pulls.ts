import { sql } from 'kysely';
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
  /** Its head as GitHub last described it; null: not described yet. */
  readonly head: string | null;
  /** The commit that merged it into `base`; null: it is not merged, or was before choo stored this. */
  readonly mergeCommit: string | null;
  /** A person made it a draft, so only a person makes it ready. */
  readonly held: boolean;
  /** A person asked for an update of its branch. */
  readonly updateAsked: boolean;
  /** The pull request of the same unit before it, which was closed and not merged; null: there was none. */
  readonly replaces: number | null;
  /** It is in one of GitHub's own stacks, where only GitHub moves its base and its branch. */
  readonly stacked: boolean;
  /** A person asked for an agent, should it conflict. */
  readonly resolveAsked: boolean;
}

const COLUMNS = [
  'unit',
  'number',
  'state',
  'base',
  'draft',
  'hash',
  'run',
  'head',
  'held',
  'stacked',
] as const;

/** The newest pull request of each unit for a target, by unit. */
export async function listUnitPulls(
  database: Database,
  repository: string,
  target: string,
): Promise<ReadonlyMap<string, UnitPull>> {
  const rows = await database
    .selectFrom('unit_pulls')
    .select([...COLUMNS, 'node_id', 'merge_commit', 'update_asked', 'resolve_asked'])
    .where('repository', '=', repository)
    .where('target', '=', target)
    .orderBy('number')
    .execute();
  const pulls = new Map<string, UnitPull>();
  for (const { node_id, merge_commit, update_asked, resolve_asked, ...row } of rows) {
    const before = pulls.get(row.unit);
    const replaces = before === undefined || before.state === 'merged' ? null : before.number;
    pulls.set(row.unit, {
      ...row,
      nodeId: node_id,
      mergeCommit: merge_commit,
      updateAsked: update_asked,
      resolveAsked: resolve_asked,
      replaces,
    });
  }
  return pulls;
}

/** The newest ones are enough: a plan names a few. */
const MAX_ELSEWHERE = 500;

/** Open pull requests of units whose results go to other branches than this one, with the unit branches. */
export async function listWorkElsewhere(
  database: Database,
  repository: string,
  target: string,
): Promise<
  readonly {
    readonly unit: string;
    readonly target: string;
    readonly pull: number;
    readonly branch: string | null;
  }[]
> {
  return database
    .selectFrom('unit_pulls as pull')
    .leftJoin('records as record', (join) =>
      join
        .onRef('record.repository', '=', 'pull.repository')
        .onRef('record.target', '=', 'pull.target')
        .onRef('record.unit', '=', 'pull.unit'),
    )
    .select([
      'pull.unit',
      'pull.target',
      'pull.number as pull',
      sql<string | null>`record.body ->> 'branch'`.as('branch'),
    ])
    .where('pull.repository', '=', repository)
    .where('pull.target', '<>', target)
    .where('pull.state', '=', 'open')
    .orderBy('pull.number', 'desc')
    .limit(MAX_ELSEWHERE)
    .execute();
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

/** Saves a pull request that choo opened or reopened. */
export async function saveUnitPull(
  database: Database,
  repository: string,
  target: string,
  { unit, number, nodeId, state, base, draft, hash, run, head }: UnitPull,
): Promise<void> {
  const values = { target, unit, node_id: nodeId, state, base, draft, hash, run, head };
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
  {
    updateAsked,
    resolveAsked,
    ...change
  }: Partial<Pick<UnitPull, 'state' | 'base' | 'draft' | 'hash' | 'held' | 'updateAsked' | 'resolveAsked'>>,
): Promise<void> {
  const values = {
    ...change,
    ...(updateAsked === undefined ? {} : { update_asked: updateAsked }),
    ...(resolveAsked === undefined ? {} : { resolve_asked: resolveAsked }),
  };
  if (Object.keys(values).length === 0) return;
  await database
    .updateTable('unit_pulls')
    .set(values)
    .where('repository', '=', repository)
    .where('number', '=', number)
    .execute();
}

/**
 * Notes that a person asked for updates of units' open pull requests; `resolve`: by an agent where one conflicts. Returns how many
 * there are.
 */
export async function askForUpdates(
  database: Database,
  {
    repository,
    target,
    units,
    resolve,
  }: {
    readonly repository: string;
    readonly target: string;
    readonly units: readonly string[];
    readonly resolve: boolean;
  },
): Promise<number> {
  const { numAffectedRows } = await sql`
    update unit_pulls set update_asked = true, resolve_asked = resolve_asked or ${resolve}
    where repository = ${repository} and target = ${target} and unit = any(${[...units]}::text[])
      and state = 'open'`.execute(database);
  return Number(numAffectedRows ?? 0n);
}

/** Notes that the pull requests that were merged into one branch are in another since a commit there. */
export async function carryMerges(
  database: Database,
  repository: string,
  { from, to, commit }: { readonly from: string; readonly to: string; readonly commit: string },
): Promise<void> {
  await sql`
    update unit_pulls set base = ${to}, merge_commit = ${commit}
    where repository = ${repository} and target in (${from}, ${to}) and state = 'merged' and base = ${from}`.execute(
    database,
  );
}

/** What GitHub says of a pull request. */
export interface DescribedPull extends Pick<UnitPull, 'state' | 'base' | 'draft' | 'mergeCommit'> {
  readonly number: number;
  readonly head: string;
  /** When GitHub last changed it. */
  readonly updatedAt: Date;
  /** Whether a person made it a draft (true) or ready (false) just now; undefined: neither. */
  readonly held?: boolean | undefined;
  /** Whether it is in one of GitHub's own stacks; undefined: GitHub did not say. */
  readonly stacked?: boolean | undefined;
}

/**
 * Saves what GitHub says of a pull request, unless something newer is known. Returns what changed: its state, or anything else.
 * A lost one is closed, and stays lost, whoever made its branches again. GitHub's times are whole seconds: of two descriptions
 * of one second the later to arrive wins.
 */
export async function describeUnitPull(
  database: Database,
  repository: string,
  { number, state, base, draft, head, mergeCommit, updatedAt, held, stacked }: DescribedPull,
): Promise<'state' | 'rest' | 'none'> {
  const { rows } = await sql<{ changes: boolean }>`
    with before as (
      select number, state, held, stacked,
        case when state = 'lost' and ${state} = 'closed' then 'lost' else ${state} end as next
      from unit_pulls
      where repository = ${repository} and number = ${number} for update
    )
    update unit_pulls as pull set state = before.next, base = ${base}, draft = ${draft}, head = ${head},
      merge_commit = ${mergeCommit}, seen_at = ${updatedAt},
      held = coalesce(${held ?? null}::boolean, before.held),
      stacked = coalesce(${stacked ?? null}::boolean, before.stacked)
    from before
    where pull.repository = ${repository} and pull.number = before.number
      and (seen_at is null or seen_at <= ${updatedAt})
      and (pull.state, base, draft, head, merge_commit, pull.held, pull.stacked) is distinct from
        (before.next, ${base}::text, ${draft}::boolean, ${head}::text, ${mergeCommit}::text,
         coalesce(${held ?? null}::boolean, before.held), coalesce(${stacked ?? null}::boolean, before.stacked))
    returning before.state <> before.next as changes`.execute(database);
  const [row] = rows;
  return row === undefined ? 'none' : row.changes ? 'state' : 'rest';
}

/** A target with pull requests that are open, or that GitHub closed. */
export interface OpenWork {
  readonly repository: string;
  readonly target: string;
  readonly pulls: readonly { readonly unit: string; readonly number: number }[];
}

/** The targets with open or lost pull requests. */
export async function listOpenWork(database: Database): Promise<readonly OpenWork[]> {
  const { rows } = await sql<OpenWork>`
    select unit_pulls.repository::text, target, json_agg(json_build_object('unit', unit, 'number', number)) as pulls
    from unit_pulls join github_repositories as github on github.repository = unit_pulls.repository
    where state in ('open', 'lost') and github.removed_at is null
    group by unit_pulls.repository, target
    order by unit_pulls.repository, target`.execute(database);
  return rows;
}
