import type { RunState } from '../../events/state.ts';
import type { Activity, UnitProgress } from '../../events/unit-progress.ts';
import { formatCost, formatDuration, formatTokens } from '../../text/amounts.ts';
import { columnWidth, type Medium, pad, printable, truncate, wrapList } from '../../text/terminal-layout.ts';
import { totalsOf } from './run-totals.ts';

/** Where and when a run is shown. */
export interface LiveMedium extends Medium {
  /** Lines there is room for; Infinity where all units are to be shown. */
  readonly rows: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * A run at one moment: a line for each unit, or for as many as there is room for, and the totals. No line is wider than the
 * medium. `activities` says what a unit did last, by id.
 */
export function renderLive(
  state: RunState,
  activities: ReadonlyMap<string, string>,
  medium: LiveMedium,
): string[] {
  const footer = renderTotals(state, medium);
  const units = [...state.units.values()];
  const room = Math.max(1, medium.rows - footer.length);
  const shown = units.length <= room ? units : byUrgency(units).slice(0, Math.max(0, room - 1));
  const idWidth = columnWidth(
    shown.map(({ plan }) => printable(plan.id)),
    idLimit(medium.width),
  );
  const lines = shown.map((unit) =>
    renderUnit(unit, { state, activity: activities.get(unit.plan.id) }, idWidth, medium),
  );
  const rest = shown.length < units.length ? [renderRest(units, shown, medium)] : [];
  return [...lines, ...rest, ...footer];
}

interface LineContext {
  readonly state: RunState;
  /** What the unit did last. */
  readonly activity: string | undefined;
}

/** Colour, mark and word of each state, in the order in which they are counted. */
const MARKS = {
  complete: ['green', '✓', 'done'],
  running: ['cyan', '▸', 'running'],
  failed: ['red', '✗', 'failed'],
  blocked: ['yellow', '-', 'blocked'],
  cancelled: ['yellow', '×', 'cancelled'],
  skipped: ['dim', '»', 'skipped'],
  pending: ['dim', ' ', 'waiting'],
} as const;

/** What is seen first when there is not room for all. */
const RANK: readonly UnitProgress['state'][] = [
  'running',
  'failed',
  'pending',
  'blocked',
  'cancelled',
  'skipped',
  'complete',
];

function byUrgency(units: readonly UnitProgress[]): UnitProgress[] {
  return RANK.flatMap((state) => units.filter((unit) => unit.state === state));
}

/** Below this many columns there is room for names and what happens, not for amounts. */
const NARROW = 60;

function idLimit(width: number): number {
  return Math.max(8, Math.min(40, Math.floor(width / 4)));
}

function renderUnit(
  unit: UnitProgress,
  around: LineContext,
  idWidth: number,
  { width, paint, now }: LiveMedium,
): string {
  const [style, mark] = MARKS[unit.state];
  const id = pad(truncate(printable(unit.plan.id), idWidth), idWidth);
  const columns = [progressText(unit).padEnd(11), elapsedText(unit, now).padStart(7)];
  if (width >= NARROW) columns.push(...amounts(unit));
  const room = width - idWidth - 4;
  const cells = truncate(columns.join('  '), room);
  const text = truncate(describe(unit, around), room - cells.length - 2);
  const line = `${paint(style, mark)} ${paint('bold', id)}  ${cells}`;
  return text === '' ? line.trimEnd() : `${line}  ${paint('dim', text)}`;
}

function progressText({ state, verified, startedAt, task, plan }: UnitProgress): string {
  if (state === 'complete') return verified ? 'done' : 'unverified';
  if (state === 'pending') return startedAt === null ? 'waits' : 'given back';
  if (state !== 'running') return state;
  return task === null ? 'running' : `task ${task} of ${plan.tasks.length}`;
}

function elapsedText({ startedAt, endedAt, state }: UnitProgress, now: number): string {
  if (startedAt === null || (endedAt === null && state !== 'running')) return '';
  return formatDuration((endedAt ?? now) - startedAt);
}

function amounts({ spending }: UnitProgress): string[] {
  const none = spending.tokens === 0;
  return [
    (none ? '' : formatTokens(spending.tokens)).padStart(6),
    (none ? '' : formatCost(spending)).padStart(7),
  ];
}

const ACTIVITY: Readonly<Record<Activity, string>> = {
  setup: 'setting up',
  gate: 'gate',
  agent: 'agent',
  waiting: 'waits for the provider',
  baseline: 'baseline checks',
  verify: 'verifying',
  git: 'git',
};

function describe(unit: UnitProgress, { state, activity }: LineContext): string {
  if (unit.state === 'failed') return printable(unit.message ?? '');
  if (unit.state === 'blocked') return unit.cause === null ? '' : `by ${printable(unit.cause)}`;
  if (unit.state === 'pending') {
    const why = waitsFor(unit, state) || printable(unit.releaseReason ?? '');
    return unit.until === null ? why : `not before ${clockTime(unit.until)}`;
  }
  if (unit.state !== 'running' || unit.activity === null) return '';
  const attempt = unit.attempt > 1 ? `attempt ${unit.attempt}, ` : '';
  const until = unit.activity === 'waiting' && unit.until !== null ? ` until ${clockTime(unit.until)}` : '';
  const isSilent = unit.activity === 'waiting' || unit.activity === 'git'; // what was said last is of something else
  const said = !isSilent && activity !== undefined && activity !== '';
  const last = said ? `: ${printable(activity)}` : '';
  return `${attempt}${ACTIVITY[unit.activity]}${until}${last}`;
}

function waitsFor({ plan }: UnitProgress, { units }: RunState): string {
  const open = plan.dependsOn.filter((id) => !['complete', 'skipped'].includes(units.get(id)?.state ?? ''));
  return open.length === 0 ? '' : `after ${open.map(printable).join(', ')}`;
}

/** The time of day, in UTC as all times that choo prints. */
function clockTime(at: number): string {
  return `${new Date(at).toISOString().slice(11, 16)} UTC`;
}

function renderRest(
  units: readonly UnitProgress[],
  shown: readonly UnitProgress[],
  { width, paint }: Medium,
): string {
  const hidden = units.filter((unit) => !shown.includes(unit));
  return paint('dim', truncate(`and ${hidden.length} more: ${countsOf(hidden).join(', ')}`, width));
}

/** `3 done`, `1 running`: the states that there are. */
function countsOf(units: readonly UnitProgress[]): readonly string[] {
  return Object.entries(MARKS).flatMap(([state, [, , word]]) => {
    const number = units.filter((unit) => unit.state === state).length;
    return number === 0 ? [] : [`${number} ${word}`];
  });
}

function renderTotals(state: RunState, { width, paint, now }: LiveMedium): string[] {
  const { spending, criticalTasks } = totalsOf(state);
  const end = state.status === 'running' ? now : state.lastAt;
  const parts = [
    ...countsOf([...state.units.values()]),
    ...(spending.tokens === 0 ? [] : [`${formatTokens(spending.tokens)} tokens`, formatCost(spending)]),
    formatDuration(end - state.startedAt),
    ...(criticalTasks === 0
      ? []
      : [`${criticalTasks} ${criticalTasks === 1 ? 'task' : 'tasks'} on the critical path`]),
  ];
  return wrapList(parts, 0, 0, width)
    .split('\n')
    .map((line) => paint('bold', truncate(line, width)));
}
