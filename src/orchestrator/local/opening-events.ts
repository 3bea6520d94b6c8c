import type { EventBody, Failure } from '../../events/event.ts';
import { endEvent } from '../run-claim.ts';
import type { RunInput } from '../run-input.ts';

/** Failures that lie in the work itself: going on with the same run cannot change them. */
const PERMANENT_FAILURES: ReadonlySet<Failure> = new Set(['attempts', 'baseline', 'verify']);

/**
 * What a process says first of the run that it carries out: that the run begins, or goes on. Then units that a dead process
 * left running are taken back, and those that failed for what may be otherwise now get another turn; but a run that had
 * ended goes on with what was asked for, and nothing else. Pure.
 */
export function openingEvents({
  start,
  before,
  change,
}: Pick<RunInput, 'start' | 'before' | 'change'>): readonly EventBody[] {
  if (before === undefined)
    return [start, ...start.units.map(({ id }): EventBody => ({ type: 'unit.queued', unit: id }))];
  const { run, sandbox, parallelism, limits } = start;
  const events: EventBody[] = [{ type: 'orch.resumed', run, sandbox, parallelism, limits }];
  for (const [unit, { state, failure }] of change?.reopens === true ? [] : before.units) {
    if (state === 'running')
      events.push(endEvent(unit, { kind: 'released', reason: 'its process ended', until: null }));
    else if (state === 'blocked' || (failure !== null && !PERMANENT_FAILURES.has(failure)))
      events.push({ type: 'unit.queued', unit });
  }
  return [...events, ...(change?.events ?? [])];
}
