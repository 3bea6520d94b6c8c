import type { Config } from '../../config/schema.ts';
import type { Fate } from '../../plan/fate.ts';
import type { Plan } from '../../plan/schema.ts';

/** Another branch that is at work on a unit. */
export interface WorkElsewhere {
  readonly unit: string;
  /** The branch that its results go to. */
  readonly target: string;
  /** The open pull request that its results are in; null: it changes the specs, and nothing ran yet. */
  readonly pull: number | null;
  /** Its head is the branch that the unit of this plan would have. */
  readonly isSameBranch: boolean;
}

/** A plan, and what is known of where it stands. */
export interface PlanCheckInput {
  readonly plan: Plan;
  /** The commit that the specs were read at, and the one of the configuration. */
  readonly commit: string;
  readonly configCommit: string;
  /** The commit of the default branch whose configuration is broken; null: it is not. */
  readonly brokenConfig: string | null;
  /** What is to be said about the configuration, in choo's own words. */
  readonly configNote: string | null;
  /** What a run may spend, by the repository or the operator; null: no configuration holds. */
  readonly limits: Pick<Config['limits'], 'run_cost' | 'run_tokens'> | null;
  /** By unit: what a run of the plan would do with it. */
  readonly fates: ReadonlyMap<string, Fate>;
  /** The units that the push or pull request changes. */
  readonly changed: ReadonlySet<string>;
  /** The push or pull request changes the configuration. */
  readonly changesConfig: boolean;
  /** Other branches at work on units of this plan. */
  readonly elsewhere: readonly WorkElsewhere[];
  /** The branch that results go to. */
  readonly target: string;
}
