import { ChooError, coerceError } from '../errors.ts';
import type { EventBody } from '../events/event.ts';
import type { UnitState } from '../events/run-rules.ts';
import type { UnitRecord } from '../events/store.ts';
import type { Refusal } from '../worker/agent/budget.ts';
import { endOfRefusal } from '../worker/refusal.ts';
import type { UnitEnd } from '../worker/unit-job.ts';
import { mapTexts } from './event-batches.ts';
import type { Dependency } from './unit-start-input.ts';
import { type UnitRun, startsOver, type UnitServices, workOnUnit } from './unit-run.ts';
import { isSatisfied } from './unit-start.ts';

/** A claimed unit, with its record and branch. */
export interface ClaimedUnit extends Omit<UnitRun, 'dependencies'> {
  readonly record: UnitRecord | undefined;
  /** Its dependencies, with their states and heads. */
  readonly dependsOn: readonly UnitHead[];
}

interface UnitHead {
  readonly id: string;
  readonly state: UnitState | 'waiting' | 'queued';
  readonly head: string | null;
}

export type ClaimServices = Omit<UnitServices, keyof ClaimSink> & {
  /** Finds a budget that is used up before the unit has spent anything; undefined: none is. */
  readonly refusal?: () => Promise<Refusal | undefined>;
};

/** How a claim reports to its engine. */
export interface ClaimSink extends Pick<UnitServices, 'append' | 'recorded'> {
  /** Pauses the unit's provider until a time. Milliseconds since 1970. */
  readonly hold: (until: number) => void | Promise<void>;
}

/**
 * Runs a claimed unit, in every engine:
 *
 * 1. work that was merged, or was verified before and is unchanged, is satisfied; work that a person rejected fails;
 * 2. when the day's budget is used up, the unit waits for the next day;
 * 3. otherwise a worker does it, appending events as it goes.
 *
 * Returns the event that ends the claim, without appending it. Never rejects for failures of the work itself.
 */
export async function runClaim(
  claim: ClaimedUnit,
  services: ClaimServices,
  { append, recorded, hold }: ClaimSink,
): Promise<EventBody> {
  const { unit, progress, branchHead } = claim;
  const dependencies = headsOf(claim.dependsOn);
  const known = findKnownEnd(claim, dependencies);
  if (known !== undefined) return known;

  const refusal = await services.refusal?.();
  // Saves the preparation, too. The budgets of the run and unit are checked when an agent is about to start.
  if (refusal !== undefined && refusal.until !== null)
    return endEvent(unit.id, endOfRefusal(refusal), progress.head);

  let { head } = progress;
  const end = await workOnUnit(
    { ...claim, branchHead, dependencies },
    {
      ...services,
      recorded,
      append: (event) => {
        if (event.type === 'unit.started') head = event.pushed;
        if (event.type === 'branch.pushed') head = event.head;
        append(event);
      },
    },
  );
  await recorded();
  if (end.kind === 'released' && end.until !== null && end.ofBudget !== true) await hold(end.until);
  return mapTexts(endEvent(unit.id, end, head), services.redact);
}

/** The event that ends a claim. `head`: the unit branch's head, if known. */
export function endEvent(unit: string, end: UnitEnd, head: string | null = null): EventBody {
  switch (end.kind) {
    case 'complete':
      return { type: 'unit.completed', unit, head: end.head, verified: end.verified };
    case 'released':
      return { type: 'unit.released', unit, reason: end.reason, until: end.until };
    case 'failed': {
      const { failure, message, hint, files } = end;
      const more = files === undefined ? {} : { files: [...files] };
      return { type: 'unit.failed', unit, failure, message, hint: hint ?? null, head, ...more };
    }
    default:
      return end satisfies never;
  }
}

/** The event for an error before the unit's work; a missing provider on this machine is `environment`. */
export function endOfError(
  unit: string,
  error: unknown,
  { failure, head = null }: { readonly failure: ErrorFailure; readonly head?: string | null },
): EventBody {
  const { message, hint } = coerceError(error);
  return endEvent(unit, { kind: 'failed', failure, message, hint }, head);
}

type ErrorFailure = 'environment' | 'internal' | 'needs-human';

/** How a pool counts the event that ended a claim. Throws for a failed unit, as the pool expects. */
export function countEnd(event: EventBody): 'completed' | 'released' {
  if (event.type === 'unit.failed') throw new ChooError('conflict', event.message);
  return event.type === 'unit.released' ? 'released' : 'completed';
}

/** The end of a unit that needs no work or must not be worked on; undefined for all others. */
function findKnownEnd(
  { unit, start, progress, record, branchHead }: ClaimedUnit,
  dependencies: readonly Dependency[],
): EventBody | undefined {
  const { key } = progress.plan;
  if (startsOver(start, progress) || record?.key !== key) return undefined;
  const satisfied = (head: string | null): EventBody => {
    const doneIn = record.run === start.run ? {} : { doneIn: record.run };
    return { type: 'unit.satisfied', unit: unit.id, head, ...doneIn };
  };
  if (record.outcome === 'merged') return satisfied(null);
  // What the target took back is done again.
  if (record.outcome === 'reverted') return undefined;
  // A person closed its pull request: that is a rejection until the unit is retried.
  if (record.outcome === 'rejected') {
    const message = 'its pull request was closed without being merged';
    const hint = `change its specs, or retry \`${unit.id}\` to propose the same again`;
    return endEvent(unit.id, { kind: 'failed', failure: 'needs-human', message, hint }, branchHead);
  }
  if (branchHead === undefined || !isSatisfied(record, key, branchHead, dependencies)) return undefined;
  return satisfied(branchHead);
}

/** A dependency that was skipped, or is in the target already, has no head. */
function headsOf(units: readonly UnitHead[]): readonly Dependency[] {
  return units.flatMap(({ id, state, head }) =>
    state === 'complete' && head !== null ? [{ id, head }] : [],
  );
}
