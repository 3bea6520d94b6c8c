import { nameOfRemote } from '../events/run-story.ts';
import type { Database } from '../store/database/database.ts';
import {
  findNewestRuns,
  findRemote,
  findRepositoryIdOfRun,
  findSpendingByDay,
} from '../store/github/runs-of-repositories.ts';
import type { RepositorySource } from '../web/dashboard/source.ts';

/** Days of spending that a page shows. */
const MAX_DAYS = 31;
/** The largest id that the database has. */
const MAX_ID = 2n ** 63n - 1n;

/** The repositories of a server, for their pages. */
export function openRepositorySource(database: Database): RepositorySource {
  return {
    of: async (run) => findRepositoryIdOfRun(database, run),
    read: async (id, { skipped, most }) => {
      if (!/^[1-9]\d{0,18}$/.test(id) || BigInt(id) > MAX_ID) return undefined;
      const remote = await findRemote(database, id);
      if (remote === undefined) return undefined;
      const [runs, days] = await Promise.all([
        findNewestRuns(database, [id], most, skipped),
        findSpendingByDay(database, id, MAX_DAYS),
      ]);
      return { name: nameOfRemote(remote) ?? '', runs, days };
    },
  };
}
