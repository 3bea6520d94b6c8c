import { LRUCache } from 'lru-cache';
import type { DashboardSource } from '../source.ts';
import { PictureMaker, type RunPicture } from './run-picture.ts';

/** Pictures that are kept beside those that somebody watches. */
const MAX_KEPT = 50;
/** The shortest time between two notices of a watched run. Milliseconds. */
const NOTICE_MS = 250;

interface Watch {
  readonly maker: PictureMaker;
  readonly listeners: Set<() => void>;
  readonly ending: AbortController;
  timer: NodeJS.Timeout | undefined;
  noticedAt: number;
}

/** The pictures of runs: each is folded once, however many pages and streams show it, and continued with new events only. */
export class RunPictures {
  readonly #store: DashboardSource['store'];
  readonly #onError: (error: unknown) => void;
  readonly #kept = new LRUCache<string, PictureMaker>({ max: MAX_KEPT });
  readonly #watches = new Map<string, Watch>();

  /** `onError` gets what ends the subscription of a watched run; its next watcher subscribes again. */
  constructor(store: DashboardSource['store'], onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
  }

  /** The picture of a run with all its events; undefined: there is no such run. */
  async read(run: string): Promise<RunPicture | undefined> {
    const maker = this.#makerOf(run);
    maker.take(await this.#store.read(run, maker.seq));
    if (maker.picture === undefined) this.#kept.delete(run);
    return maker.picture;
  }

  /** The picture of a run that is watched, as its watchers were told of it last: nothing is read for it. */
  seen(run: string): RunPicture | undefined {
    return this.#watches.get(run)?.maker.picture;
  }

  /** The number of the last event in the picture of a run; 0: there is none. */
  seqOf(run: string): number {
    return (this.#watches.get(run)?.maker ?? this.#kept.peek(run))?.seq ?? 0;
  }

  /** Calls `onChange` after new events of a run, at most four times a second, until the signal. */
  watch(run: string, onChange: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    const watch = this.#watches.get(run) ?? this.#begin(run);
    watch.listeners.add(onChange);
    signal.addEventListener(
      'abort',
      () => {
        watch.listeners.delete(onChange);
        if (watch.listeners.size === 0) this.#end(run, watch);
      },
      { once: true },
    );
  }

  #begin(run: string): Watch {
    const maker = this.#makerOf(run);
    const watch: Watch = {
      maker,
      listeners: new Set(),
      ending: new AbortController(),
      timer: undefined,
      noticedAt: Number.NEGATIVE_INFINITY,
    };
    this.#watches.set(run, watch);
    this.#store
      .subscribe(
        run,
        maker.seq,
        (events) => {
          maker.take(events);
          this.#notice(watch);
        },
        watch.ending.signal,
      )
      .catch((error: unknown) => {
        this.#end(run, watch);
        this.#onError(error);
      });
    return watch;
  }

  #notice(watch: Watch): void {
    if (watch.timer !== undefined) return;
    const pauseMs = Math.max(0, watch.noticedAt + NOTICE_MS - performance.now());
    watch.timer = setTimeout(() => {
      watch.timer = undefined;
      watch.noticedAt = performance.now();
      for (const listener of watch.listeners) listener();
    }, pauseMs);
  }

  #end(run: string, watch: Watch): void {
    clearTimeout(watch.timer);
    watch.ending.abort();
    if (this.#watches.get(run) === watch) this.#watches.delete(run);
  }

  #makerOf(run: string): PictureMaker {
    const kept = this.#watches.get(run)?.maker ?? this.#kept.get(run);
    if (kept !== undefined) return kept;
    const maker = new PictureMaker();
    this.#kept.set(run, maker);
    return maker;
  }
}
