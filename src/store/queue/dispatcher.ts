import { setTimeout as wait } from 'node:timers/promises';
import type { EventBody } from '../../events/event.ts';
import { type Database, isTransient } from '../database/database.ts';
import type { Listener, Notice } from '../database/notifications.ts';
import type { Claim, ClaimReporter } from '../runs/claim.ts';
import type { RunStore } from '../runs/run-store.ts';
import { isLostClaim } from '../runs/claim-updates.ts';
import { claimUnits } from './claims.ts';
import { SlotPreemption } from './slot-preemption.ts';
import {
  heartbeat,
  registerWorker,
  deregisterWorker,
  requeueFromDeadWorkers,
  requeueUnits,
  WORKER_TIMES,
  type WorkerTimes,
} from './worker-registry.ts';

export interface DispatcherOptions {
  readonly database: Database;
  readonly runStore: RunStore;
  readonly listener: Listener;
  /** Owner mark of the processes that this one starts. */
  readonly owner: string;
  /** Limit of units in this process, read before each claim; `maxUnits`: in all processes together. */
  readonly concurrency: number;
  readonly maxUnits?: number | undefined;
  /** How long a unit keeps its slot while an installation below its fair share waits. Milliseconds. */
  readonly quantumMs: number;
  /** Default: {@link WORKER_TIMES}. All workers of a database have the same. */
  readonly times?: WorkerTimes;
  /** Works on a unit and returns its last events. When it throws, the unit is requeued. */
  readonly work: (claim: Claim, reporter: ClaimReporter) => Promise<readonly EventBody[]>;
  /** Called for a dead worker of this machine, to end what it left running. Its units are requeued after it resolves. */
  readonly onDead: (owner: string) => Promise<void>;
  /** Receives errors that the operator should see. */
  readonly onError: (what: string, error: unknown) => void;
}

interface Active {
  readonly claim: Claim;
  readonly stop: AbortController;
  readonly since: number;
  readonly ended: Promise<void>;
}

/** Shortest time between two claims of a busy process. Milliseconds. */
const CLAIM_INTERVAL_MS = 10;
/** Longest claim, whatever its unit does; the next claim continues the work. Milliseconds. */
const MAX_CLAIM_MS = 20 * 3_600_000;

/**
 * The worker in this process: claims units as slots become free, sends heartbeats, aborts lost claims, and requeues units of
 * dead workers.
 */
export class Dispatcher implements AsyncDisposable {
  readonly #options: DispatcherOptions;
  readonly #times: WorkerTimes;
  readonly #worker: { number: number };
  readonly #active = new Map<string, Active>();
  readonly #ending = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #claiming: Promise<void> | undefined;
  #again = false;
  /** Time of the last successful heartbeat, by a monotonic clock. Milliseconds. */
  #beatAt = performance.now();
  #checking: Promise<void> | undefined;
  readonly #preemption: SlotPreemption;

  private constructor(options: DispatcherOptions, worker: number) {
    this.#options = options;
    this.#times = options.times ?? WORKER_TIMES;
    this.#worker = { number: worker };
    this.#preemption = new SlotPreemption(options.database, options.quantumMs);
  }

  /** Registers a worker and starts to claim units. */
  static async start(options: DispatcherOptions): Promise<Dispatcher> {
    const { number } = await registerWorker(options.database, options.owner);
    const dispatcher = new Dispatcher(options, number);
    options.listener.subscribe((notice) => dispatcher.#onNotice(notice), dispatcher.#ending.signal);
    dispatcher.#timers.push(
      setInterval(() => dispatcher.#poll(), dispatcher.#times.lookMs),
      setInterval(() => void dispatcher.#sendHeartbeat(), dispatcher.#times.beatMs),
    );
    dispatcher.#poll();
    return dispatcher;
  }

  /** Its number in the database. */
  get worker(): number {
    return this.#worker.number;
  }

  /** Its current claims. */
  get claims(): readonly Claim[] {
    return [...this.#active.values()].map(({ claim }) => claim);
  }

  /** Time since the last successful heartbeat. Milliseconds. */
  get silentMs(): number {
    return performance.now() - this.#beatAt;
  }

  /** Whether it is draining: it claims nothing new. */
  get isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /**
   * Claims nothing new, waits up to `graceMs` for running units, then stops and releases them. `hurry` ends the wait.
   */
  async drain(graceMs: number, hurry?: AbortSignal): Promise<void> {
    this.#ending.abort();
    await this.#claiming;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.resolve(), graceMs);
    hurry?.addEventListener('abort', () => late.resolve(), { once: true });
    if (hurry?.aborted === true) late.resolve();
    await Promise.race([this.#allEnded(), late.promise]);
    clearTimeout(timer);
    for (const { stop } of this.#active.values()) stop.abort();
    await this.#allEnded();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
    for (const timer of this.#timers) clearInterval(timer);
    await this.#checking;
    const { database, runStore } = this.#options;
    await deregisterWorker(database, runStore, this.worker).catch((error: unknown) =>
      this.#options.onError('failed to deregister the worker; its claims will expire', error),
    );
  }

  #onNotice(notice: Notice): void {
    if (notice.about === 'ready' || notice.about === 'connected') this.#claimSoon();
    if (notice.about === 'stop')
      for (const { claim, stop } of this.#active.values())
        if (claim.run === notice.run && claim.unit === notice.unit) stop.abort();
  }

  /** Polls, whatever notifications arrived. */
  #poll(): void {
    this.#claimSoon();
    this.#checkAge();
    this.#checking ??= this.#checkWorkers().finally(() => (this.#checking = undefined));
  }

  #checkAge(): void {
    const now = performance.now();
    const cutOff = this.silentMs > this.#times.cutOffMs;
    for (const { stop, since } of this.#active.values())
      if (cutOff || now - since > MAX_CLAIM_MS) stop.abort();
  }

  async #checkWorkers(): Promise<void> {
    const { database, runStore } = this.#options;
    try {
      await this.#preemption.poll([...this.#active.values()]);
      const { believedMs } = this.#times;
      await requeueFromDeadWorkers(database, runStore, {
        me: this.worker,
        onDead: this.#options.onDead,
        believedMs,
      });
    } catch (error) {
      this.#report('failed to check the other workers', error);
    }
  }

  #claimSoon(): void {
    if (this.#ending.signal.aborted) return;
    this.#again = true;
    this.#claiming ??= this.#claimAll().finally(() => (this.#claiming = undefined));
  }

  async #claimAll(): Promise<void> {
    while (this.#again && !this.#ending.signal.aborted) {
      this.#again = false;
      const { database, concurrency, maxUnits } = this.#options;
      try {
        const free = concurrency - this.#active.size;
        for (const claim of await claimUnits(database, this.worker, { free, all: maxUnits }))
          this.#begin(claim);
      } catch (error) {
        this.#report('failed to claim units', error);
      }
      // A busy process waits for more free slots: claiming blocks the claims of all other processes.
      if (this.#again && this.#active.size > 0) await wait(CLAIM_INTERVAL_MS);
    }
  }

  #begin(claim: Claim): void {
    const stop = new AbortController();
    const id = idOf(claim);
    const since = performance.now();
    const shouldReleaseSlot = (quanta: number): boolean =>
      this.#preemption.isDue({ id, run: claim.run, since }, quanta);
    const ended = this.#work(claim, stop, shouldReleaseSlot).finally(() => {
      this.#active.delete(id);
      this.#preemption.end(id);
      this.#claimSoon();
    });
    this.#active.set(id, { claim, stop, since, ended });
  }

  /** Works on one unit until its claim ends. Never rejects. */
  async #work(
    claim: Claim,
    stop: AbortController,
    shouldReleaseSlot: ClaimReporter['shouldReleaseSlot'],
  ): Promise<void> {
    const { runStore, work } = this.#options;
    const { run, unit } = claim;
    const { number: worker } = this.#worker;
    let batch = 0;
    const write = async (events: readonly EventBody[], ended: boolean): Promise<void> => {
      batch += 1;
      try {
        await runStore.write(run, { unit, claim: claim.claim, worker, batch, events, ended });
      } catch (error) {
        stop.abort(); // events that cannot be written must not happen
        throw error;
      }
    };
    const report = async (events: readonly EventBody[]): Promise<void> => write(events, false);
    try {
      await write(await work(claim, { report, signal: stop.signal, shouldReleaseSlot }), true);
    } catch (error) {
      this.#report(`work on unit \`${unit}\` of run ${run} failed`, error);
      await this.#requeue(claim, 'its worker could not go on');
    }
  }

  async #requeue(claim: Claim, reason: string): Promise<void> {
    const { runStore } = this.#options;
    try {
      const { run, unit, claim: number } = claim;
      await requeueUnits(runStore, {
        run,
        units: [unit],
        worker: this.worker,
        claim: number,
        reason,
        died: false,
      });
    } catch (error) {
      this.#report(`failed to requeue unit \`${claim.unit}\` of run ${claim.run}`, error);
    }
  }

  /** Sends a heartbeat, and compares the claims in this process with those in the database. */
  async #sendHeartbeat(): Promise<void> {
    const began = performance.now();
    try {
      const held = await heartbeat(this.#options.database, this.worker);
      this.#beatAt = Math.max(this.#beatAt, began);
      if (held === undefined) await this.#reregister();
      else await this.#compare(held, began);
    } catch (error) {
      this.#report('failed to send a heartbeat', error);
    }
  }

  async #compare(held: readonly (Claim & { readonly state: string })[], began: number): Promise<void> {
    const states = new Map(held.map((claim) => [idOf(claim), claim.state]));
    for (const [id, { stop, since }] of this.#active)
      if (since < began && states.get(id) !== 'running') stop.abort();
    // A claim whose answer was lost.
    for (const claim of held)
      if (!this.#active.has(idOf(claim)) && this.#claiming === undefined)
        await this.#requeue(claim, 'its worker did not receive the claim');
  }

  /** Other workers declared this one dead, so it has no claims any more: registers as a new worker. */
  async #reregister(): Promise<void> {
    for (const { stop } of this.#active.values()) stop.abort();
    if (this.#ending.signal.aborted) return;
    this.#worker.number = (await registerWorker(this.#options.database, this.#options.owner)).number;
    this.#claimSoon();
  }

  async #allEnded(): Promise<void> {
    while (this.#active.size > 0) await Promise.all([...this.#active.values()].map(({ ended }) => ended));
  }

  /** Reports an error, except transient errors of the database and lost claims, which are normal. */
  #report(what: string, error: unknown): void {
    if (!isTransient(error) && !isLostClaim(error)) this.#options.onError(what, error);
  }
}

function idOf({ run, unit, claim }: Claim): string {
  return `${run}/${unit}#${claim}`;
}
