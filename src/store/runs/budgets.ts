import { type RawBuilder, sql } from 'kysely';
import type { EventBody } from '../../events/event.ts';
import type { Amount } from '../../events/spending.ts';
import { type Database, retryTransient, type Trx } from '../database/database.ts';

/** The claim that uses tokens and money. */
export interface Spender {
  readonly run: string;
  readonly unit: string;
  readonly claim: number;
  /** For an update, the run that did the unit's work: what that and its other updates spent on the unit counts as the unit's. */
  readonly updates?: string | undefined;
}

/** What a limit applies to: a run, a unit in a run, and all runs of an installation or of the server in one day. */
const ACCOUNTS = ['run', 'unit', 'installation', 'server'] as const;
type Account = (typeof ACCOUNTS)[number];

/** The limit of each account; Infinity: unlimited. */
export type SpendingLimits = Readonly<Record<Account, Amount>>;

/** A limit that is used up. */
export interface LimitReached {
  readonly kind: 'used-up';
  readonly refused: Account;
  readonly what: keyof Amount;
  readonly limit: number;
  /** For daily accounts, when the database's next day begins. Milliseconds since 1970. */
  readonly until: number | null;
}

/** The result of a reservation: an amount, a limit that is used up, or `wait` when other reservations have the rest. */
export type ReserveResult =
  | { readonly kind: 'held'; readonly amount: Amount }
  | LimitReached
  | { readonly kind: 'wait' };

/** Counts the usage in a claim's events, in the transaction that writes them, so that a crash cannot lose it. */
export async function countSpending(
  trx: Trx,
  run: string,
  {
    unit,
    claim,
    events,
  }: { readonly unit: string; readonly claim: number; readonly events: readonly EventBody[] },
): Promise<void> {
  const usage = events.filter(
    (event) => event.type === 'task.provider.usage' || event.type === 'task.provider.done',
  );
  const last = usage.at(-1);
  if (last === undefined) return;
  const used = sum(usage.filter(({ type }) => type === 'task.provider.done'));
  const isOver = last.type === 'task.provider.done';
  const open = sum(isOver ? [] : [last]);
  const spent = sql`before as (
      select used_tokens + open_tokens as tokens, used_cost + open_cost as cost
      from spending where run = ${run} and unit = ${unit} and claim = ${claim}
    ), after as (
      insert into spending (run, unit, claim, used_tokens, used_cost, open_tokens, open_cost)
      values (${run}, ${unit}, ${claim}, ${used.tokens}, ${used.cost}, ${open.tokens}, ${open.cost})
      on conflict (run, unit, claim) do update set
        used_tokens = spending.used_tokens + excluded.used_tokens,
        used_cost = spending.used_cost + excluded.used_cost,
        open_tokens = excluded.open_tokens, open_cost = excluded.open_cost,
        reserved_tokens = case when ${isOver} then 0 else spending.reserved_tokens end,
        reserved_cost = case when ${isOver} then 0 else spending.reserved_cost end
      returning used_tokens + open_tokens as tokens, used_cost + open_cost as cost
    ), spent as (
      select after.tokens - coalesce(before.tokens, 0) as tokens, after.cost - coalesce(before.cost, 0) as cost
      from after left join before on true
    )`;
  await countToday(trx, run, spent);
}

/**
 * Charges an attempt whose worker died. When its usage was never reported, it is charged its reservation, like an attempt of
 * unknown cost; else killing workers would make attempts free.
 */
export async function chargeUnreported(
  trx: Trx,
  run: string,
  { unit, claim }: { readonly unit: string; readonly claim: number },
): Promise<void> {
  await countToday(
    trx,
    run,
    sql`spent as (
    update spending set
      open_tokens = case when open_tokens = 0 then reserved_tokens else open_tokens end,
      open_cost = case when open_cost = 0 then reserved_cost else open_cost end
    from (select open_tokens as tokens, open_cost as cost from spending
          where run = ${run} and unit = ${unit} and claim = ${claim}) as heard
    where run = ${run} and unit = ${unit} and claim = ${claim}
    returning open_tokens - heard.tokens as tokens, open_cost - heard.cost as cost)`,
  );
}

/**
 * Adds usage to today's. `spent` is a list of common table expressions; the last is named `spent` and returns the amount. Each
 * run has its own row per day, so that it waits for no other run.
 */
async function countToday(trx: Trx, run: string, spent: RawBuilder<unknown>): Promise<void> {
  await sql`
    with ${spent}
    insert into day_spending (day, installation, run, tokens, cost)
    select ${TODAY}, installation, runs.id, spent.tokens, spent.cost
    from spent cross join runs join repositories on repositories.id = runs.repository
    where runs.id = ${run}
    on conflict (day, installation, run) do update set
      tokens = day_spending.tokens + excluded.tokens, cost = day_spending.cost + excluded.cost`.execute(trx);
}

/** The database's day: its clock is the one that all processes share. */
const TODAY = sql`(now() at time zone 'utc')::date`;

/** An unknown cost counts as zero: there the limit of tokens applies. */
function sum(usage: readonly { readonly tokens: number; readonly cost: number | null }[]): Amount {
  return {
    tokens: usage.reduce((total, { tokens }) => total + tokens, 0),
    cost: usage.reduce((total, { cost }) => total + (cost ?? 0), 0),
  };
}

/**
 * Reserves `part` of each limit for a claim, or the rest where that is less; `wanted` says of what. Usage and reservations of
 * all claims of an account together never exceed its limit. Unused reservations count for the current day.
 */
export async function setAside(
  database: Database,
  { run, unit, claim, updates }: Spender,
  limits: SpendingLimits,
  part: number,
  wanted: { readonly tokens: boolean; readonly cost: boolean } = { tokens: true, cost: true },
): Promise<ReserveResult> {
  return retryTransient(() =>
    database.transaction().execute(async (trx) => {
      // All runs share the daily limits. Counting usage does not take this lock.
      const lock = hasDayLimit(limits) ? 'choo budget' : `choo budget ${run}`;
      await sql`select pg_advisory_xact_lock(hashtext(${lock}))`.execute(trx);
      const accounts = await readAccounts(trx, { run, unit, updates });
      const usedUp = findReached(accounts, limits);
      if (usedUp !== undefined) return usedUp;
      const slice = (what: keyof Amount): number =>
        Math.min(
          ...ACCOUNTS.flatMap((each) => [
            limits[each][what] * (isOfDay(each) ? part * PART_OF_DAY : part),
            limits[each][what] - accounts[each].taken[what],
          ]),
        );
      const isCostBound = Number.isFinite(slice('cost'));
      const amount = {
        tokens: wanted.tokens ? Math.ceil(slice('tokens')) : 0,
        cost: wanted.cost && isCostBound ? slice('cost') : 0,
      };
      if ((wanted.tokens && amount.tokens <= 0) || (wanted.cost && isCostBound && amount.cost <= 0))
        return { kind: 'wait' };
      await sql`
      insert into spending (run, unit, claim, reserved_tokens, reserved_cost)
      values (${run}, ${unit}, ${claim}, ${amount.tokens}, ${amount.cost})
      on conflict (run, unit, claim) do update set
        reserved_tokens = spending.reserved_tokens + excluded.reserved_tokens,
        reserved_cost = spending.reserved_cost + excluded.reserved_cost`.execute(trx);
      return { kind: 'held', amount };
    }),
  );
}

/** A limit that is used up before a claim starts; undefined when there is none. */
export async function findReachedLimit(
  database: Database,
  spender: Omit<Spender, 'claim'>,
  limits: SpendingLimits,
): Promise<LimitReached | undefined> {
  return findReached(await readAccounts(database, spender), limits);
}

/** Part of a daily limit for one reservation: a day has many attempts, and a few must not reserve all that is left. */
const PART_OF_DAY = 0.1;

function isOfDay(account: Account): boolean {
  return account === 'installation' || account === 'server';
}

function hasDayLimit({ installation, server }: SpendingLimits): boolean {
  return [installation.tokens, installation.cost, server.tokens, server.cost].some(Number.isFinite);
}

/** Usage of each account; `taken` includes reservations. */
type Accounts = Readonly<Record<Account, { readonly used: Amount; readonly taken: Amount }>> & {
  readonly midnight: number;
};

async function readAccounts(
  database: Database | Trx,
  { run, unit, updates = run }: Omit<Spender, 'claim'>,
): Promise<Accounts> {
  const { rows } = await sql<
    Record<'used_tokens' | 'used_cost' | 'tokens' | 'cost' | 'midnight', number> & { account: Account }
  >`
    with same_work as (
      select ${run}::text as run union select ${updates}
      union
      select updates.id from runs join runs as updates
        on updates.repository = runs.repository and updates.target = runs.target
        join events as first on first.run = updates.id and first.seq = 1
      where runs.id = ${run} and ${run} <> ${updates} and updates.purpose = 'update' and updates.update_unit = ${unit}
        and first.at >= (select at from events where run = ${updates} and seq = 1)
    ), claims as (
      select run, unit, used_tokens + open_tokens as used_tokens, used_cost + open_cost as used_cost,
             used_tokens + greatest(open_tokens, reserved_tokens) as tokens,
             used_cost + greatest(open_cost, reserved_cost) as cost
      from spending where run in (select run from same_work)
    ), today as (
      select installation, tokens as used_tokens, cost as used_cost, tokens, cost
      from day_spending where day = ${TODAY}
      union all
      select installation, 0, 0, greatest(reserved_tokens - open_tokens, 0), greatest(reserved_cost - open_cost, 0)
      from spending join runs on runs.id = spending.run join repositories on repositories.id = runs.repository
      where reserved_tokens > 0 or reserved_cost > 0
    ), accounts as (
      select 'run' as account, used_tokens, used_cost, tokens, cost from claims where run = ${run}
      union all
      select 'unit', used_tokens, used_cost, tokens, cost from claims where unit = ${unit}
      union all
      select 'server', used_tokens, used_cost, tokens, cost from today
      union all
      select 'installation', used_tokens, used_cost, tokens, cost from today
      where installation = (select installation from runs join repositories on repositories.id = runs.repository
                            where runs.id = ${run})
    )
    select account, sum(used_tokens)::float8 as used_tokens, sum(used_cost) as used_cost,
           sum(tokens)::float8 as tokens, sum(cost) as cost,
           extract(epoch from (${TODAY} + 1)::timestamp at time zone 'utc')::float8 * 1000 as midnight
    from accounts group by account`.execute(database);
  const found = new Map(rows.map((row) => [row.account, row]));
  const of = (account: Account) => {
    const { used_tokens = 0, used_cost = 0, tokens = 0, cost = 0 } = found.get(account) ?? {};
    return { used: { tokens: used_tokens, cost: used_cost }, taken: { tokens, cost } };
  };
  return {
    run: of('run'),
    unit: of('unit'),
    installation: of('installation'),
    server: of('server'),
    midnight: rows[0]?.midnight ?? 0,
  };
}

function findReached(accounts: Accounts, limits: SpendingLimits): LimitReached | undefined {
  for (const refused of ACCOUNTS)
    for (const what of ['tokens', 'cost'] as const) {
      const limit = limits[refused][what];
      if (accounts[refused].used[what] >= limit)
        return { kind: 'used-up', refused, what, limit, until: isOfDay(refused) ? accounts.midnight : null };
    }
  return undefined;
}

/** What a run took from its first event to its newest one. */
export interface RunTotals {
  readonly durationMs: number;
  readonly tokens: number;
  /** US dollars, as far as it is known. */
  readonly cost: number;
}

/** The sums of a run over all of its claims. */
export async function readRunTotals(database: Database, run: string): Promise<RunTotals | undefined> {
  const { rows } = await sql<RunTotals>`
    select last_at - events.at as "durationMs",
      coalesce(sum(used_tokens + open_tokens), 0)::float8 as tokens, coalesce(sum(used_cost + open_cost), 0) as cost
    from runs join events on events.run = runs.id and events.seq = 1
      left join spending on spending.run = runs.id
    where runs.id = ${run} group by last_at, events.at`.execute(database);
  return rows[0];
}
