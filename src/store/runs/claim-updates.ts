import { ChooError } from '../../errors.ts';
import type { EventBody } from '../../events/event.ts';
import type { RunTransaction } from './run-transaction.ts';
import { resetsDeaths } from './quarantine.ts';
import { closeSpending, countSpending } from './budgets.ts';

/** What a claim tells of its unit. */
export interface ClaimUpdate {
  readonly unit: string;
  readonly claim: number;
  readonly worker: number;
  /** From 1, one more each time: what is sent again counts once. */
  readonly batch: number;
  readonly events: readonly EventBody[];
  /** The last of this claim: its worker has stopped. */
  readonly ended: boolean;
}

/** Ends of a unit that only its worker may tell. */
const ENDS: ReadonlySet<EventBody['type']> = new Set([
  'unit.satisfied',
  'unit.completed',
  'unit.failed',
  'unit.released',
]);

/** Which of these writes come from a claim that was lost; the others are noted. */
export async function applyUpdates(
  transaction: RunTransaction,
  writes: readonly ClaimUpdate[],
): Promise<ReadonlySet<ClaimUpdate>> {
  const rows = await transaction.rows([...new Set(writes.map(({ unit }) => unit))]);
  const refused = new Set<ClaimUpdate>();
  const ended: ClaimUpdate[] = [];
  const batches = new Map([...rows].map(([id, { batch }]) => [id, batch]));
  for (const write of writes) {
    const row = rows.get(write.unit);
    const batch = batches.get(write.unit) ?? 0;
    // Told again, for the answer was lost.
    if (row !== undefined && row.claim === write.claim && batch >= write.batch) continue;
    const isFree = ended.some(({ unit }) => unit === write.unit);
    if (row === undefined || row.claim !== write.claim || row.worker !== write.worker || isFree) {
      refused.add(write);
      continue;
    }
    batches.set(write.unit, write.batch);
    // What was decided about a unit meanwhile is not for its worker to change; what it used up still counts.
    const isOver = row.state !== 'running';
    for (const event of write.events) if (!isOver || !ENDS.has(event.type)) transaction.append(event);
    transaction.change(write.unit, {
      batch: write.batch,
      ...(write.ended ? { free: true } : {}),
      ...(write.events.some(resetsDeaths) ? { deaths: 0 } : {}),
    });
    await countSpending(transaction.trx, transaction.run.id, write);
    if (!write.ended) continue;
    ended.push(write);
    if (row.job !== null && row.job_try !== null && !isOver)
      transaction.settle({ id: row.job, retryCount: row.job_try });
  }
  await closeSpending(transaction.trx, transaction.run.id, ended);
  return refused;
}

/** What a claim that was lost tells is late: somebody else may be at the unit. */
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
