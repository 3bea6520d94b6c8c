/** What happens with a change to a path: it is put back, a person must agree, or it is listed. */
export const PROTECTION_LEVELS = ['restore', 'ask', 'tell'] as const;
export type ProtectionLevel = (typeof PROTECTION_LEVELS)[number];

/** Paths that are protected for the same reason. */
export interface ProtectionEntry {
  readonly level: ProtectionLevel;
  /** Whose files they are. */
  readonly what: string;
  /**
   * Patterns in lower case, with `*` for any characters. One without a slash is the name of a file or directory at any depth, with
   * everything below it; one with a slash is a path at any depth.
   */
  readonly names: string;
  /** The page that says what these files do. */
  readonly source: string;
  /** Of files that exist at the base a tool reads one: another one beside it takes its place. */
  readonly isChoice?: true;
  /** A test runner, linter or compiler reads a file of this name without being told to. */
  readonly isSettings?: true;
}
