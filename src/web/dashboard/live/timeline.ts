import type { Activity, UnitProgress } from '../../../events/unit-progress.ts';

/** What a unit did in a span of time: its agent worked, a command of choo's judged or prepared it, or it waited for a provider. */
export type SpanKind = 'agent' | 'gate' | 'set-up' | 'waiting';

/** A span of time; `to` null: it goes on. Milliseconds since 1970. */
export interface Span {
  readonly kind: SpanKind;
  readonly from: number;
  readonly to: number | null;
}

const KINDS: Readonly<Record<Activity, SpanKind>> = {
  agent: 'agent',
  gate: 'gate',
  baseline: 'gate',
  verify: 'gate',
  setup: 'set-up',
  git: 'set-up',
  waiting: 'waiting',
};

/** Spans that are kept of a unit; then neighbours are merged, the oldest first. */
const MAX_SPANS = 40;

/** The spans of a unit after an event at a time, which left it so. Bounded. */
export function advanceSpans(
  spans: readonly Span[],
  { state, activity }: UnitProgress,
  at: number,
): readonly Span[] {
  const kind = state === 'running' ? KINDS[activity ?? 'git'] : undefined;
  const last = spans.at(-1);
  if ((last?.to === null ? last.kind : undefined) === kind) return spans;
  const ended = last?.to === null ? [...spans.slice(0, -1), { ...last, to: at }] : [...spans];
  const next = kind === undefined ? ended : [...ended, { kind, from: at, to: null }];
  return next.length > MAX_SPANS ? mergeFirst(next) : next;
}

/** Merges each two of the older half into one of the longer kind. */
function mergeFirst(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  const half = MAX_SPANS / 2;
  for (let at = 0; at < half; at += 2) {
    const [one, other] = [spans[at], spans[at + 1]];
    if (one === undefined || other === undefined) continue;
    const { kind } = lengthOf(one) >= lengthOf(other) ? one : other;
    merged.push({ kind, from: one.from, to: other.to });
  }
  return [...merged, ...spans.slice(half)];
}

function lengthOf({ from, to }: Span): number {
  return (to ?? from) - from;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Lengths of a time axis. Milliseconds. */
const AXES = [
  10 * SECOND,
  30 * SECOND,
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 4, 8, 12, 24, 48, 96, 192, 384].map((hours) => hours * HOUR),
];

/** The length of an axis that has room for a run of this length, and changes seldom as the run goes on. Milliseconds. */
export function axisLength(elapsedMs: number): number {
  return AXES.find((length) => length >= elapsedMs) ?? elapsedMs;
}
