const MIB = 1024 * 1024;
/** Memory for all request bodies together, from their first byte until the response. Bytes. */
const ROOM_BYTES = 64 * MIB;
/** The largest body; GitHub sends nothing larger. Large bodies are read one at a time. Bytes. */
export const MAX_BODY_BYTES = 25 * MIB;
/** Memory shared by all bodies that are not large. Bytes. */
const SMALL_BYTES = ROOM_BYTES - MAX_BODY_BYTES;
/** A body larger than this needs the slot for large bodies. Nearly all deliveries are far smaller. Bytes. */
export const LARGE_BYTES = MIB;
/** Bodies that may wait for that slot. About 100 KiB of each is already in memory, not counted above. */
const MAX_WAITING = 64;
/** Time limit for a large body to arrive: 5 MiB a second. Milliseconds. */
const LARGE_BODY_MS = 5_000;

/** A body that is arriving. */
interface IncomingBody {
  /** Whether its network has sent a valid delivery before. */
  readonly isKnown: boolean;
  /** Called once when it is evicted: its memory must be freed. */
  readonly onEvicted: () => void;
}

interface HeldBody extends IncomingBody {
  bytes: number;
  /** Its signature is valid: it is not evicted any more. */
  isValid: boolean;
}

/** The memory reserved for one body. */
export interface BodyReservation extends Disposable {
  /** Counts arrived bytes. May evict other bodies, or this one. */
  readonly hold: (bytes: number) => void;
  /** Waits for the slot for large bodies. False when it does not get it. */
  readonly waitForLargeSlot: () => Promise<boolean>;
  /** Marks its signature as valid: it is not evicted any more. */
  readonly keep: () => void;
}

/**
 * Bounds the memory for bodies that are arriving, which any client may send before its signature is checked. When memory
 * is short, the largest small body of an unknown sender is evicted: a body of up to 19 KiB always fits beside 2,047 others.
 * Large bodies are read one at a time, in order of arrival, known senders first. An unknown sender loses the slot to a
 * known one at once, and to any after five seconds.
 */
export class BodyMemory {
  readonly #small = new Set<HeldBody>();
  #smallBytes = 0;
  #large: { readonly place: HeldBody; readonly timer: NodeJS.Timeout } | undefined;
  readonly #waiting = new Map<HeldBody, (granted: boolean) => void>();

  /** Reserves memory for one body; disposing of the result frees it. */
  enter(guest: IncomingBody): BodyReservation {
    const place: HeldBody = { ...guest, bytes: 0, isValid: false };
    this.#small.add(place);
    return {
      hold: (bytes) => this.#hold(place, bytes),
      waitForLargeSlot: async () => this.#waitForLargeSlot(place),
      keep: () => {
        place.isValid = true;
        if (this.#large?.place === place) clearTimeout(this.#large.timer);
      },
      [Symbol.dispose]: () => this.#leave(place),
    };
  }

  #hold(place: HeldBody, bytes: number): void {
    if (!this.#small.has(place)) return; // it has the slot for large bodies, or was evicted
    place.bytes += bytes;
    this.#smallBytes += bytes;
    while (this.#smallBytes > SMALL_BYTES) {
      const largest = [...this.#small].filter(({ isValid }) => !isValid).reduce(goesFirst, place);
      this.#evict(largest);
      if (largest === place) return;
    }
  }

  async #waitForLargeSlot(place: HeldBody): Promise<boolean> {
    const granted = Promise.withResolvers<boolean>();
    this.#waiting.set(place, granted.resolve);
    const holder = this.#large?.place;
    if (holder !== undefined && !holder.isValid && !holder.isKnown && place.isKnown) this.#evict(holder);
    else this.#next();
    if (this.#waiting.size > MAX_WAITING)
      this.#evict([...this.#waiting.keys()].find(isUnknownSender) ?? place);
    return granted.promise;
  }

  #next(): void {
    if (this.#large !== undefined) return;
    const waiting = [...this.#waiting];
    const [place, grant] = waiting.find(([{ isKnown }]) => isKnown) ?? waiting[0] ?? [];
    if (place === undefined || grant === undefined) return;
    this.#waiting.delete(place);
    this.#leave(place);
    this.#large = { place, timer: setTimeout(() => this.#evict(place), LARGE_BODY_MS) };
    grant(true);
  }

  #evict(place: HeldBody): void {
    this.#leave(place);
    place.onEvicted();
  }

  #leave(place: HeldBody): void {
    if (this.#small.delete(place)) this.#smallBytes -= place.bytes;
    this.#waiting.get(place)?.(false);
    this.#waiting.delete(place);
    if (this.#large?.place !== place) return;
    clearTimeout(this.#large.timer);
    this.#large = undefined;
    this.#next();
  }
}

/** Which of two bodies is evicted first: that of an unknown sender, then the larger. */
function goesFirst(one: HeldBody, other: HeldBody): HeldBody {
  if (one.isKnown !== other.isKnown) return one.isKnown ? other : one;
  return other.bytes > one.bytes ? other : one;
}

function isUnknownSender({ isKnown }: HeldBody): boolean {
  return !isKnown;
}
