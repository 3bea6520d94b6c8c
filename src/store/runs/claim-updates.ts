import { ChooError } from '../../errors.ts';
import type { EventBody } from '../../events/event.ts';
import { unitsWithRecords } from './event-rows.ts';
import type { RunTransaction, Wanted } from './run-transaction.ts';
import { resetsDeaths } from './quarantine.ts';
import { countSpending } from './budgets.ts';

/** One batch of events that a claim writes. */
export interface ClaimUpdate {
  readonly unit: string;
  readonly claim: number;
  readonly worker: number;
  /** From 1, increasing by 1, so that a batch that is sent again counts once. */
  readonly batch: number;
  readonly events: readonly EventBody[];
  /** The last batch of this claim: its worker has stopped. */
  readonly ended: boolean;
}

/** Events that end a unit, and that only its worker may write. */
const ENDS: ReadonlySet<EventBody['type']> = new Set([
  'unit.satisfied',
  'unit.completed',
  'unit.failed',
  'unit.released',
]);

/** What updates of claims need of the database. */
export function wantedFor(writes: readonly ClaimUpdate[]): Wanted {
  const units = [...new Set(writes.map(({ unit }) => unit))];
  return { units, records: unitsWithRecords(writes.flatMap(({ events }) => events)) };
}

/** Applies the updates of claims, and returns those that it refused because their claim was lost. */
export async function applyUpdates(
  transaction: RunTransaction,
  writes: readonly ClaimUpdate[],
): Promise<ReadonlySet<ClaimUpdate>> {
  const rows = await transaction.rows([...new Set(writes.map(({ unit }) => unit))]);
  const refused = new Set<ClaimUpdate>();
  const ended = new Set<string>();
  const batches = new Map([...rows].map(([id, { batch }]) => [id, batch]));
  for (const write of writes) {
    const row = rows.get(write.unit);
    const batch = batches.get(write.unit) ?? 0;
    // Sent again, because the answer was lost.
    if (row !== undefined && row.claim === write.claim && batch >= write.batch) continue;
    const isFree = ended.has(write.unit);
    if (row === undefined || row.claim !== write.claim || row.worker !== write.worker || isFree) {
      refused.add(write);
      continue;
    }
    batches.set(write.unit, write.batch);
    // The worker must not change a state that was decided meanwhile; its usage still counts.
    const isOver = row.state !== 'running';
    for (const event of write.events) if (!isOver || !ENDS.has(event.type)) transaction.append(event);
    transaction.change(write.unit, {
      batch: write.batch,
      ...(write.ended ? { free: true } : {}),
      ...(write.events.some(resetsDeaths) ? { deaths: 0 } : {}),
    });
    await countSpending(transaction.trx, transaction.run.id, write);
    if (!write.ended) continue;
    ended.add(write.unit);
    transaction.closeSpending(write);
  }
  return refused;
}

/** Refuses a write of a lost claim: another worker may have the unit. */
class LostClaim extends ChooError {
  constructor(run: string, { unit, claim }: ClaimUpdate) {
    super('conflict', `claim ${claim} of unit \`${unit}\` in run ${run} was lost`);
  }
}

export function lostClaim(run: string, write: ClaimUpdate): Error {
  return new LostClaim(run, write);
}

export function isLostClaim(error: unknown): boolean {
  return error instanceof LostClaim;
}
