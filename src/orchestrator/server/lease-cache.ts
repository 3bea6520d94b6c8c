import { LRUCache } from 'lru-cache';

/** Something that is lent. Dispose of it when done with it: until then it stays open. */
export interface Lease<T> extends Disposable {
  readonly thing: T;
}

interface Entry<T> {
  readonly opening: Promise<T>;
  readonly closed: PromiseWithResolvers<void>;
  users: number;
  /** It is closed when it comes back, and not kept. */
  isLeaving: boolean;
}

/**
 * Things that cost something as long as they are open, one of each name, lent to any number of users. Of those that nobody
 * uses, the few that were used last stay open.
 */
export class LeaseCache<T> implements AsyncDisposable {
  readonly #close: (thing: T) => Promise<void>;
  readonly #lent = new Map<string, Entry<T>>();
  readonly #idle: LRUCache<string, Entry<T>>;
  /** Those that are being closed. */
  readonly #closing = new Set<Promise<void>>();

  /** `kept` is how many stay open that nobody uses. */
  constructor(kept: number, close: (thing: T) => Promise<void>) {
    this.#close = close;
    this.#idle = new LRUCache({
      max: kept,
      dispose: (entry, _, reason) => {
        if (reason === 'evict') this.#end(entry);
      },
    });
  }

  /** Lends what has this name; opened when it is not open. Rejects as `open` does. */
  async lend(name: string, open: () => Promise<T>): Promise<Lease<T>> {
    const entry = this.#lent.get(name) ?? this.#idle.get(name) ?? newEntry(open);
    this.#idle.delete(name);
    this.#lent.set(name, entry);
    entry.users += 1;
    const giveBack = (): void => {
      entry.users -= 1;
      if (entry.users > 0) return;
      if (this.#lent.get(name) === entry) this.#lent.delete(name);
      if (entry.isLeaving) this.#end(entry);
      else this.#idle.set(name, entry);
    };
    try {
      const thing = await entry.opening;
      return { thing, [Symbol.dispose]: once(giveBack) };
    } catch (error) {
      entry.isLeaving = true; // the next one tries again
      giveBack();
      throw error;
    }
  }

  isLent(name: string): boolean {
    return this.#lent.has(name);
  }

  /** The names of what is open, lent or not. */
  names(): ReadonlySet<string> {
    return new Set([...this.#lent.keys(), ...this.#idle.keys()]);
  }

  /** Closes it, now or when its last user gives it back; resolves then. */
  async drop(name: string): Promise<void> {
    const entry = this.#lent.get(name) ?? this.#idle.get(name);
    if (entry === undefined) return;
    this.#idle.delete(name);
    entry.isLeaving = true;
    if (entry.users === 0) this.#end(entry);
    return entry.closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const entry of [...this.#lent.values(), ...this.#idle.values()]) this.#end(entry);
    this.#lent.clear();
    this.#idle.clear();
    await Promise.all(this.#closing);
  }

  #end({ opening, closed }: Entry<T>): void {
    const closing = opening
      .then(async (thing) => this.#close(thing))
      .catch(() => {}) // what did not open needs no end
      .finally(() => {
        this.#closing.delete(closing);
        closed.resolve();
      });
    this.#closing.add(closing);
  }
}

function newEntry<T>(open: () => Promise<T>): Entry<T> {
  return { opening: open(), closed: Promise.withResolvers(), users: 0, isLeaving: false };
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
