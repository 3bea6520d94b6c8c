import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { ChooError, type ErrorCode } from '../errors.ts';
import { type ChildProgram, startChildProgram } from '../system/child-program.ts';
import type { Readiness } from '../web/server.ts';
import { HEARTBEAT_MS, MAX_HEARTBEAT_AGE_MS, type Work } from './work.ts';

/** A message from a worker to its supervisor. */
export type WorkerMessage =
  /** A heartbeat. `silentMs`: time since its last heartbeat in the database; null before it has started to work. */
  | { readonly kind: 'beat'; readonly silentMs: number | null }
  /** It has started to work, in this sandbox. */
  | { readonly kind: 'ready'; readonly sandbox: string }
  /** It cannot start. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint?: string };

/** A request to a worker: `stop` drains it, `hurry` ends the drain at once. */
export type WorkerRequest = { readonly kind: 'stop' } | { readonly kind: 'hurry' };

const PROGRAM = fileURLToPath(new URL('supervised-worker.ts', import.meta.url));

/** A worker that misses this many heartbeats in a row is killed. Counted, not timed, because a machine may sleep. */
const MAX_MISSED_HEARTBEATS = 30;
/** The pause before a restart: after the first death, and at most. Milliseconds. */
const RESTART_DELAY_MS = { first: 250, max: 60_000 };
/** The death of a worker that lived this long starts a new row. Milliseconds. */
const STABLE_MS = 120_000;
/** Deaths in a row after which `/readyz` reports them. */
const UNREADY_DEATHS = 5;

type StartProgram = (onMessage: (message: unknown) => void) => Promise<ChildProgram>;

/**
 * Runs one worker process and starts another, after growing pauses, when it dies or misses its heartbeats. The worker
 * ends when this process does.
 */
export class Supervisor implements Work {
  readonly #log: Logger;
  readonly #start: StartProgram;
  readonly #sandbox = Promise.withResolvers<string>();
  readonly #stopping = new AbortController();
  readonly #supervising: Promise<void>;
  #worker: ChildProgram | undefined;
  #lastBeat: { readonly silentMs: number; readonly at: number } | undefined;
  #deaths = 0;

  constructor(
    log: Logger,
    start: StartProgram = async (onMessage) => startChildProgram(PROGRAM, [String(process.pid)], onMessage),
  ) {
    this.#log = log;
    this.#start = start;
    this.#sandbox.promise.catch(() => {}); // a rejection is for the readers of `sandbox`
    this.#supervising = this.#supervise();
  }

  /** The sandbox of the first worker, once it works. Rejects with a ChooError when it could not start. */
  get sandbox(): Promise<string> {
    return this.#sandbox.promise;
  }

  async readiness(): Promise<Readiness> {
    if (this.#stopping.signal.aborted) return { ready: false, reason: 'shutting down' };
    const beat = this.#lastBeat;
    if (beat === undefined && this.#deaths >= UNREADY_DEATHS)
      return { ready: false, reason: `the worker died ${this.#deaths} times in a row` };
    if (beat === undefined) return { ready: false, reason: 'the worker is starting' };
    return beat.silentMs + performance.now() - beat.at > MAX_HEARTBEAT_AGE_MS
      ? { ready: false, reason: 'the database has no recent heartbeat of this worker' }
      : { ready: true };
  }

  async drain(hurry: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#request('stop');
    hurry.addEventListener('abort', () => this.#request('hurry'));
    if (hurry.aborted) this.#request('hurry');
    await this.#supervising;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(AbortSignal.abort());
  }

  async #supervise(): Promise<void> {
    let hasWorked = false;
    this.#sandbox.promise.then(
      () => (hasWorked = true),
      () => {},
    );
    while (!this.#stopping.signal.aborted) {
      const began = performance.now();
      const end = await this.#runOne();
      if (!hasWorked)
        this.#sandbox.reject(new ChooError('environment', `the worker ended before it was ready: ${end}`));
      if (!hasWorked || this.#stopping.signal.aborted) return;
      this.#deaths = performance.now() - began > STABLE_MS ? 1 : this.#deaths + 1;
      const pauseMs = Math.min(RESTART_DELAY_MS.first * 2 ** (this.#deaths - 1), RESTART_DELAY_MS.max);
      this.#log.error({ reason: end, deaths: this.#deaths, pauseMs }, 'the worker died; restarting');
      await wait(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  /** Runs one worker from its start to its end. Returns the cause of its end. */
  async #runOne(): Promise<string> {
    let missed = 0;
    const worker = await this.#start((message) => {
      missed = 0;
      this.#hear(message as WorkerMessage);
    });
    this.#worker = worker;
    if (this.#stopping.signal.aborted) for (const kind of ['stop', 'hurry'] as const) this.#request(kind);
    const timer = setInterval(() => {
      missed += 1;
      if (missed !== MAX_MISSED_HEARTBEATS) return;
      this.#log.error(
        { seconds: (MAX_MISSED_HEARTBEATS * HEARTBEAT_MS) / 1_000 },
        'the worker sends no heartbeats; killing it',
      );
      worker.kill();
    }, HEARTBEAT_MS);
    const end = await worker.ended;
    clearInterval(timer);
    this.#worker = this.#lastBeat = undefined;
    return end;
  }

  #hear(message: WorkerMessage): void {
    if (message.kind === 'ready') this.#sandbox.resolve(message.sandbox);
    if (message.kind === 'beat' && message.silentMs !== null)
      this.#lastBeat = { silentMs: message.silentMs, at: performance.now() };
    if (message.kind !== 'failed') return;
    const { code, message: text, hint } = message;
    this.#sandbox.reject(new ChooError(code, text, hint === undefined ? {} : { hint }));
    if (this.#deaths > 0) this.#log.error({ reason: text, hint }, 'the worker could not start');
  }

  #request(kind: WorkerRequest['kind']): void {
    this.#worker?.send({ kind } satisfies WorkerRequest);
  }
}
