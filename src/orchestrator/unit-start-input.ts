import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import type { Failure } from '../events/event.ts';

/** A dependency that is complete, and where its work is. */
export interface Dependency {
  readonly id: string;
  readonly head: string;
}

/** What is asked: where does the work on a unit start? */
export interface UnitStartInput {
  readonly run: string;
  readonly unit: Unit;
  readonly config: Pick<Config, 'specs_dir'>;
  readonly key: string;
  readonly target: string;
  readonly branch: string;
  /** Where the branch stands; undefined: there is none. */
  readonly branchHead: string | undefined;
  /** The commit of the approved specs. */
  readonly commit: string;
  /** From the repository's root to the project; empty, or with a slash at its end. */
  readonly directory: string;
  readonly dependencies: readonly Dependency[];
  /** Start over, whatever is there. */
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
      /** Where an old head was kept. */
      readonly kept?: string;
      /** Work goes on at a head that nobody recorded. */
      readonly takenOver?: boolean;
    }
  | {
      readonly kind: 'impossible';
      readonly failure: Failure;
      readonly message: string;
      readonly hint: string;
      readonly head: string | null;
    };
