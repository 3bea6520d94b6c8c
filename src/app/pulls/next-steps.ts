import { LRUCache } from 'lru-cache';
import type { UnitUpdate } from '../../events/unit-update.ts';
import type { UnitRecord } from '../../events/store.ts';
import { submitUpdate } from '../../orchestrator/server/submit-update.ts';
import type { HandlerServices } from '../repository/open-repository.ts';
import type { MadeAgain } from './derive.ts';
import type { StackPosition } from './stack.ts';

/** Heads of other people that are verified for one unit within an hour. */
const MAX_OTHERS = 10;
const HOUR_MS = 3_600_000;
/** When a step is taken. `busy`: after what works on the unit has ended, which has its run published again. */
export type Taken = { readonly kind: 'taken' | 'busy' } | { readonly kind: 'later'; readonly until: Date };

const TAKEN: Taken = { kind: 'taken' };

/** A unit of a target. */
interface UnitAddress {
  readonly repository: string;
  readonly target: string;
  readonly unit: string;
}

/** Starts the updates that make pull requests true. */
export class NextSteps {
  readonly #services: Pick<HandlerServices, 'database' | 'runStore' | 'policy'>;
  /** When each head was first seen, by unit and head. Milliseconds since 1970. */
  readonly #seen = new LRUCache<string, number>({ max: 10_000 });
  /** When heads of others were verified, by unit. */
  readonly #verified = new LRUCache<string, readonly number[]>({ max: 10_000 });

  constructor(services: Pick<HandlerServices, 'database' | 'runStore' | 'policy'>) {
    this.#services = services;
  }

  /** Takes the next step of a unit, now if it may be taken. */
  async take(
    at: UnitAddress,
    { run }: Pick<UnitRecord, 'run'>,
    {
      next,
      since,
      builtOn,
      way,
      lost,
      also,
    }: Pick<StackPosition, 'next' | 'since' | 'builtOn' | 'way' | 'lost' | 'also'>,
  ): Promise<Taken> {
    if (next.kind === 'none') return TAKEN;
    const later = next.kind === 'verify' ? this.#isEarly(at, next.head) : undefined;
    if (later !== undefined) return { kind: 'later', until: later };
    const onto =
      next.kind === 'bring-up'
        ? { commit: next.place, since, builtOn, way }
        : next.kind === 'resolve'
          ? { commit: next.place, since, builtOn }
          : next.madeAgain === undefined
            ? null
            : found(next.madeAgain, builtOn);
    const work = next.kind === 'resolve' ? ({ kind: 'resolve' } as const) : null;
    const request = {
      ...at,
      run,
      head: next.head,
      onto,
      work,
      lost,
      also: also.length === 0 ? undefined : [...also],
    };
    const submitted = await submitUpdate(request, this.#services);
    return submitted.kind === 'busy' ? { kind: 'busy' } : TAKEN;
  }

  /** A branch must be quiet for a while before choo verifies what others pushed, and not too often. */
  #isEarly({ repository, target, unit }: UnitAddress, head: string): Date | undefined {
    const now = Date.now();
    const place = `${repository} ${target} ${unit}`;
    const first = this.#seen.get(`${place} ${head}`) ?? now;
    this.#seen.set(`${place} ${head}`, first);
    const quiet = first + this.#services.policy.settleMs;
    if (now < quiet) return new Date(quiet);
    const recent = (this.#verified.get(place) ?? []).filter((time) => time > now - HOUR_MS);
    const [oldest = now] = recent;
    if (recent.length >= MAX_OTHERS) return new Date(oldest + HOUR_MS);
    this.#verified.set(place, [...recent, now]);
    return undefined;
  }
}

function found(
  { place, since, replaces, way }: MadeAgain,
  builtOn: Readonly<Record<string, string>>,
): NonNullable<UnitUpdate['onto']> {
  return { commit: place, since, builtOn, way, replaces };
}
