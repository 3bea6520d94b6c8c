import pLimit, { type LimitFunction } from 'p-limit';
import { ChooError, messageOf } from '../errors.ts';
import type { Provider } from '../provider/provider.ts';
import { createProvider } from '../provider/by-name.ts';

/** What the pool knows of a unit. */
export interface PoolUnit {
  /** Unique among all submitted units until {@link Pool.forget}. */
  readonly id: string;
  readonly taskCount: number;
}

/** Chooses the provider of a unit. Throws or rejects when there is none. */
export type ProviderFactory<U extends PoolUnit> = (unit: U) => Provider | Promise<Provider>;

/** What a worker receives beside its unit. */
export interface WorkContext {
  readonly provider: Provider;
  /** Aborts when the pool shuts down: stop, and keep what is committed. */
  readonly signal: AbortSignal;
  /** Counts a task as completed. */
  readonly taskCompleted: () => void;
}

/**
 * Works on one unit until it ends; rejects when the unit failed. `released`: the unit is unfinished, which counts as neither
 * success nor failure.
 */
export type Work<U extends PoolUnit> = (unit: U, context: WorkContext) => Promise<'completed' | 'released'>;

/** Consistent at any moment. */
export interface PoolStats {
  readonly activeWorkers: number;
  readonly completedUnits: number;
  readonly failedUnits: number;
  /** Tasks of all units that were ever accepted. */
  readonly totalTasks: number;
  readonly completedTasks: number;
}

export interface PoolOptions<U extends PoolUnit> {
  readonly maxWorkers: number;
  readonly work: Work<U>;
  /** Default: every unit gets `provider`. */
  readonly factory?: ProviderFactory<U>;
  /** The provider of the default factory. Default: Claude. */
  readonly provider?: Provider;
}

/** Works on units concurrently, at most `maxWorkers` at once. Knows only units, providers and counters. */
export class Pool<U extends PoolUnit> {
  readonly #work: Work<U>;
  readonly #factory: ProviderFactory<U>;
  readonly #limit: LimitFunction;
  readonly #ids = new Map<string, 'accepted' | 'ended'>();
  readonly #ending = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #stats: PoolStats = {
    activeWorkers: 0,
    completedUnits: 0,
    failedUnits: 0,
    totalTasks: 0,
    completedTasks: 0,
  };
  #firstError: { readonly error: unknown } | undefined;

  constructor({ maxWorkers, work, factory, provider }: PoolOptions<U>) {
    this.#work = work;
    this.#limit = pLimit(maxWorkers);
    this.#factory = factory ?? defaultFactory(provider);
  }

  /**
   * Submits a unit. Resolves once it has started, when a worker is free. Throws a ChooError (`conflict`) for an id that was
   * submitted before and after {@link shutdown}, and one (`usage`) with the unit's id when the factory fails; the unit is
   * forgotten then.
   */
  async submit(unit: U): Promise<void> {
    if (this.#stop.signal.aborted)
      throw new ChooError('conflict', `unit \`${unit.id}\` was submitted after the pool was shut down`);
    if (this.#ids.has(unit.id)) throw new ChooError('conflict', `unit \`${unit.id}\` was submitted already`);
    this.#ids.set(unit.id, 'accepted');
    let provider: Provider;
    try {
      provider = await this.#factory(unit);
      if (this.#stop.signal.aborted) throw new ChooError('conflict', 'the pool is shut down');
    } catch (cause) {
      this.#ids.delete(unit.id);
      const reason = messageOf(cause);
      const hint = cause instanceof ChooError ? cause.hint : undefined;
      throw new ChooError('usage', `unit \`${unit.id}\` has no provider: ${reason}`, {
        cause,
        ...(hint === undefined ? {} : { hint }),
      });
    }
    this.#count({ totalTasks: unit.taskCount });
    const started = Promise.withResolvers<void>();
    const ended = this.#limit(async () => {
      if (this.#stop.signal.aborted) {
        this.#forgetUnstarted(unit);
        started.reject(
          new ChooError('conflict', `the pool was shut down before unit \`${unit.id}\` started`),
        );
        return;
      }
      this.#count({ activeWorkers: 1 });
      started.resolve();
      await this.#run(unit, provider);
    });
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
    return started.promise;
  }

  /** Resolves when every submitted unit has ended. Rejects with the first error. */
  async wait(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending);
    if (this.#firstError !== undefined) throw this.#firstError.error;
  }

  stats(): PoolStats {
    return this.#stats;
  }

  /** Frees the ids of ended units, so that they can be submitted again. The totals stay. */
  forget(...ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#ids.get(id) === 'ended') this.#ids.delete(id);
    }
  }

  /**
   * Cancels all units, waits for them and refuses new ones. Throws a ChooError (`conflict`) when some have not ended after
   * `timeoutMs` or when `signal` aborts.
   */
  async shutdown({ timeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<void> {
    this.#stop.abort();
    const late = Promise.withResolvers<'late'>();
    const onAbort = (): void => late.resolve('late');
    const timer = timeoutMs === undefined ? undefined : setTimeout(onAbort, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    try {
      const all = Promise.all(this.#ending).then(() => 'ended' as const);
      if ((await Promise.race([all, late.promise])) === 'late') {
        throw new ChooError('conflict', `timed out: ${this.#stats.activeWorkers} units did not end`);
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #run(unit: U, provider: Provider): Promise<void> {
    const taskCompleted = (): void => this.#count({ completedTasks: 1 });
    try {
      const end = await this.#work(unit, { provider, signal: this.#stop.signal, taskCompleted });
      if (end === 'completed') this.#count({ completedUnits: 1 });
    } catch (error) {
      this.#count({ failedUnits: 1 });
      this.#firstError ??= { error };
    } finally {
      this.#count({ activeWorkers: -1 });
      this.#ids.set(unit.id, 'ended');
    }
  }

  #forgetUnstarted(unit: U): void {
    this.#ids.delete(unit.id);
    this.#count({ totalTasks: -unit.taskCount });
  }

  #count(change: Partial<PoolStats>): void {
    const next = { ...this.#stats };
    for (const [name, by] of Object.entries(change) as [keyof PoolStats, number][]) next[name] += by;
    this.#stats = next;
  }
}

function defaultFactory<U extends PoolUnit>(provider = createProvider('claude')): ProviderFactory<U> {
  return () => provider;
}
