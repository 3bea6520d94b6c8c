import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import type { Failure } from '../events/failure.ts';
import type { OrchStarted } from '../events/unit-record.ts';

/** A complete dependency and its head. */
export interface Dependency {
  readonly id: string;
  readonly head: string;
}

/** Input of the decision where a unit's work starts. */
export interface UnitStartInput {
  readonly run: string;
  readonly unit: Unit;
  readonly config: Pick<
    Config,
    'specs_dir' | 'specs' | 'protect' | 'baseline_checks' | 'services' | 'worktree'
  >;
  readonly key: string;
  readonly target: string;
  readonly branch: string;
  /** The branch's head; undefined when there is no branch. */
  readonly branchHead: string | undefined;
  /** The commit of the approved specs. */
  readonly commit: string;
  /** From the repository's root to the project; empty, or with a slash at its end. */
  readonly directory: string;
  readonly dependencies: readonly Dependency[];
  /** By `rebase` its branch and its base hold no merge commit that choo makes; undefined: `merge`. */
  readonly stack?: OrchStarted['stack'];
  /** Start over, whatever the branch holds. */
  readonly fresh: boolean;
  /** The command that starts the unit over. */
  readonly startOver: string;
}

export type UnitStart =
  | {
      readonly kind: 'start';
      readonly base: string;
      readonly start: string;
      readonly builtOn: Readonly<Record<string, string>>;
      readonly pushed: string | undefined;
      readonly claimedComplete: readonly number[];
      /** The branch that keeps the old head. */
      readonly kept?: string;
      /** Work continues at an unrecorded head; see late-commits.ts. */
      readonly takenOver?: boolean;
    }
  | {
      readonly kind: 'impossible';
      readonly failure: Failure;
      readonly message: string;
      readonly hint: string;
      readonly head: string | null;
    };
