import type { Problem } from '../problems/problem.ts';
import type { UnitReading } from './unit-reading.ts';

/** What a field or a list item takes in memory, about. */
const ITEM_BYTES = 500;

/**
 * Remembers each unit's reading by the version of its directory, so that reading a tree again costs what changed. It
 * holds what the last discovery used and nothing older. One cache serves one spec tree's successive versions.
 */
export class DiscoveryCache {
  #readings: ReadonlyMap<string, Remembered> = new Map();

  /** The reading of a directory, if it was read at exactly this version. */
  recall(directory: string, version: string): Remembered | undefined {
    const found = this.#readings.get(directory);
    return found?.version === version ? found : undefined;
  }

  /** How much it holds, about. */
  get bytes(): number {
    return [...this.#readings.values()].reduce(
      (sum, { bytes, reading }) => sum + bytes + (reading?.items ?? 0) * ITEM_BYTES,
      0,
    );
  }

  /** Replaces everything remembered. */
  keep(readings: Iterable<Remembered>): void {
    this.#readings = new Map(Array.from(readings, (each) => [each.directory, each]));
  }
}

/** One directory at one version: its reading, or undefined where it is no unit, and what it adds to the tree's size. */
export interface Remembered {
  readonly directory: string;
  readonly version: string;
  readonly reading: UnitReading | undefined;
  readonly problems: readonly Problem[];
  readonly files: number;
  readonly bytes: number;
  readonly frontMatter: number;
  readonly yaml: number;
}
