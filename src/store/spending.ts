import { sql } from 'kysely';
import type { EventBody } from '../events/event.ts';
import { type Database, patiently, type Trx } from './database.ts';

/** Tokens and US dollars. */
export interface Amount {
  readonly tokens: number;
  readonly cost: number;
}

/** A claim that spends. */
export interface Spender {
  readonly run: string;
  readonly unit: string;
  readonly claim: number;
}

export interface SpendingLimits {
  readonly unit: Amount;
  readonly run: Amount;
}

/** What came of asking for more: something was set aside, a limit is used up, or all that is left is held by others. */
export type SetAside =
  | { readonly kind: 'held'; readonly amount: Amount }
  | {
      readonly kind: 'used-up';
      readonly refused: 'unit' | 'run';
      readonly what: 'tokens' | 'cost';
      readonly limit: number;
    }
  | { readonly kind: 'wait' };

/** What a claim spent, as its events tell it: in the transaction that writes them, so that no crash forgets it. */
export async function countSpending(
  trx: Trx,
  run: string,
  {
    unit,
    claim,
    events,
  }: { readonly unit: string; readonly claim: number; readonly events: readonly EventBody[] },
): Promise<void> {
  const told = events.filter(
    (event) => event.type === 'task.provider.usage' || event.type === 'task.provider.done',
  );
  const last = told.at(-1);
  if (last === undefined) return;
  const used = sum(told.filter(({ type }) => type === 'task.provider.done'));
  const isOver = last.type === 'task.provider.done';
  const open = sum(isOver ? [] : [last]);
  await sql`
    insert into spending (run, unit, claim, used_tokens, used_cost, open_tokens, open_cost)
    values (${run}, ${unit}, ${claim}, ${used.tokens}, ${used.cost}, ${open.tokens}, ${open.cost})
    on conflict (run, unit, claim) do update set
      used_tokens = spending.used_tokens + excluded.used_tokens,
      used_cost = spending.used_cost + excluded.used_cost,
      open_tokens = excluded.open_tokens, open_cost = excluded.open_cost,
      reserved_tokens = case when ${isOver} then 0 else spending.reserved_tokens end,
      reserved_cost = case when ${isOver} then 0 else spending.reserved_cost end`.execute(trx);
}

/** What nobody knows the price of counts as nothing: there tokens bind. */
function sum(told: readonly { readonly tokens: number; readonly cost: number | null }[]): Amount {
  return {
    tokens: told.reduce((total, { tokens }) => total + tokens, 0),
    cost: told.reduce((total, { cost }) => total + (cost ?? 0), 0),
  };
}

/** Claims have ended: what they used is used, what was set aside for them and not used is there for others again. */
export async function closeSpending(
  trx: Trx,
  run: string,
  claims: readonly { readonly unit: string; readonly claim: number }[],
): Promise<void> {
  if (claims.length === 0) return;
  await sql`
    update spending set used_tokens = used_tokens + open_tokens, used_cost = used_cost + open_cost,
                        open_tokens = 0, open_cost = 0, reserved_tokens = 0, reserved_cost = 0
    from unnest(${claims.map(({ unit }) => unit)}::text[], ${claims.map(({ claim }) => claim)}::int[])
      as ended (unit, claim)
    where spending.run = ${run} and spending.unit = ended.unit and spending.claim = ended.claim`.execute(trx);
}

/**
 * Sets `part` of each limit aside for a claim, or what is left of it where that is less; `wanted` says of what. Of all claims of
 * the run together, what is used and what is set aside never exceeds a limit.
 */
export async function setAside(
  database: Database,
  { run, unit, claim }: Spender,
  limits: SpendingLimits,
  part: number,
  wanted: { readonly tokens: boolean; readonly cost: boolean } = { tokens: true, cost: true },
): Promise<SetAside> {
  return patiently(() =>
    database.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(hashtext(${`choo budget ${run}`}))`.execute(trx);
      const { rows } = await sql<
        Record<'tokens' | 'cost' | 'used_tokens' | 'used_cost', number> & { own: boolean }
      >`
      select own,
             sum(used_tokens + greatest(open_tokens, reserved_tokens))::float8 as tokens,
             sum(used_cost + greatest(open_cost, reserved_cost)) as cost,
             sum(used_tokens + open_tokens)::float8 as used_tokens, sum(used_cost + open_cost) as used_cost
      from (select *, unit = ${unit} as own from spending where run = ${run}) as claims group by own`.execute(
        trx,
      );
      const total = (name: 'tokens' | 'cost' | 'used_tokens' | 'used_cost', own: boolean): number =>
        rows.filter((row) => !own || row.own).reduce((all, row) => all + row[name], 0);
      for (const refused of ['run', 'unit'] as const) {
        const own = refused === 'unit';
        for (const what of ['tokens', 'cost'] as const) {
          const limit = limits[refused][what];
          if (total(`used_${what}`, own) >= limit) return { kind: 'used-up', refused, what, limit };
        }
      }
      const slice = (what: 'tokens' | 'cost'): number =>
        Math.min(
          ...(['run', 'unit'] as const).map((of) =>
            Math.min(limits[of][what] * part, limits[of][what] - total(what, of === 'unit')),
          ),
        );
      const amount = {
        tokens: wanted.tokens ? Math.ceil(slice('tokens')) : 0,
        cost: wanted.cost && Number.isFinite(slice('cost')) ? slice('cost') : 0,
      };
      const isCostBound = Number.isFinite(Math.min(limits.run.cost, limits.unit.cost));
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
