import type { UnitProgress } from '../../events/unit-progress.ts';

/** Maximum delay of a timer. Milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Paused providers, and the units that wait for them without taking a slot. */
export class ProviderPauses implements Disposable {
  readonly #onFree: () => void;
  /** By provider. Milliseconds since 1970. */
  readonly #until = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `onFree` is called when the first paused unit may start. */
  constructor(onFree: () => void) {
    this.#onFree = onFree;
  }

  pause(provider: string, until: number): void {
    this.#until.set(provider, Math.max(until, this.#until.get(provider) ?? 0));
  }

  /** The units that must not start yet. */
  pausedUnits(units: Iterable<UnitProgress>): ReadonlySet<string> {
    const now = Date.now();
    const held = new Set<string>();
    let next = Number.POSITIVE_INFINITY;
    for (const { plan, until, state } of units) {
      const free = Math.max(this.#until.get(plan.provider) ?? 0, until ?? 0);
      if (state !== 'pending' || free <= now) continue;
      held.add(plan.id);
      next = Math.min(next, free);
    }
    clearTimeout(this.#timer);
    if (held.size > 0) this.#timer = setTimeout(this.#onFree, Math.min(next - now, MAX_TIMER_MS));
    return held;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
