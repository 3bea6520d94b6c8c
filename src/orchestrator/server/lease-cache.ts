import { LRUCache } from 'lru-cache';

/** Use of a cached resource, which stays open until this is disposed of. */
export interface Lease<T> extends Disposable {
  readonly thing: T;
}

interface Entry<T> {
  readonly opening: Promise<T>;
  readonly closed: PromiseWithResolvers<void>;
  users: number;
  /** Closed after its last use instead of cached. */
  isLeaving: boolean;
}

/**
 * A cache of open resources, one per name, shared by any number of users. Of the unused ones, the most recently used few stay
 * open.
 */
export class LeaseCache<T> implements AsyncDisposable {
  readonly #close: (thing: T) => Promise<void>;
  readonly #lent = new Map<string, Entry<T>>();
  readonly #idle: LRUCache<string, Entry<T>>;
  /** Resources that are being closed. */
  readonly #closing = new Set<Promise<void>>();

  /** `maxIdle`: maximum number of unused resources that stay open. */
  constructor(maxIdle: number, close: (thing: T) => Promise<void>) {
    this.#close = close;
    this.#idle = new LRUCache({
      max: maxIdle,
      dispose: (entry, _, reason) => {
        if (reason === 'evict') this.#end(entry);
      },
    });
  }

  /** Lends the resource of this name, opening it if necessary. Rejects as `open` does. */
  async lend(name: string, open: () => Promise<T>): Promise<Lease<T>> {
    const entry = this.#lent.get(name) ?? this.#idle.get(name) ?? newEntry(open);
    this.#idle.delete(name);
    this.#lent.set(name, entry);
    entry.users += 1;
    const release = (): void => {
      entry.users -= 1;
      if (entry.users > 0) return;
      if (this.#lent.get(name) === entry) this.#lent.delete(name);
      if (entry.isLeaving) this.#end(entry);
      else this.#idle.set(name, entry);
    };
    try {
      const thing = await entry.opening;
      return { thing, [Symbol.dispose]: once(release) };
    } catch (error) {
      entry.isLeaving = true; // the next use opens it again
      release();
      throw error;
    }
  }

  isLent(name: string): boolean {
    return this.#lent.has(name);
  }

  /** The names of all open resources, lent or not. */
  names(): ReadonlySet<string> {
    return new Set([...this.#lent.keys(), ...this.#idle.keys()]);
  }

  /** Closes a resource, now or after its last use; resolves then. */
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
      .catch(() => {}) // a failed open needs no close
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
