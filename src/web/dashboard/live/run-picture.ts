import type { RunEvent } from '../../../events/event.ts';
import { ENDED } from '../../../events/run-rules.ts';
import { advance, type RunState } from '../../../events/state.ts';
import { Graph } from '../../../scheduler/graph.ts';
import { advanceSpans, type Span } from './timeline.ts';

/** Everything a page shows of a run, folded from its events. */
export interface RunPicture {
  readonly state: RunState;
  /** The units' spans of time, by unit. */
  readonly spans: ReadonlyMap<string, readonly Span[]>;
  /** The number of the last event that changed a unit, by unit. */
  readonly changed: ReadonlyMap<string, number>;
}

/** Folds the events of one run, which may come in parts. The cost of an event does not depend on the size of the run. */
export class PictureMaker {
  #state: RunState | undefined;
  readonly #spans = new Map<string, readonly Span[]>();
  readonly #changed = new Map<string, number>();

  get seq(): number {
    return this.#state?.seq ?? 0;
  }

  /** Undefined before the first event of a run. The maps change with the next call of `take`. */
  get picture(): RunPicture | undefined {
    return this.#state && { state: this.#state, spans: this.#spans, changed: this.#changed };
  }

  take(events: readonly RunEvent[]): void {
    for (const event of events) {
      if (event.seq <= this.seq) continue;
      this.#state = advance(this.#state, event);
      if (this.#state === undefined) return;
      if ('unit' in event) this.#takeUnit(this.#state, event.unit, event);
      // A run that stops, or starts again, changes what its units do.
      else for (const unit of this.#state.units.keys()) this.#takeUnit(this.#state, unit, event);
    }
  }

  #takeUnit({ units, status }: RunState, id: string, { seq, at }: RunEvent): void {
    const unit = units.get(id);
    if (unit === undefined) return;
    this.#changed.set(id, seq);
    const shown = status === 'running' ? unit : { ...unit, state: 'pending' as const };
    this.#spans.set(id, advanceSpans(this.#spans.get(id) ?? [], shown, at));
  }
}

/** The heaviest chain of dependencies: by the time that units took once the run has ended, by their tasks before. */
export function criticalPathOf({ start, units, status }: RunState): ReadonlySet<string> {
  const weigh = (id: string, tasks: number): number => {
    const unit = units.get(id);
    if (!ENDED.has(status)) return Math.max(1, tasks);
    return (unit?.endedAt ?? 0) - (unit?.startedAt ?? unit?.endedAt ?? 0);
  };
  const nodes = start.units.map(({ id, dependsOn, tasks }) => ({
    id,
    dependsOn,
    weight: Math.max(0, weigh(id, tasks.length)),
  }));
  return new Set(new Graph(nodes).criticalPath().ids);
}
