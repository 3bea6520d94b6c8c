const MIB = 1024 * 1024;
/** Memory for all request bodies together, from their first byte until the response. Bytes. */
const MAX_TOTAL_BYTES = 64 * MIB;
/** The largest body; GitHub sends nothing larger. Large bodies are read one at a time. Bytes. */
export const MAX_BODY_BYTES = 25 * MIB;
/** Memory shared by all bodies that are not large. Bytes. */
const MAX_SMALL_TOTAL_BYTES = MAX_TOTAL_BYTES - MAX_BODY_BYTES;
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
  readonly add: (bytes: number) => void;
  /** Waits for the slot for large bodies. False when it does not get it. */
  readonly waitForLargeSlot: () => Promise<boolean>;
  /** Marks its signature as valid: it is not evicted any more. */
  readonly markValid: () => void;
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
  #large: { readonly body: HeldBody; readonly timer: NodeJS.Timeout } | undefined;
  readonly #waiting = new Map<HeldBody, (granted: boolean) => void>();

  /** Reserves memory for one body; disposing of the result frees it. */
  reserve(incoming: IncomingBody): BodyReservation {
    const body: HeldBody = { ...incoming, bytes: 0, isValid: false };
    this.#small.add(body);
    return {
      add: (bytes) => this.#add(body, bytes),
      waitForLargeSlot: async () => this.#waitForLargeSlot(body),
      markValid: () => {
        body.isValid = true;
        if (this.#large?.body === body) clearTimeout(this.#large.timer);
      },
      [Symbol.dispose]: () => this.#free(body),
    };
  }

  #add(body: HeldBody, bytes: number): void {
    if (!this.#small.has(body)) return; // it has the slot for large bodies, or was evicted
    body.bytes += bytes;
    this.#smallBytes += bytes;
    while (this.#smallBytes > MAX_SMALL_TOTAL_BYTES) {
      const largest = [...this.#small].filter(({ isValid }) => !isValid).reduce(evictedFirst, body);
      this.#evict(largest);
      if (largest === body) return;
    }
  }

  async #waitForLargeSlot(body: HeldBody): Promise<boolean> {
    const granted = Promise.withResolvers<boolean>();
    this.#waiting.set(body, granted.resolve);
    const holder = this.#large?.body;
    if (holder !== undefined && !holder.isValid && !holder.isKnown && body.isKnown) this.#evict(holder);
    else this.#grantLargeSlot();
    if (this.#waiting.size > MAX_WAITING)
      this.#evict([...this.#waiting.keys()].find(isUnknownSender) ?? body);
    return granted.promise;
  }

  #grantLargeSlot(): void {
    if (this.#large !== undefined) return;
    const waiting = [...this.#waiting];
    const [body, grant] = waiting.find(([{ isKnown }]) => isKnown) ?? waiting[0] ?? [];
    if (body === undefined || grant === undefined) return;
    this.#waiting.delete(body);
    this.#free(body);
    this.#large = { body, timer: setTimeout(() => this.#evict(body), LARGE_BODY_MS) };
    grant(true);
  }

  #evict(body: HeldBody): void {
    this.#free(body);
    body.onEvicted();
  }

  #free(body: HeldBody): void {
    if (this.#small.delete(body)) this.#smallBytes -= body.bytes;
    this.#waiting.get(body)?.(false);
    this.#waiting.delete(body);
    if (this.#large?.body !== body) return;
    clearTimeout(this.#large.timer);
    this.#large = undefined;
    this.#grantLargeSlot();
  }
}

/** Which of two bodies is evicted first: that of an unknown sender, then the larger. */
function evictedFirst(one: HeldBody, other: HeldBody): HeldBody {
  if (one.isKnown !== other.isKnown) return one.isKnown ? other : one;
  return other.bytes > one.bytes ? other : one;
}

function isUnknownSender({ isKnown }: HeldBody): boolean {
  return !isKnown;
}
