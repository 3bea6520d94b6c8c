import { LRUCache } from 'lru-cache';
import type { MessageBody } from './event-stream.ts';
import { renderAxis, type RunView, axisOf, renderRows, renderRunSummary } from '../pages/run-page.ts';
import { renderSteps, renderUnitSummary, type UnitView } from '../pages/unit-page.ts';

/** What replaces parts of a page, by their ids, and the states of boxes in the graph. */
interface PageParts {
  readonly parts: Readonly<Record<string, string>>;
  readonly states?: Readonly<Record<string, string>>;
}

/** Messages of the present moment: readers of the same run who are equally far get the same bytes. */
type MessageCache = LRUCache<string, readonly Uint8Array[]>;

/** Makes an empty cache. */
export function openMessageCache(): MessageCache {
  return new LRUCache({ max: 100, maxSize: 8 * 1024 * 1024, sizeCalculation: sizeOf });
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 1);
}

/** A message in the parts between the places where each reader's own token belongs. */
export function splitMessage(json: string, token: string): readonly Uint8Array[] {
  return json.split(token).map((part) => Buffer.from(part));
}

/** The message of one reader. */
export function joinMessage(parts: readonly Uint8Array[], token = ''): MessageBody {
  return parts.flatMap((part, at) => (at === 0 ? part : [token, part]));
}

/**
 * The message that brings the page of a run from an event, and from a length of its axis, to the present. `isBeat`: only bars that
 * go on have grown. Undefined: there is nothing to tell.
 */
export function runMessage(
  view: RunView,
  {
    after,
    axis: before,
    isBeat,
  }: { readonly after: number; readonly axis: number; readonly isBeat: boolean },
): string | undefined {
  const { state, changed } = view.picture;
  const axis = axisOf(view);
  const units = [...state.units.values()].filter(
    (unit) =>
      axis.length !== before ||
      (changed.get(unit.plan.id) ?? 0) > after ||
      (isBeat && unit.state === 'running'),
  );
  if (isBeat && units.length === 0) return undefined;
  const rows = renderRows(view, units);
  const parts = Object.fromEntries([
    ['summary', String(renderRunSummary(view))],
    ...(axis.length === before ? [] : [['axis', String(renderAxis(axis))]]),
    ...units.map((unit, at) => [`unit-${unit.plan.id}`, String(rows[at])]),
  ]);
  const states = Object.fromEntries(units.map((unit) => [unit.plan.id, unit.state]));
  return JSON.stringify({ parts, states } satisfies PageParts);
}

/** The message for the page of a unit, whose reader has these parts. Undefined: they have not changed. */
export function unitMessage(view: UnitView, sent: Map<string, string>): string | undefined {
  const parts = { summary: String(renderUnitSummary(view)), steps: String(renderSteps(view)) };
  const news = Object.entries(parts).filter(([id, text]) => sent.get(id) !== text);
  for (const [id, text] of news) sent.set(id, text);
  return news.length === 0
    ? undefined
    : JSON.stringify({ parts: Object.fromEntries(news) } satisfies PageParts);
}
