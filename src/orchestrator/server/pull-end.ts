import type { UnitRecord } from '../../events/store.ts';
import { retainCommit } from '../../git/retained.ts';
import type { Repository } from '../../git/repository.ts';
import type { Database } from '../../store/database/database.ts';
import { listUnitPulls } from '../../store/github/unit-pulls.ts';
import type { TargetUnit } from '../../store/runs/updates.ts';
import { fail } from '../../worker/unit-job.ts';

/** Commits that are named. */
const MAX_COMMITS = 20;

/**
 * Ends a claim whose pull request a person merged or closed since it began: what it goes on to do would be in no pull request.
 * `commit`, the newest commit of its work, is retained, and those that were not merged are named. Throws a UnitStop.
 */
export async function checkPullEnd(
  { repository, target, unit }: TargetUnit,
  commit: string,
  services: {
    readonly database: Database;
    readonly repository: Repository;
    readonly readRecord: () => Promise<UnitRecord | undefined>;
  },
): Promise<void> {
  const outcome = (await services.readRecord())?.outcome;
  if (outcome !== 'merged' && outcome !== 'rejected') return;
  const pull = (await listUnitPulls(services.database, repository, target)).get(unit);
  const name = pull === undefined ? 'its pull request' : `its pull request #${pull.number}`;
  await retainCommit(services.repository, commit);
  if (outcome === 'rejected')
    throw fail(
      'needs-human',
      `${name} was closed while it was worked on; its work is kept at ${commit}`,
      `\`choo retry ${unit} --fresh\` starts over from the target`,
    );
  const left = await listLeft(services.repository, commit, pull?.head ?? undefined);
  const kept = left.length === 0 ? 'nothing was made after that' : `kept, and not merged: ${left.join(', ')}`;
  throw fail(
    'needs-human',
    `${name} was merged while it was worked on; ${kept}`,
    `\`choo retry ${unit}\` takes what was merged for all of it, so that what depends on it goes on; with \`--fresh\` it is done again from the target, in a new pull request`,
  );
}

/** The newest commits of a head that another one has not; the head itself where that one is not known. */
async function listLeft(
  { git, reader }: Repository,
  head: string,
  merged: string | undefined,
): Promise<readonly string[]> {
  const [there] = merged === undefined ? [] : await reader.info([merged]);
  if (merged === undefined || there === undefined) return [head];
  const found = await git.run('log', '--format=%H', `--max-count=${MAX_COMMITS}`, head, `^${merged}`);
  return found.split('\n').filter((line) => line !== '');
}
