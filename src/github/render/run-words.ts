import { needsHuman, type UnitState } from '../../events/run-rules.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { count } from '../../text/terminal-layout.ts';
import { code } from './markdown.ts';
import { words } from './words.ts';

/** The pull request of a unit, as far as there is one. */
interface UnitLink {
  readonly pull: {
    readonly number: number;
    readonly state: 'open' | 'merged' | 'closed' | 'lost';
    /** The commit that took its merge back. */
    readonly revert?: string;
  } | null;
}

/** By unit. */
export type UnitLinks = ReadonlyMap<string, UnitLink>;

export const SIGN: Readonly<Record<UnitState, string>> = {
  pending: '⏳ waiting',
  running: '🔵 running',
  complete: '✅ complete',
  failed: '❌ failed',
  blocked: '🚧 blocked',
  cancelled: '⛔ cancelled',
  skipped: '⏭️ skipped',
};

/** What a reader looks for first. */
export const ORDER: readonly UnitState[] = [
  'failed',
  'blocked',
  'running',
  'cancelled',
  'pending',
  'complete',
  'skipped',
];

const STATUS: Readonly<Record<RunState['status'], readonly [sign: string, words: string]>> = {
  running: ['🔵', 'is under way'],
  interrupted: ['⏸️', 'is interrupted'],
  complete: ['✅', 'is complete'],
  failed: ['❌', 'has failed units'],
  cancelled: ['⛔', 'was cancelled'],
};

/** How a run stands, as the end of a sentence. */
export function statusWords({ status }: Pick<RunState, 'status'>): string {
  return STATUS[status][1];
}

/** How a run stands, in one sentence: `❌ Run x has failed units: 1 of 3 units complete, 1 failed, 1 blocked.` */
export function verdictOf({ start, units, status }: RunState, waits: string | null): string {
  const [sign, how] =
    waits === null ? STATUS[status] : ['⏳', `waits for run ${code(waits)} on the same branch`];
  const numbers = new Map<UnitState, number>();
  for (const { state } of units.values()) numbers.set(state, (numbers.get(state) ?? 0) + 1);
  const rest = (['failed', 'blocked', 'cancelled', 'skipped'] as const).flatMap((state) => {
    const number = numbers.get(state) ?? 0;
    return number === 0 ? [] : [`${number} ${state}`];
  });
  const parts = [`${numbers.get('complete') ?? 0} of ${count(units.size, 'unit')} complete`, ...rest];
  return `${sign} Run ${code(start.run)} ${how}: ${parts.join(', ')}.`;
}

const PULL: Readonly<Record<NonNullable<UnitLink['pull']>['state'], string>> = {
  open: '',
  merged: ' (merged)',
  closed: ' (closed)',
  lost: ' (closed when a branch was deleted)',
};

/** `#4`, and what became of it; empty where there is none. */
export function pullOf(id: string, links: UnitLinks): string {
  const pull = links.get(id)?.pull;
  if (pull == null) return '';
  const { number, state, revert } = pull;
  return `#${number}${revert === undefined ? PULL[state] : ` (reverted by ${code(revert.slice(0, 12))})`}`;
}

/** The failed units: those that wait for a person first, since nothing else will see to them. */
export function failedUnits({ units }: Pick<RunState, 'units'>): readonly UnitProgress[] {
  const failed = [...units.values()].filter(({ state }) => state === 'failed');
  return failed.sort((a, b) => Number(needsHuman(b.failure)) - Number(needsHuman(a.failure)));
}

/** One failed unit: why, and what to do. Its reason holds words of gates and hosts. */
export function failureLine({ plan, failure, message, hint }: UnitProgress, links: UnitLinks): string {
  const pull = pullOf(plan.id, links);
  const who = needsHuman(failure) ? ' **needs human**' : '';
  const todo = hint === null ? '' : ` — ${words(hint, 300)}`;
  return `- ❌ ${code(plan.id)}${pull === '' ? '' : ` (${pull})`}${who}: ${words(message ?? 'it failed', 500)}${todo}`;
}
