import { sql } from 'kysely';
import type { RunEvent } from '../../events/event.ts';
import type { Amount } from '../../events/spending.ts';
import type { FollowedRun } from '../audit/follow-runs.ts';
import type { Trx } from '../database/database.ts';
import type { NewNotice } from './notice-queue.ts';

/** The operator's ceilings; Infinity: none. */
export type BudgetCeilings = Readonly<Record<'run' | 'installation' | 'server', Amount>>;

/** A budget is told of when this part of it is used. */
const NEARLY = 0.8;
/** Units that a notice names. */
const MAX_UNITS = 20;

/** Finds what is worth telling in new events of runs, and in what the runs have spent. */
export async function findNotices(
  trx: Trx,
  runs: readonly FollowedRun[],
  ceilings: BudgetCeilings,
): Promise<readonly NewNotice[]> {
  const spending = runs.filter(({ events }) => events.some(({ type }) => type === 'task.provider.done'));
  const spent = await readSpent(
    trx,
    spending.map(({ run }) => run),
  );
  const urls = new Map(runs.map(({ run, url }) => [run, url]));
  return [
    ...runs.flatMap(noticesOfRun),
    ...spent.flatMap((each) => noticesOfSpending(each, ceilings, urls.get(each.run) ?? null)),
  ];
}

/** What the new events of a run are worth telling. */
function noticesOfRun({ run, repository, url, isUpdate, events }: FollowedRun): readonly NewNotice[] {
  const of = { repository, run, url };
  const failed = events.filter((event) => event.type === 'unit.failed');
  const needs = failed.map(({ unit, failure }) => ({ unit, failure }));
  const last = failed.at(-1);
  const person: readonly NewNotice[] =
    last === undefined
      ? []
      : [
          {
            source: `person ${run} ${last.seq}`,
            notice: {
              type: 'unit.needs_person',
              data: { ...of, units: needs.slice(0, MAX_UNITS), more: Math.max(needs.length - MAX_UNITS, 0) },
            },
          },
        ];
  if (isUpdate) return person;
  return [
    ...person,
    ...events.flatMap((event): readonly NewNotice[] => {
      const outcome = OUTCOMES[event.type];
      return outcome === undefined
        ? []
        : [{ source: `ended ${run} ${event.seq}`, notice: { type: 'run.ended', data: { ...of, outcome } } }];
    }),
  ];
}

const OUTCOMES: Readonly<Partial<Record<RunEvent['type'], string>>> = {
  'orch.completed': 'complete',
  'orch.failed': 'failed',
  'orch.cancelled': 'cancelled',
};

interface Spent {
  readonly run: string;
  readonly installation: string;
  readonly day: string;
  /** Of the run as it started; null: no limit on money. */
  readonly limit_tokens: number;
  readonly limit_cost: number | null;
  readonly run_tokens: number;
  readonly run_cost: number;
  readonly installation_tokens: number;
  readonly installation_cost: number;
  readonly server_tokens: number;
  readonly server_cost: number;
}

async function readSpent(trx: Trx, runs: readonly string[]): Promise<readonly Spent[]> {
  if (runs.length === 0) return [];
  const { rows } = await sql<Spent>`
    with today as (
      select * from day_spending where day = (now() at time zone 'utc')::date
    )
    select runs.id as run, repositories.installation, ((now() at time zone 'utc')::date)::text as day,
      (first.body -> 'limits' ->> 'runTokens')::float8 as limit_tokens,
      (first.body -> 'limits' ->> 'runCost')::float8 as limit_cost,
      own.tokens as run_tokens, own.cost as run_cost,
      installation.tokens as installation_tokens, installation.cost as installation_cost,
      server.tokens as server_tokens, server.cost as server_cost
    from runs join repositories on repositories.id = runs.repository
      join events as first on first.run = runs.id and first.seq = 1,
      lateral (select coalesce(sum(used_tokens + open_tokens), 0)::float8 as tokens,
                 coalesce(sum(used_cost + open_cost), 0)::float8 as cost from spending where run = runs.id) as own,
      lateral (select coalesce(sum(tokens), 0)::float8 as tokens, coalesce(sum(cost), 0)::float8 as cost
               from today where today.installation = repositories.installation) as installation,
      lateral (select coalesce(sum(tokens), 0)::float8 as tokens, coalesce(sum(cost), 0)::float8 as cost
               from today) as server
    where runs.id = any(${runs}::text[])`.execute(trx);
  return rows;
}

function noticesOfSpending(spent: Spent, ceilings: BudgetCeilings, url: string | null): readonly NewNotice[] {
  const { run, installation, day } = spent;
  const ofRun = {
    tokens: Math.min(spent.limit_tokens, ceilings.run.tokens),
    cost: Math.min(spent.limit_cost ?? Infinity, ceilings.run.cost),
  };
  const accounts = [
    { of: 'run', name: run, source: run, url, limit: ofRun, tokens: spent.run_tokens, cost: spent.run_cost },
    {
      of: 'installation',
      name: installation,
      source: `${installation} ${day}`,
      url: null,
      limit: ceilings.installation,
      tokens: spent.installation_tokens,
      cost: spent.installation_cost,
    },
    {
      of: 'server',
      name: day,
      source: day,
      url: null,
      limit: ceilings.server,
      tokens: spent.server_tokens,
      cost: spent.server_cost,
    },
  ] as const;
  return accounts.flatMap(({ of, name, source, url, limit, ...used }) =>
    (['cost', 'tokens'] as const)
      .filter((what) => used[what] >= NEARLY * limit[what])
      .map((what): NewNotice => ({
        source: `budget ${of} ${what} ${source}`,
        notice: {
          type: 'budget.nearly_used',
          data: { of, name, what, used: used[what], limit: limit[what], url },
        },
      })),
  );
}
