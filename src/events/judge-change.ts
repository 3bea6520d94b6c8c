import { z } from 'zod';

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
});
export type JudgeChange = z.output<typeof judgeChange>;

/** What a comparison of a unit's work with its base found. */
export const judgeComparison = {
  /** The strictest first. */
  changes: z.array(judgeChange),
  /** How many others there are. */
  more: z.int().min(0),
};

/** The comparison of a commit. */
export interface JudgedHead {
  readonly head: string;
  readonly changes: readonly JudgeChange[];
  readonly more: number;
}
