import { setTimeout as wait } from 'node:timers/promises';
import type { EventBody } from '../../events/event.ts';
import { type Database, isTransient } from '../database/database.ts';
import type { Listener, Notice } from '../database/notifications.ts';
import type { Claim, ClaimReporter } from '../runs/claim.ts';
import type { Jobs } from '../runs/jobs.ts';
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
  readonly jobs: Jobs;
  readonly runStore: RunStore;
  readonly listener: Listener;
  /** What marks the processes that this one starts. */
  readonly owner: string;
  /** How many units this process works on at once; all processes together. */
  readonly concurrency: number;
  readonly maxUnits?: number | undefined;
  /** How long a unit may keep its slot while an installation waits that has less than its share. Milliseconds. */
  readonly quantumMs: number;
  /** Default: {@link WORKER_TIMES}. All workers of a database have the same. */
  readonly times?: WorkerTimes;
  /** Works on a unit and returns how it ended. What it throws gives the unit back. */
  readonly work: (claim: Claim, reporter: ClaimReporter) => Promise<readonly EventBody[]>;
  /** A worker of this machine is dead: what it left behind can be ended. It is waited for. */
  readonly onDead: (owner: string) => Promise<void>;
  /** Told of what an operator should know. */
  readonly onError: (what: string, error: unknown) => void;
}

interface Active {
  readonly claim: Claim;
  readonly stop: AbortController;
  readonly since: number;
  readonly ended: Promise<void>;
}

/** A busy process claims at most so often. Milliseconds. */
const CLAIM_INTERVAL_MS = 10;
/** No claim lasts longer, whatever its unit does; the next one goes on. Milliseconds. */
const MAX_CLAIM_MS = 20 * 3_600_000;

/**
 * The worker in this process: claims units as slots become free, keeps its claims alive, lets go of those it lost, and takes
 * back what dead workers held.
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
  /** When the others last heard that this process is there; by a clock that nobody sets. */
  #heard = performance.now();
  #looking: Promise<void> | undefined;
  readonly #returns: SlotPreemption;

  private constructor(options: DispatcherOptions, worker: number) {
    this.#options = options;
    this.#times = options.times ?? WORKER_TIMES;
    this.#worker = { number: worker };
    this.#returns = new SlotPreemption(options.database, options.quantumMs);
  }

  /** Begins to work. */
  static async start(options: DispatcherOptions): Promise<Dispatcher> {
    const { number } = await registerWorker(options.database, options.owner);
    const dispatcher = new Dispatcher(options, number);
    options.listener.subscribe((notice) => dispatcher.#hear(notice), dispatcher.#ending.signal);
    dispatcher.#timers.push(
      setInterval(() => dispatcher.#look(), dispatcher.#times.lookMs),
      setInterval(() => void dispatcher.#beat(), dispatcher.#times.beatMs),
    );
    dispatcher.#look();
    return dispatcher;
  }

  /** How others know it. */
  get worker(): number {
    return this.#worker.number;
  }

  /** The units it works on now. */
  get claims(): readonly Claim[] {
    return [...this.#active.values()].map(({ claim }) => claim);
  }

  /** How long the database has not heard of this process. Milliseconds. */
  get silentMs(): number {
    return performance.now() - this.#heard;
  }

  /** It takes nothing new any more. */
  get isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /**
   * Takes nothing new, waits up to `graceMs` for what is under way, then stops it and hands it back. `hurry` ends the waiting.
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
    await this.#looking;
    const { database, runStore, jobs } = this.#options;
    await deregisterWorker(database, runStore, jobs, this.worker).catch((error: unknown) =>
      this.#options.onError('a worker could not sign off; the others will find out', error),
    );
  }

  #hear(notice: Notice): void {
    if (notice.about === 'ready' || notice.about === 'connected') this.#claimSoon();
    if (notice.about === 'stop')
      for (const { claim, stop } of this.#active.values())
        if (claim.run === notice.run && claim.unit === notice.unit) stop.abort();
  }

  /** What is done each second, whatever was heard. */
  #look(): void {
    this.#claimSoon();
    this.#checkAge();
    this.#looking ??= this.#lookAtOthers().finally(() => (this.#looking = undefined));
  }

  #checkAge(): void {
    const now = performance.now();
    const cutOff = this.silentMs > this.#times.cutOffMs;
    for (const { stop, since } of this.#active.values())
      if (cutOff || now - since > MAX_CLAIM_MS) stop.abort();
  }

  async #lookAtOthers(): Promise<void> {
    const { database, runStore, jobs } = this.#options;
    try {
      await this.#returns.poll([...this.#active.values()]);
      const { believedMs } = this.#times;
      await requeueFromDeadWorkers(database, runStore, jobs, {
        me: this.worker,
        onDead: this.#options.onDead,
        believedMs,
      });
    } catch (error) {
      this.#trouble('looking at the other workers failed', error);
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
      const { database, jobs, concurrency, maxUnits } = this.#options;
      try {
        const free = concurrency - this.#active.size;
        for (const claim of await claimUnits(database, jobs, this.worker, { free, all: maxUnits }))
          this.#begin(claim);
      } catch (error) {
        this.#trouble('claiming units failed', error);
      }
      // Who is busy waits for more slots to come free: whoever claims keeps all others from it.
      if (this.#again && this.#active.size > 0) await wait(CLAIM_INTERVAL_MS);
    }
  }

  #begin(claim: Claim): void {
    const stop = new AbortController();
    const id = idOf(claim);
    const since = performance.now();
    const shouldReleaseSlot = (quanta: number): boolean =>
      this.#returns.isDue({ id, run: claim.run, since }, quanta);
    const ended = this.#work(claim, stop, shouldReleaseSlot).finally(() => {
      this.#active.delete(id);
      this.#returns.end(id);
      this.#claimSoon();
    });
    this.#active.set(id, { claim, stop, since, ended });
  }

  /** One unit from its claim to its end. Never rejects. */
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
        stop.abort(); // what cannot be told is not done
        throw error;
      }
    };
    const report = async (events: readonly EventBody[]): Promise<void> => write(events, false);
    try {
      await write(await work(claim, { report, signal: stop.signal, shouldReleaseSlot }), true);
    } catch (error) {
      this.#trouble(`unit \`${unit}\` of run ${run} could not be worked on to its end`, error);
      await this.#giveBack(claim, 'its worker could not go on');
    }
  }

  async #giveBack(claim: Claim, reason: string): Promise<void> {
    const { runStore, jobs } = this.#options;
    try {
      const { run, unit, claim: number } = claim;
      await requeueUnits(runStore, jobs, {
        run,
        units: [unit],
        worker: this.worker,
        claim: number,
        reason,
        died: false,
      });
    } catch (error) {
      this.#trouble(`unit \`${claim.unit}\` of run ${claim.run} could not be given back`, error);
    }
  }

  /** Says that this process is there, and compares what it holds with what the others think it holds. */
  async #beat(): Promise<void> {
    const began = performance.now();
    try {
      const held = await heartbeat(this.#options.database, this.worker);
      this.#heard = Math.max(this.#heard, began);
      if (held === undefined) await this.#startAnew();
      else await this.#compare(held, began);
    } catch (error) {
      this.#trouble('the heartbeat failed', error);
    }
  }

  async #compare(held: readonly (Claim & { readonly state: string })[], began: number): Promise<void> {
    const states = new Map(held.map((claim) => [idOf(claim), claim.state]));
    for (const [id, { stop, since }] of this.#active)
      if (since < began && states.get(id) !== 'running') stop.abort();
    // Claimed, and the answer was lost.
    for (const claim of held)
      if (!this.#active.has(idOf(claim)) && this.#claiming === undefined)
        await this.#giveBack(claim, 'its worker did not hear of it');
  }

  /** The others took this process for dead: it holds nothing any more, and comes back as a new one. */
  async #startAnew(): Promise<void> {
    for (const { stop } of this.#active.values()) stop.abort();
    if (this.#ending.signal.aborted) return;
    this.#worker.number = (await registerWorker(this.#options.database, this.#options.owner)).number;
    this.#claimSoon();
  }

  async #allEnded(): Promise<void> {
    while (this.#active.size > 0) await Promise.all([...this.#active.values()].map(({ ended }) => ended));
  }

  /** What happens now and then is no trouble: the database is away, or others took a unit over. */
  #trouble(what: string, error: unknown): void {
    if (!isTransient(error) && !isLostClaim(error)) this.#options.onError(what, error);
  }
}

function idOf({ run, unit, claim }: Claim): string {
  return `${run}/${unit}#${claim}`;
}
