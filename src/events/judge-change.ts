import { z } from 'zod';
import { commandEnd } from './command-end.ts';

/** A change to a file that builds or judges the work. */
const judgeChange = z.object({
  /** From the root of the repository. */
  path: z.string(),
  /** What happens with such a change where no task is allowed to make it. */
  level: z.enum(['restore', 'ask', 'tell']),
  kind: z.enum(['added', 'changed', 'deleted']),
  /** Whether a task's `may_change` names it. */
  isAllowed: z.boolean(),
  /** Lines; null: it is no text, or they were not counted. */
  added: z.int().min(0).nullable(),
  removed: z.int().min(0).nullable(),
  /**
   * How it was in the counter-trial: as at the base, but for what says nothing of the judge (`keys`), or not there. Undefined: as
   * the work has it.
   */
  trial: z.enum(['base', 'keys', 'without']).optional(),
});
export type JudgeChange = z.output<typeof judgeChange>;

/** How the gates ended on the work with the judge as it was at the base. */
const counterTrial = z.object({
  /** One for each task; empty where `fault` says why they could not run. */
  gates: z.array(z.object({ task: z.int().min(1), passed: z.boolean(), ...commandEnd })),
  fault: z.string().nullable(),
  /** Whether tasks may change all of its paths that exist at the base, and whether they name its new ones, too. */
  mayChange: z.enum(['all', 'existing', 'none']),
});
type CounterTrial = z.output<typeof counterTrial>;

/** What a comparison of a unit's work with its base found. */
export const judgeComparison = {
  /** The strictest first. */
  changes: z.array(judgeChange),
  /** How many others there are. */
  more: z.int().min(0),
  /** Undefined: nothing was changed that could be taken back, or no gate ran in a new worktree. */
  trial: counterTrial.optional(),
  /**
   * Files that verify's gates opened, that the work changed and that exist at the base, at most 100; not the code that it is about.
   * Undefined: no gate ran, or `openedUnknown` says why this could not be recorded.
   */
  opened: z.array(z.string()).readonly().optional(),
  openedUnknown: z.string().optional(),
};

/** The comparison of a commit. */
export interface JudgedHead {
  readonly head: string;
  readonly changes: readonly JudgeChange[];
  readonly more: number;
  readonly trial?: CounterTrial | undefined;
  readonly opened?: readonly string[] | undefined;
  readonly openedUnknown?: string | undefined;
}

/**
 * What a counter-trial says of the work. `same`: it passes with the judge as it was. Else only with the changed one: which its
 * tasks may change (`allowed`), of which only new files are meant (`new`), or which no task may change (`changed`).
 */
export type TrialResult = 'same' | 'allowed' | 'new' | 'changed';

export function trialResult({ gates, fault, mayChange }: CounterTrial): TrialResult {
  if (fault === null && gates.every(({ passed }) => passed)) return 'same';
  return ({ all: 'allowed', existing: 'new', none: 'changed' } as const)[mayChange];
}
