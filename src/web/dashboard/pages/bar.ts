import { formatDuration } from '../../../text/amounts.ts';
import type { Span, SpanKind } from '../live/timeline.ts';
import { html, type Markup } from '../markup.ts';

/** The time axis that the bars of a run share. Milliseconds, and milliseconds since 1970. */
export interface Axis {
  readonly from: number;
  readonly length: number;
  /** Where bars end that go on. */
  readonly now: number;
  /** How many steps it has: what is shorter than one is drawn with its neighbours. */
  readonly steps: number;
}

const KINDS: readonly SpanKind[] = ['agent', 'gate', 'set-up', 'waiting'];
const WORDS: Readonly<Record<SpanKind, string>> = {
  agent: 'agent',
  gate: 'gates',
  'set-up': 'set-up',
  waiting: 'waiting for the provider',
};

/** The bar of a unit on the axis: one path for each kind, and the sums in words. */
export function renderBar(spans: readonly Span[], { from, length, now, steps }: Axis): Markup {
  const paths = new Map<SpanKind, string>();
  const sums = new Map<SpanKind, number>();
  let end = 0;
  for (const { kind, ...span } of spans) {
    const to = span.to ?? Math.max(now, span.from);
    sums.set(kind, (sums.get(kind) ?? 0) + to - span.from);
    const x = Math.max(end, Math.floor(((span.from - from) / length) * steps));
    const width = Math.max(1, Math.min(steps, Math.round(((to - from) / length) * steps)) - x);
    if (x < end || x >= steps) continue;
    end = x + width;
    paths.set(kind, `${paths.get(kind) ?? ''}M${x} 0h${width}v10h-${width}z`);
  }
  const words = KINDS.flatMap((kind) => {
    const sum = sums.get(kind);
    return sum === undefined ? [] : [`${WORDS[kind]} ${formatDuration(sum)}`];
  }).join(', ');
  if (paths.size === 0) return html``;
  return html`<svg
    class="bar"
    viewBox="0 0 ${steps} 10"
    preserveAspectRatio="none"
    role="img"
    aria-label="${words}"
  >
    <title>${words}</title>
    ${[...paths].map(([kind, path]) => html`<path class="b-${kind}" d="${path}" />`)}
  </svg>`;
}
