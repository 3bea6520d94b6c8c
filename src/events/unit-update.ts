import { z } from 'zod';

const commit = z.string().regex(/^[0-9a-f]{40,64}$/);

/**
 * What an update run does with its one unit. `head`: the head of the unit branch that it works on; anyone may have made it.
 * `onto` null: only its gates run. Otherwise the changes of `head` since `since`, the old place that the unit stood on, are
 * merged onto `commit`, the new one. `builtOn`: the heads of its dependencies in the new place that the target lacks, by unit.
 */
export const unitUpdate = z.object({
  head: commit,
  onto: z.object({ commit, since: commit, builtOn: z.record(z.string().min(1), commit) }).nullable(),
});
export type UnitUpdate = z.output<typeof unitUpdate>;
