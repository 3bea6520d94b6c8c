import { movesBranch } from '../../events/unit-update.ts';
import type { ConflictAuthors, ConflictVerdict, Verdict } from '../../github/render/verdict.ts';
import type { FoundUpdate } from '../../store/runs/updates.ts';

/** A dependency of a unit whose work the target does not contain. */
export interface OpenDependency {
  readonly unit: string;
  readonly branch: string;
  /** `rejected`: a person closed its pull request. `lost`: its branch may be gone. `reverted`: the target took it back. */
  readonly state: 'open' | 'rejected' | 'lost' | 'reverted';
  /** The number of its pull request; undefined: it has none. */
  readonly number?: number | undefined;
  /** The unit whose pull request has to be merged for it: another one, when it was merged into that one's branch. */
  readonly through: string;
}

/** Where a unit's work should stand when it is brought up to date. */
export interface Place {
  readonly commit: string;
  /** The files that conflict between it and the head, and who changed them on each side. */
  readonly conflicts: readonly string[];
  readonly authors?: ConflictAuthors;
  /** No agent can resolve it: the dependencies conflict with each other, or the repository takes no merge. */
  readonly needsPerson?: boolean;
  /** What conflicts are the heads of its dependencies and the target: `conflicts` are their branches. */
  readonly isOfBase?: boolean;
}

/** Where a head stands that others made: they made its commits again there, or merged that place into it. */
export interface MadeAgain {
  readonly place: string;
  /** What the head before stood on. */
  readonly since: string;
  readonly replaces: string;
  readonly way: 'found' | 'merged';
}

/**
 * Why a unit on several dependencies has no base branch: these conflict, GitHub refuses it, or it was deleted too often.
 */
export type NoBase =
  | { readonly kind: 'conflict' }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'refused'; readonly reason: string };

/** Everything that decides what a unit's pull request should be. */
export interface PullFacts {
  /** The branch that results go to. */
  readonly target: string;
  /** The unit's work has ended, and failed. */
  readonly isFailed: boolean;
  /** The head that choo made or verified, and whether every gate passed there. */
  readonly recorded: { readonly head: string; readonly verified: boolean };
  /** The head of the unit branch; undefined: there is no branch. */
  readonly head: string | undefined;
  readonly open: readonly OpenDependency[];
  /** The branch of choo's merge of several dependencies; undefined: the work stands on one at most. */
  readonly baseBranch: string | undefined;
  /** Why it cannot have that branch; undefined: it can, or needs none. */
  readonly noBase: NoBase | undefined;
  /**
   * Its base: the target, its base branch, or the branch of its only dependency where that was replaced. Undefined: it stays on
   * its only dependency.
   */
  readonly place: Place | undefined;
  /** The work does not stand on `place`: what is there was squashed, rebased or amended. */
  readonly isBehind: boolean;
  /** The head has all of `place` in its history. */
  readonly isUpToDate: boolean;
  /** What the work stands on has other specs for the unit than the approved ones. */
  readonly specsChanged: boolean;
  /** The newest update of the unit branch. */
  readonly update: FoundUpdate | undefined;
  /** For a head that somebody made by a rebase of the recorded one; undefined: for every other. */
  readonly madeAgain: MadeAgain | undefined;
  /** Its base in one of GitHub's own stacks, where only GitHub moves it and its branch; undefined: it is in none. */
  readonly stackBase: string | undefined;
  readonly pull:
    | { readonly held: boolean; readonly updateAsked: boolean; readonly resolveAsked: boolean }
    | undefined;
  /** The repository wants its branches brought up to date whenever their base moves. */
  readonly always: boolean;
  /** The repository wants an agent to resolve conflicts by itself, and it has not failed at this head too often. */
  readonly byAgent: boolean;
  /** Whether the gates of a head that choo did not make run without being asked for. */
  readonly verifiesOthers: boolean;
}

/** The next step that makes a pull request true. */
type NextStep =
  | { readonly kind: 'none' }
  /** Run the gates at the head, which choo did not make. */
  | { readonly kind: 'verify'; readonly head: string; readonly madeAgain?: MadeAgain | undefined }
  /** Merge the place into the unit branch, and run the gates there. */
  | { readonly kind: 'bring-up'; readonly head: string; readonly place: string }
  /** Let an agent resolve the conflict of that merge, in one attempt. */
  | { readonly kind: 'resolve'; readonly head: string; readonly place: string };

/** What a unit's pull request should be. */
export interface WantedPull {
  readonly base: string;
  readonly draft: boolean;
  /** The dependencies to merge first. */
  readonly needs: readonly string[];
  readonly verdict: Verdict;
  readonly next: NextStep;
  /** Whether its branch can be brought up to date when a person asks. */
  readonly offersUpdate: boolean;
  /** Why the branch was not brought up to date though it has to be; null: it was, or will be. */
  readonly stuck: string | null;
  /** Why its base is the target though several dependencies are open; null: it is not, or there is no reason. */
  readonly noBase: NoBase | null;
  /** The dependencies that a person rejected. */
  readonly rejected: readonly { readonly unit: string; readonly number: number | null }[];
}

/**
 * Derives what a unit's pull request should be from what choo recorded and what git and GitHub say now. Pure, and without
 * memory: a process that knows only these facts comes to the same end as one that saw every event.
 */
export function derivePull(facts: PullFacts): WantedPull {
  const { open, isFailed, isBehind, pull, update } = facts;
  const judged = judge(facts);
  const next = findNextStep(facts, judged);
  const verdict = findVerdict(facts, judged, next);
  const isTrue = judged.kind === 'recorded' || judged.kind === 'verified';
  const isOutdated = verdict.kind === 'specs-changed';
  return {
    base: findBase(facts),
    draft:
      open.length > 0 ||
      isFailed ||
      !isTrue ||
      isOutdated ||
      isBehind ||
      next.kind !== 'none' ||
      pull?.held === true,
    needs: [...new Set(open.map(({ through }) => through))],
    verdict,
    next,
    offersUpdate: isTrue && !isOutdated && !isFailed && next.kind === 'none' && canMove(facts),
    stuck:
      isBehind && isTrue && next.kind === 'none' && !isFailed && update !== undefined
        ? reasonOf(update)
        : null,
    noBase: open.length > 0 && facts.stackBase === undefined ? (facts.noBase ?? null) : null,
    rejected: open.flatMap(({ unit, state, number }) =>
      state === 'rejected' ? [{ unit, number: number ?? null }] : [],
    ),
  };
}

function findVerdict(facts: PullFacts, judged: Verdict, next: NextStep): Verdict {
  if (judged.kind === 'conflict' && next.kind === 'resolve')
    return { ...judged, agent: 'works', failed: null };
  const isTrue = judged.kind === 'recorded' || judged.kind === 'verified';
  // What failed says so, and is done again with the newest specs.
  return isTrue && facts.specsChanged && !facts.isFailed && facts.head !== undefined
    ? { kind: 'specs-changed', head: facts.head }
    : judged;
}

/** With one open dependency its branch, so that only the unit's own work shows; with several choo's merge of them. */
function findBase({ open, target, baseBranch, noBase, stackBase }: PullFacts): string {
  if (stackBase !== undefined) return stackBase;
  const [only] = open;
  if (only === undefined || noBase !== undefined) return target;
  if (baseBranch !== undefined) return baseBranch;
  const hasBranch = only.state !== 'lost' && only.state !== 'reverted';
  return open.length === 1 && hasBranch ? only.branch : target;
}

function judge(facts: PullFacts): Verdict {
  const { head, recorded, update, place, pull, verifiesOthers } = facts;
  if (head === undefined) return { kind: 'recorded' };
  // While an agent works, what was true of the head stays true.
  if (update?.status === 'running' && update.update.work === null) return { kind: 'pending', head };
  if (head !== recorded.head) {
    const isJudged =
      update?.update.head === head && !movesBranch(update.update) && update.update.work === null;
    if (isJudged) return { kind: 'unverified', head, reason: reasonOf(update) };
    if (verifiesOthers || pull?.updateAsked === true) return { kind: 'pending', head };
    return { kind: 'unverified', head, reason: 'its gates run here only when a person asks' };
  }
  if (place !== undefined && place.conflicts.length > 0) return judgeConflict(facts, head, place);
  if (update === undefined) return { kind: 'recorded' };
  const isOfUpdate = (update.result?.to ?? update.update.head) === head;
  if (isOfUpdate && !recorded.verified) return { kind: 'unverified', head, reason: reasonOf(update) };
  return isOfUpdate && update.status === 'complete' ? { kind: 'verified', head } : { kind: 'recorded' };
}

function judgeConflict(facts: PullFacts, head: string, place: Place): ConflictVerdict {
  const { update, isFailed } = facts;
  const isTried = wasResolved(update, head, place);
  const isWorking = isTried && update.status === 'running';
  const mayResolve = canMove(facts) && !isFailed && place.needsPerson !== true;
  return {
    kind: 'conflict',
    files: place.conflicts,
    authors: place.authors ?? { own: [], theirs: [] },
    agent: isWorking ? 'works' : mayResolve && !isTried ? 'offered' : 'none',
    failed: isTried && !isWorking ? reasonOf(update) : null,
    ...(place.isOfBase === true && { isOfBase: true }),
  };
}

/** Whether an agent was asked to resolve the conflict of this head with this place. */
function wasResolved(update: FoundUpdate | undefined, head: string, place: Place): update is FoundUpdate {
  if (update?.update.work?.kind !== 'resolve') return false;
  return update.update.head === head && update.update.onto?.commit === place.commit;
}

/** Whether the branch may move to its place: dependants of a rejected unit stay where they are until a person decides. */
function canMove({ place, open, stackBase }: PullFacts): boolean {
  return place !== undefined && stackBase === undefined && open.every(({ state }) => state === 'open');
}

function findNextStep(facts: PullFacts, verdict: Verdict): NextStep {
  const { head, isFailed, place, pull, update } = facts;
  if (head === undefined || update?.status === 'running') return { kind: 'none' };
  const isAsked = pull?.updateAsked === true;
  if (verdict.kind === 'pending' || (verdict.kind === 'unverified' && isAsked))
    return { kind: 'verify', head, madeAgain: facts.madeAgain };
  // The next attempt of failed work begins on the newest base.
  if (isFailed || verdict.kind === 'unverified' || place === undefined || !canMove(facts))
    return { kind: 'none' };
  if (verdict.kind === 'conflict') {
    const isWanted = facts.byAgent && verdict.agent === 'offered';
    const mayStart = place.needsPerson !== true && (isWanted || pull?.resolveAsked === true);
    return mayStart ? { kind: 'resolve', head, place: place.commit } : { kind: 'none' };
  }
  // Once from each head to each place, however that ended.
  const isTried =
    update !== undefined &&
    update.update.onto?.commit === place.commit &&
    (update.update.head === head || update.result?.to === head);
  const isWanted = facts.isBehind ? !isTried || isAsked : !facts.isUpToDate && (facts.always || isAsked);
  return isWanted ? { kind: 'bring-up', head, place: place.commit } : { kind: 'none' };
}

function reasonOf({ failure }: FoundUpdate): string {
  return failure?.message ?? 'its gates did not run';
}
