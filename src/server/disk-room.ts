import { statfsSync } from 'node:fs';
import type { Logger } from 'pino';

const GIB = 1024 ** 3;
/** The free space is measured this often at most. Milliseconds. */
const LOOK_MS = 1_000;

/**
 * Whether there is room to start a unit: on a full disk every unit fails, each after its agent was paid. Says in the log when that
 * changes.
 */
export class DiskRoom {
  readonly #directory: string;
  readonly #neededGiB: number;
  readonly #log: Logger;
  #measuredAt = Number.NEGATIVE_INFINITY;
  #hasRoom = true;

  constructor(directory: string, neededGiB: number, log: Logger) {
    this.#directory = directory;
    this.#neededGiB = neededGiB;
    this.#log = log;
  }

  get hasRoom(): boolean {
    if (performance.now() - this.#measuredAt < LOOK_MS) return this.#hasRoom;
    this.#measuredAt = performance.now();
    const { bavail, bsize } = statfsSync(this.#directory);
    const free = (bavail * bsize) / GIB;
    const had = this.#hasRoom;
    this.#hasRoom = free >= this.#neededGiB;
    const facts = {
      directory: this.#directory,
      freeGiB: Number(free.toFixed(1)),
      neededGiB: this.#neededGiB,
    };
    if (had && !this.#hasRoom) this.#log.error(facts, 'the disk is nearly full: no unit starts');
    if (!had && this.#hasRoom) this.#log.info(facts, 'the disk has room again: units start');
    return this.#hasRoom;
  }
}
