import { z } from 'zod';

const commit = z.string().regex(/^[0-9a-f]{40,64}$/);

/**
 * How work comes to its new place: by a merge, or by its own commits made again there. `found`: somebody did the latter;
 * `merged`: the former.
 */
const UPDATE_WAYS = ['merge', 'rebase', 'found', 'merged'] as const;
const updateWay = z.enum(UPDATE_WAYS);

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
 * stood on, are brought onto `commit`, the new one. `builtOn`: the heads of its dependencies in the new place that the target
 * lacks, by unit. `way`: undefined for a merge. `replaces`, with `found` and `merged`: the unit's head before somebody brought it
 * to `commit`, which became `head`; only the gates run. `work` null: no agent starts, and only the gates run. `lost`: the head
 * that a person replaced by a push that was no fast-forward. `also`: the units that were merged into the branch, whose gates run too.
 */
export const unitUpdate = z.object({
  head: commit,
  onto: z
    .object({
      commit,
      since: commit,
      builtOn: z.record(z.string().min(1), commit),
      way: updateWay.optional(),
      replaces: commit.optional(),
    })
    .nullable(),
  work: updateWork.nullable().default(null),
  lost: commit.optional(),
  also: z.array(z.string().min(1)).optional(),
});
export type UnitUpdate = z.output<typeof unitUpdate>;

/**
 * What came of moving a branch. `same`: the unit's own change since `since` is, byte for byte, its change since `onto`; otherwise
 * `files` are those that differ, the first ones where there are many. `to` is `from` when the branch contained the new place
 * already. `way`: undefined for a merge. `joined`: so many of its commits became one.
 */
export const updateResult = {
  from: commit,
  to: commit,
  onto: commit,
  since: commit,
  same: z.boolean(),
  files: z.array(z.string()),
  way: updateWay.optional(),
  joined: z.int().min(1).optional(),
};

/** Whether an update moves the branch; otherwise it verifies a head that is there. */
export function movesBranch({ onto }: Pick<UnitUpdate, 'onto'>): boolean {
  return onto !== null && !wasMoved(onto.way);
}

/** Whether somebody else brought the work to its new place. */
export function wasMoved(way: z.output<typeof updateWay> | undefined): boolean {
  return way === 'found' || way === 'merged';
}
