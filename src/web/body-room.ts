const MIB = 1024 * 1024;
/** What all bodies may hold in memory together, from their first byte until they are answered. Bytes. */
const ROOM_BYTES = 64 * MIB;
/** The largest body: GitHub sends nothing larger. One has its turn at a time. Bytes. */
export const MAX_BODY_BYTES = 25 * MIB;
/** What those that are not large share. Bytes. */
const SMALL_BYTES = ROOM_BYTES - MAX_BODY_BYTES;
/** A body larger than this needs the turn. Nearly all deliveries are far smaller. Bytes. */
export const LARGE_BYTES = MIB;
/** How many may wait for that turn. What has come of each already, about 100 KiB, is held beside the room. */
const MAX_WAITING = 64;
/** How long a body that has the turn may take to come: 5 MiB a second. Milliseconds. */
const TURN_MS = 5_000;

/** A body on its way in. */
interface Guest {
  /** It comes from where valid deliveries came from. */
  readonly isKnown: boolean;
  /** Called once, when it has to go: what it holds is to be forgotten. */
  readonly onEvicted: () => void;
}

interface Place extends Guest {
  bytes: number;
  /** Its signature holds: it stays until it is answered. */
  isValid: boolean;
}

/** A body's place in the room. */
export interface BodyPlace extends Disposable {
  /** Counts bytes that have come. Others may have to go for it; or itself. */
  readonly hold: (bytes: number) => void;
  /** Waits for the turn of large bodies; resolves with false when it does not come. */
  readonly takeLargeTurn: () => Promise<boolean>;
  /** Its signature holds: it is not made to go any more. */
  readonly keep: () => void;
}

/**
 * The memory for bodies in flight, which anybody may send before their signature is known: it can be no larger than this.
 * Where room is missing, the largest small body of a stranger goes: one of up to 19 KiB always has room beside 2,047 others.
 * A large body has its turn alone, in the order of their coming, known senders first. A stranger who has the turn loses it to
 * a known sender at once, and to anybody after five seconds.
 */
export class BodyRoom {
  readonly #small = new Set<Place>();
  #smallBytes = 0;
  #large: { readonly place: Place; readonly timer: NodeJS.Timeout } | undefined;
  readonly #waiting = new Map<Place, (granted: boolean) => void>();

  /** Disposing of the place gives back what it holds. */
  enter(guest: Guest): BodyPlace {
    const place: Place = { ...guest, bytes: 0, isValid: false };
    this.#small.add(place);
    return {
      hold: (bytes) => this.#hold(place, bytes),
      takeLargeTurn: async () => this.#takeLargeTurn(place),
      keep: () => {
        place.isValid = true;
        if (this.#large?.place === place) clearTimeout(this.#large.timer);
      },
      [Symbol.dispose]: () => this.#leave(place),
    };
  }

  #hold(place: Place, bytes: number): void {
    if (!this.#small.has(place)) return; // it has the turn of large ones, or had to go
    place.bytes += bytes;
    this.#smallBytes += bytes;
    while (this.#smallBytes > SMALL_BYTES) {
      const largest = [...this.#small].filter(({ isValid }) => !isValid).reduce(goesFirst, place);
      this.#evict(largest);
      if (largest === place) return;
    }
  }

  async #takeLargeTurn(place: Place): Promise<boolean> {
    const granted = Promise.withResolvers<boolean>();
    this.#waiting.set(place, granted.resolve);
    const holder = this.#large?.place;
    if (holder !== undefined && !holder.isValid && !holder.isKnown && place.isKnown) this.#evict(holder);
    else this.#next();
    if (this.#waiting.size > MAX_WAITING) this.#evict([...this.#waiting.keys()].find(isStranger) ?? place);
    return granted.promise;
  }

  #next(): void {
    if (this.#large !== undefined) return;
    const waiting = [...this.#waiting];
    const [place, grant] = waiting.find(([{ isKnown }]) => isKnown) ?? waiting[0] ?? [];
    if (place === undefined || grant === undefined) return;
    this.#waiting.delete(place);
    this.#leave(place);
    this.#large = { place, timer: setTimeout(() => this.#evict(place), TURN_MS) };
    grant(true);
  }

  #evict(place: Place): void {
    this.#leave(place);
    place.onEvicted();
  }

  #leave(place: Place): void {
    if (this.#small.delete(place)) this.#smallBytes -= place.bytes;
    this.#waiting.get(place)?.(false);
    this.#waiting.delete(place);
    if (this.#large?.place !== place) return;
    clearTimeout(this.#large.timer);
    this.#large = undefined;
    this.#next();
  }
}

/** Which of two goes when one has to: a stranger, then the larger. */
function goesFirst(one: Place, other: Place): Place {
  if (one.isKnown !== other.isKnown) return one.isKnown ? other : one;
  return other.bytes > one.bytes ? other : one;
}

function isStranger({ isKnown }: Place): boolean {
  return !isKnown;
}
