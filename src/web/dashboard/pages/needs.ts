import { needsHuman } from '../../../events/run-rules.ts';
import type { Failure } from '../../../events/failure.ts';
import type { RunState } from '../../../events/state.ts';
import type { UnitProgress } from '../../../events/unit-progress.ts';

/** Something that goes no further without a person, or that a person may want to know of. */
export interface Need {
  readonly run: string;
  /** Undefined: the whole run. */
  readonly unit?: string;
  readonly kind: 'needs human' | 'failed' | 'conflict' | 'stopped' | 'waiting';
  /** What happened, in choo's words, or in those of a gate or a host. */
  readonly message: string;
  /** What else is known of it: the hint of who said so. */
  readonly hint?: string;
  /** The one thing to do. */
  readonly todo: string;
  /** What does it, by a button or by a command. */
  readonly action?: 'retry' | undefined;
  /** The run is one of this repository, not of a server. */
  readonly isLocal: boolean;
}

const TODO: Readonly<Record<Failure, string>> = {
  attempts: 'Read why its gate is red. Change the spec or the gate, or retry it.',
  environment: 'Repair what the message names on the machine or in the set-up, then retry it.',
  'not-authenticated': 'Give the provider a key that works, then retry it.',
  budget: 'Raise the limit in `.choo.yml` or the ceiling, then retry it.',
  conflict: 'Resolve the conflict of its dependencies, then retry it.',
  'needs-human': 'Look at its branch: decide whether its commits stay, then retry it.',
  'judge-changed': 'Its work passes and changed what judges it: read the change, then merge it or retry it.',
  baseline: 'Read which baseline check is red. Repair it, or retry it.',
  verify: 'Read which gate is red in a clean worktree, then retry it.',
  waiting: 'The provider takes no work: retry it later.',
  internal: 'This is a fault of choo: read the log, report it, and retry it.',
};

/** A run, and whether a process goes on with it. */
export interface KnownRun {
  readonly state: RunState;
  readonly isAlive: boolean;
}

/**
 * What needs a person in these runs, newest first: of a unit only what its newest run says. What only a person can decide comes
 * first, what merely waits comes last.
 */
export function findNeeds(runs: readonly KnownRun[], now: number): readonly Need[] {
  const needs: Need[] = [];
  const seen = new Set<string>();
  for (const { state, isAlive } of runs) {
    const { start, status, target } = state;
    const place = [start.remote ?? '', start.directory, target].join('\0');
    const isOpen = status === 'running' || status === 'interrupted';
    if (isOpen && !isAlive && !seen.has(place)) needs.push(stoppedRun(state));
    seen.add(place);
    for (const { unit, files } of state.unmerged) {
      if (!seen.has(`${place}\0${unit}`)) needs.push(unmergedUnit(state, unit, files));
    }
    for (const [id, unit] of state.units) {
      const key = `${place}\0${id}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const need = needOf(unit, start, now);
      if (need !== undefined) needs.push(need);
    }
  }
  return needs.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

const ORDER: readonly Need['kind'][] = ['needs human', 'conflict', 'failed', 'stopped', 'waiting'];

function stoppedRun({ start, status }: RunState): Need {
  const { run, remote } = start;
  const message =
    status === 'interrupted' ? 'The run was interrupted.' : 'The process that ran it has ended.';
  return {
    run,
    kind: 'stopped',
    message,
    isLocal: remote === null,
    todo: remote === null ? '`choo run` resumes it.' : 'A worker goes on with it: `choo serve`.',
  };
}

function unmergedUnit({ start, units }: RunState, unit: string, files: readonly string[]): Need {
  const branch = units.get(unit)?.branch ?? 'its branch';
  const more = files.length > 5 ? ` and ${files.length - 5} more` : '';
  return {
    run: start.run,
    unit,
    kind: 'conflict',
    isLocal: start.remote === null,
    message: `It is complete, and conflicts with the others in ${files.slice(0, 5).join(', ')}${more}.`,
    todo: `Merge ${branch} by hand, and resolve the conflict.`,
  };
}

function needOf(unit: UnitProgress, start: RunState['start'], now: number): Need | undefined {
  const of = { run: start.run, unit: unit.plan.id, isLocal: start.remote === null };
  if (unit.state === 'failed') {
    const { failure, message, hint } = unit;
    const kind = needsHuman(failure) ? 'needs human' : failure === 'conflict' ? 'conflict' : 'failed';
    const more = hint === null ? {} : { hint };
    const todo = TODO[failure ?? 'internal'];
    return { ...of, ...more, kind, message: message ?? 'It failed.', todo, action: 'retry' };
  }
  const isOpen = unit.state === 'pending' || unit.state === 'running';
  if (!isOpen || unit.until === null || unit.until <= now) return undefined;
  const why = unit.releaseReason === null ? '' : ` (${unit.releaseReason})`;
  return {
    ...of,
    kind: 'waiting',
    message: `It waits until ${new Date(unit.until).toISOString()}${why}.`,
    todo: 'Nothing: it goes on by itself. Cancel or skip it on its page.',
  };
}
