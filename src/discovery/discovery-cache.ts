import type { Problem } from '../problems/problem.ts';
import type { UnitReading } from './unit-reading.ts';

/** The approximate memory of a field or list item. */
const ITEM_BYTES = 500;

/**
 * Caches each unit's reading by the version of its directory, so that reading a tree again costs only what changed.
 * Holds what the last discovery used, nothing older. One cache serves the successive versions of one spec tree.
 */
export class DiscoveryCache {
  #readings: ReadonlyMap<string, CachedReading> = new Map();

  /** The reading of a directory, if it was read at exactly this version. */
  get(directory: string, version: string): CachedReading | undefined {
    const found = this.#readings.get(directory);
    return found?.version === version ? found : undefined;
  }

  /** Its approximate memory. Bytes. */
  get bytes(): number {
    return [...this.#readings.values()].reduce(
      (sum, { bytes, reading }) => sum + bytes + (reading?.items ?? 0) * ITEM_BYTES,
      0,
    );
  }

  /** Replaces all entries. */
  keep(readings: Iterable<CachedReading>): void {
    this.#readings = new Map(Array.from(readings, (each) => [each.directory, each]));
  }
}

/** One directory at one version: its reading (undefined when it is no unit), and what it adds to the tree's size. */
export interface CachedReading {
  readonly directory: string;
  readonly version: string;
  readonly reading: UnitReading | undefined;
  readonly problems: readonly Problem[];
  readonly files: number;
  readonly bytes: number;
  readonly frontMatter: number;
  readonly yaml: number;
  readonly markdown: number;
}
