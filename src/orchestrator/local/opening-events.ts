import type { EventBody } from '../../events/event.ts';
import type { Failure } from '../../events/failure.ts';
import { endEvent } from '../run-claim.ts';
import type { RunInput } from '../run-input.ts';

/** Failures of the work itself, which resuming the run cannot change. */
const PERMANENT_FAILURES: ReadonlySet<Failure> = new Set(['attempts', 'baseline', 'verify', 'judge-changed']);

/**
 * The first events of a process: the run starts or is resumed. On resume, units left running by a dead process are released,
 * and those with failures that may be gone now are queued again; an ended run that a request reopens continues with exactly
 * the requested units. Pure.
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
