import { describe, expect, test } from 'vitest';
import type { UnitProgress } from '../../../../src/events/unit-progress.ts';
import { newUnit } from '../../../../src/events/unit-progress.ts';
import { advanceSpans, axisLength, type Span } from '../../../../src/web/dashboard/live/timeline.ts';
import { renderBar } from '../../../../src/web/dashboard/pages/bar.ts';
import { plannedUnit } from '../../../helpers/run-events.ts';

const idle = newUnit(plannedUnit('api'));
const busy = (activity: UnitProgress['activity']): UnitProgress => ({ ...idle, state: 'running', activity });

function fold(steps: readonly (readonly [at: number, unit: UnitProgress])[]): readonly Span[] {
  let spans: readonly Span[] = [];
  for (const [at, unit] of steps) spans = advanceSpans(spans, unit, at);
  return spans;
}

describe('the spans of a unit', () => {
  test('tell work, gates, set-up and waiting apart, and nothing while it is queued', () => {
    const spans = fold([
      [10, busy('git')],
      [20, busy('setup')],
      [30, busy('agent')],
      [40, busy('agent')],
      [50, busy('waiting')],
      [60, idle],
      [90, busy('gate')],
    ]);
    expect(spans).toEqual([
      { kind: 'set-up', from: 10, to: 30 },
      { kind: 'agent', from: 30, to: 50 },
      { kind: 'waiting', from: 50, to: 60 },
      { kind: 'gate', from: 90, to: null },
    ]);
  });

  test('are bounded, and keep the ends of what they merge', () => {
    const spans = fold(
      Array.from({ length: 10_000 }, (_, at) => [at, busy(at % 2 === 0 ? 'agent' : 'gate')] as const),
    );
    expect(spans.length).toBeLessThanOrEqual(41);
    expect([spans[0]?.from, spans.at(-1)?.from]).toEqual([0, 9_999]);
    expect(spans.slice(1).map(({ from }) => from)).toEqual(spans.slice(0, -1).map(({ to }) => to));
  });
});

describe('the axis of a run', () => {
  test.each([
    [0, 10_000],
    [10_001, 30_000],
    [61_000, 120_000],
    [3_600_001, 7_200_000],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('has room for %d ms', (elapsed, length) => {
    expect(axisLength(elapsed)).toBe(length);
  });
});

describe('a bar', () => {
  const axis = { from: 0, length: 100, now: 100, steps: 100 };

  test('has a path for each kind, and grows to the present', () => {
    const spans: Span[] = [
      { kind: 'agent', from: 10, to: 30 },
      { kind: 'gate', from: 30, to: 40 },
      { kind: 'agent', from: 40, to: null },
    ];
    const bar = String(renderBar(spans, axis));
    expect(bar).toMatch(/class="b-agent"\s+d="M10 0h20v10h-20zM40 0h60v10h-60z"/);
    expect(bar).toMatch(/class="b-gate"\s+d="M30 0h10v10h-10z"/);
  });

  test('has no more steps than its axis, however short the spans are', () => {
    const spans = Array.from({ length: 40 }, (_, at): Span => ({ kind: 'agent', from: at, to: at + 1 }));
    const bar = String(renderBar(spans, { ...axis, length: 400, steps: 10 }));
    expect(bar.match(/M\d+ 0h/g)?.length).toBeLessThanOrEqual(10);
  });
});
