import { z } from 'zod';

const commit = z.string().regex(/^[0-9a-f]{40,64}$/);

/**
 * What an agent does in an update, in one attempt; without it no agent starts. `resolve`: the conflict of the merge onto `onto`.
 * `review`: what the reviewers of a round asked for; `round`: the id of its row in `review_rounds`.
 */
const updateWork = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('resolve') }),
  z.object({ kind: z.literal('review'), round: z.string().min(1) }),
]);

/**
 * What an update run does with its one unit. `head`: the head of the unit branch that it works on; anyone may have made it.
 * `onto` null: the branch stays where it stands. Otherwise the changes of `head` since `since`, the old place that the unit
 * stood on, are merged onto `commit`, the new one. `builtOn`: the heads of its dependencies in the new place that the target
 * lacks, by unit. `work` null: no agent starts, and only the gates run.
 */
export const unitUpdate = z.object({
  head: commit,
  onto: z.object({ commit, since: commit, builtOn: z.record(z.string().min(1), commit) }).nullable(),
  work: updateWork.nullable().default(null),
});
export type UnitUpdate = z.output<typeof unitUpdate>;
