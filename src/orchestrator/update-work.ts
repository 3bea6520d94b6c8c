import type { EventBody } from '../events/event.ts';
import { MAX_ANSWERS } from '../events/review-request.ts';
import type { UnitUpdate } from '../events/unit-update.ts';
import { mergeCommits } from '../git/merge.ts';
import { findFile, treeOf } from '../git/objects/tree-object.ts';
import { readPatch } from '../git/patch.ts';
import { findProtection, isRestored, mayChangeOf } from '../worker/judge/protection.ts';
import { fail, type UnitJob, UnitStop, type WorkerServices } from '../worker/unit-job.ts';
import { settleAnswers } from '../worker/update/answers.ts';
import { attemptUpdate } from '../worker/update/attempt.ts';
import { findLeftMarkers } from '../worker/update/conflict-markers.ts';
import { MAX_PATCH, resolvePrompt } from '../worker/update/resolve-prompt.ts';
import { reviewPrompt } from '../worker/update/review-prompt.ts';
import { listPaths } from '../text/list-paths.ts';
import { findTheirs } from '../git/objects/unit-specs.ts';
import type { AgentServices, ClaimedUpdate, UpdateServices } from './update-claim.ts';
import { firstFiles, moveStop, moveSubject, placeOf, publishHead } from './update-start.ts';

/** Files of a conflict that an agent is given. */
const MAX_CONFLICTS = 100;

type Services = Omit<UpdateServices, 'openLog' | 'redact'> & Pick<WorkerServices, 'log'>;

/**
 * Lets an agent make its one attempt at an update, and returns the commit with its work, recorded but not pushed; the head itself
 * when it changed nothing. A claim after a crash goes on from that commit, if it is still there, and never starts a second
 * attempt. Undefined: there is nothing for an agent to do, since the new place merges without a conflict. Throws a UnitStop.
 */
export async function makeWork(
  claim: ClaimedUpdate,
  job: UnitJob,
  services: Services & AgentServices,
): Promise<string | undefined> {
  const { update, branchHead, earlier } = claim;
  const { repository } = services;
  const { repairs, committed } = earlier.progress;
  const isResolve = update.work?.kind === 'resolve';
  const conflict = isResolve ? await findConflict(claim, repository) : undefined;
  if (isResolve && conflict === undefined) return undefined;
  const isPushed = branchHead !== undefined && branchHead === committed;
  if (branchHead !== update.head && !isPushed) throw moveStop(claim, branchHead);
  if (committed !== null) {
    const [there] = await repository.reader.info([committed]);
    if (there?.type === 'commit') return committed;
  } else if (earlier.hasAnswered) return update.head;
  if (repairs > 0)
    throw fail('attempts', 'its only attempt was cut off, and nothing of it is left', 'ask for it again');
  if (conflict !== undefined) return resolve(claim, job, services, conflict);
  return update.work?.kind === 'review' ? review(claim, job, services, update.work.round) : undefined;
}

/** Pushes the commit of an agent's work, after its gates have passed. */
export async function pushWork(
  { unit, branch, branchHead, update }: ClaimedUpdate,
  commit: string,
  { repository, append, signal }: Pick<Services, 'repository' | 'append' | 'signal'>,
): Promise<void> {
  if (commit === update.head) return;
  if (branchHead !== commit) {
    signal.throwIfAborted();
    await publishHead({ branch, commit, before: update.head }, repository, async (now) => now === commit);
  }
  append({ type: 'branch.pushed', unit: unit.id, branch, head: commit });
}

/** What does not merge, and where it should go; undefined when it merges, or goes nowhere. */
interface FoundConflict {
  readonly onto: NonNullable<UnitUpdate['onto']>;
  readonly subject: string;
  readonly files: readonly string[];
  /** The merge with its conflict markers. */
  readonly tree: string;
}

async function findConflict(
  { update: { head, onto }, unit, start }: ClaimedUpdate,
  repository: Services['repository'],
): Promise<FoundConflict | undefined> {
  if (onto === null) return undefined;
  const { commit: from, since, builtOn } = onto;
  const subject = moveSubject(unit.id, placeOf(builtOn, start.target));
  const theirs = await findTheirs(repository.reader, start.directory + unit.directory, { since, onto: from });
  const merge = await mergeCommits(repository, { into: head, from, subject, since, theirs });
  return merge.kind === 'merged' ? undefined : { ...merge, onto, subject };
}

async function resolve(
  claim: ClaimedUpdate,
  job: UnitJob,
  services: Services & AgentServices,
  { onto, subject, files, tree }: FoundConflict,
): Promise<string> {
  const { update, unit, start } = claim;
  const { repository } = services;
  const { reader } = repository;
  const { head } = update;
  if (files.length > MAX_CONFLICTS)
    throw stop(files, `${files.length} files conflict, which is too much for one attempt`);
  const protection = await findProtection(reader, job);
  const mayChange = mayChangeOf(unit);
  const untouchable = files.filter((path) => isRestored(protection, path, { isAtBase: true, mayChange }));
  if (untouchable.length > 0)
    throw stop(files, `only a person may merge ${listPaths(untouchable)}: no agent may change it`);
  const [own, theirs] = [await treeOf(reader, head), await treeOf(reader, onto.commit)];
  const sides = { own, theirs };
  const parents = [head, onto.commit];
  // Never on a branch: git inside the worktree finds both sides in its history.
  const from = await repository.commit({ tree, parents, subject: 'To be resolved' });
  const patch = async (to: string): Promise<string> =>
    readPatch(repository, { from: onto.since, to }, { files, length: MAX_PATCH });
  const prompt = resolvePrompt({
    unit,
    place: start.target,
    files: await Promise.all(files.map(async (path) => ({ path, on: await sideOf(reader, path, sides) }))),
    own: await patch(head),
    theirs: await patch(onto.commit),
  });
  const work = { kind: 'resolve', title: 'Resolve a conflict', prompt: () => prompt } as const;
  const left = await attemptUpdate({ ...job, start: from }, agentServices(services), work);
  const markers = await findLeftMarkers(reader, files, { result: left.tree, sides: [own, theirs] });
  if (markers.length > 0) throw stop(files, `conflict markers are left in ${listPaths(markers)}`);
  return record(claim, services, {
    tree: left.tree,
    parents,
    subject,
    body: `An agent resolved the conflict in ${listPaths(files)}.`,
  });
}

async function review(
  claim: ClaimedUpdate,
  job: UnitJob,
  services: Services & AgentServices,
  round: string,
): Promise<string> {
  const { update, unit } = claim;
  const { repository, append, recorded } = services;
  const request = await services.readRound(round);
  if (request === undefined) throw fail('internal', `the round of review ${round} is not stored any more`);
  const { head } = update;
  const patch = await readPatch(repository, { from: job.base, to: head }, { length: MAX_PATCH });
  const left = await attemptUpdate({ ...job, start: head }, agentServices(services), {
    kind: 'review',
    title: 'Answer a review',
    threads: request.threads.slice(0, MAX_ANSWERS).map(({ id }) => id),
    prompt: (answersPath) => reviewPrompt({ unit, request, patch, answersPath }),
  });
  const { tree, hasChanged } = left;
  const { answers, summary } = settleAnswers(request.threads, left.written, { hasChanged });
  const answered: EventBody = { type: 'unit.answered', unit: unit.id, answers: [...answers], summary };
  if (hasChanged) {
    const facts = { tree, parents: [head], subject: `Answer the review of ${unit.id}` };
    return record(claim, services, facts, [answered]);
  }
  append(answered);
  await recorded();
  return head;
}

/** Commits an agent's work and records that, after `events`: a later claim goes on from there. */
async function record(
  { start, unit, update }: ClaimedUpdate,
  { repository, append, recorded }: Pick<Services, 'repository' | 'append' | 'recorded'>,
  facts: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly subject: string;
    readonly body?: string;
  },
  events: readonly EventBody[] = [],
): Promise<string> {
  const trailers = { 'Choo-Run': start.run, 'Choo-Unit': unit.id };
  const commit = await repository.commit({ ...facts, trailers });
  for (const event of events) append(event);
  append({ type: 'baseline.committed', unit: unit.id, attempt: 1, commit, parent: update.head });
  await recorded();
  return commit;
}

function agentServices(services: Services & AgentServices) {
  return { ...services, agent: services.findAgent(), onActivity: () => {} };
}

async function sideOf(
  reader: Parameters<typeof findFile>[0],
  path: string,
  { own, theirs }: { readonly own: string; readonly theirs: string },
): Promise<'both' | 'own' | 'theirs' | undefined> {
  const [mine, other] = [await findFile(reader, own, path), await findFile(reader, theirs, path)];
  if (mine !== undefined && other !== undefined) return 'both';
  return mine !== undefined ? 'own' : other !== undefined ? 'theirs' : undefined;
}

function stop(files: readonly string[], message: string): UnitStop {
  return new UnitStop({ kind: 'failed', failure: 'conflict', message, files: firstFiles(files) });
}
