import { ChooError, messageOf } from '../../errors.ts';
import type { Prepared, Taken } from '../../sandbox/sandbox.ts';
import { reuseText } from '../../text/set-up-words.ts';
import type { Commands } from '../commands.ts';
import { findSetUpKeys } from './set-up-key.ts';
import { judgeSecrets, removeLeaks, type SetUpSecrets } from './set-up-secrets.ts';
import type { GateServices, UnitJob } from '../unit-job.ts';

interface Place {
  /** The paths in the worktree of what set-up may leave behind. */
  readonly ignored: () => Promise<readonly string[]>;
  readonly commands: Commands;
  readonly commit: string;
  /** Whether what its set-up leaves may be kept for other worktrees. */
  readonly mayKeep: boolean;
  readonly setUp: (secrets: SetUpSecrets) => Promise<void>;
  /** Puts another commit's files into the worktree, before any agent ran there. */
  readonly moveTo: (commit: string) => Promise<void>;
}

/**
 * Gives a new worktree what its set-up leaves behind: a snapshot of one that ran before any agent did, or by running it. Returns
 * the snapshot, to be disposed of when the worktree is removed. What a commit with an agent's work decides is kept under a key
 * of all its files, so that it reaches no other work.
 */
export async function prepare(
  job: UnitJob,
  services: GateServices,
  place: Place,
): Promise<Prepared | undefined> {
  const { ignored, commands, commit, mayKeep } = place;
  const { sandbox, signal, repository, append } = services;
  const setUp = async (): Promise<boolean> => runIt(job, services, place);
  const store =
    job.config.worktree.setup.length === 0
      ? undefined
      : await sandbox.openPrepared(repository.prepared, job.config.worktree);
  if (store === undefined) {
    await setUp();
    return undefined;
  }
  const { shared, own, maxAgeMs } = await findSetUpKeys(job, services, commit);
  const isApproved = commit === job.approved;
  // Verify of a unit that starts over uses what its own set-up made.
  const madeSince = job.isAskedAnew && mayKeep ? Date.now() : undefined;
  let key = shared;
  let taken: Taken = await store.take(key, { maxAgeMs, madeSince, mayBuild: mayKeep && isApproved, signal });
  if (taken.kind === 'none' && !isApproved) {
    key = own;
    taken = await store.take(key, { maxAgeMs, madeSince, mayBuild: mayKeep, signal });
  }
  if (taken.kind === 'none') {
    await setUp();
    return undefined;
  }
  const give = async (prepared: Prepared): Promise<Prepared> => {
    commands.moveTo(await sandbox.give(prepared, commands.workplace));
    return prepared;
  };
  if (taken.kind === 'found') {
    const { prepared } = taken;
    const ageMs = Math.max(0, Date.now() - prepared.takenAt);
    append({ type: 'setup.reused', unit: job.unit.id, key, ageMs });
    const said = `set-up reused: ${reuseText({ key, ageMs })}`;
    services.log.say(said);
    services.onActivity(said);
    return give(prepared);
  }
  await using build = taken;
  if (!(await setUp())) return undefined;
  try {
    return await give(await build.keep(commands.workplace, await ignored()));
  } catch (error) {
    if (error instanceof ChooError && error.code === 'internal') throw error;
    services.log.say(`what set-up left is not kept for others: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * Runs it, with the operator's secrets where nothing that it reads is an agent's. What else an agent wrote may still decide what
 * runs, such as a script that no `inputs` name: then it runs on the approved files, and their place is taken by the commit's after
 * it. Returns whether what it left may be kept.
 */
async function runIt(
  job: UnitJob,
  services: GateServices,
  { ignored, commands, commit, setUp, moveTo }: Place,
): Promise<boolean> {
  const secrets = await judgeSecrets(job, services, commit);
  if (secrets.kind !== 'given') {
    await setUp(secrets);
    return true;
  }
  const isApproved = commit === job.approved;
  if (!isApproved) await moveTo(job.approved);
  await setUp(secrets);
  if (!isApproved) await moveTo(commit);
  return removeLeaks(commands.workplace, await ignored(), services, job.unit.id);
}
