import { movesBranch } from '../../events/unit-update.ts';
import type { Verdict } from '../../github/render/verdict.ts';
import type { FoundUpdate } from '../../store/runs/updates.ts';

/** A dependency of a unit whose work the target does not contain. */
export interface OpenDependency {
  readonly unit: string;
  readonly branch: string;
  /** `rejected`: a person closed its pull request. `lost`: its branch may be gone. */
  readonly state: 'open' | 'rejected' | 'lost';
}

/** Where a unit's work should stand when it is brought up to date. */
export interface Place {
  readonly commit: string;
  /** The files that conflict between it and the head. */
  readonly conflicts: readonly string[];
}

/** Where a head stands that replaced the recorded one: its work was made again there. */
export interface MadeAgain {
  readonly place: string;
  /** What the replaced head stood on. */
  readonly since: string;
  readonly replaces: string;
}

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
  /**
   * Its base: the target, its base branch, or the branch of its only dependency where that was replaced. Undefined: it stays on
   * its only dependency.
   */
  readonly place: Place | undefined;
  /** The work does not stand on `place`: what is there was squashed, rebased or amended. */
  readonly isBehind: boolean;
  /** The head has all of `place` in its history. */
  readonly isUpToDate: boolean;
  /** The newest update of the unit branch. */
  readonly update: FoundUpdate | undefined;
  /** For a head that somebody made by a rebase of the recorded one; undefined: for every other. */
  readonly madeAgain: MadeAgain | undefined;
  /** Its base in one of GitHub's own stacks, where only GitHub moves it and its branch; undefined: it is in none. */
  readonly stackBase: string | undefined;
  readonly pull: { readonly held: boolean; readonly updateAsked: boolean } | undefined;
  /** The repository wants its branches brought up to date whenever their base moves. */
  readonly always: boolean;
  /** Whether the gates of a head that choo did not make run without being asked for. */
  readonly verifiesOthers: boolean;
}

/** The next step that makes a pull request true. */
type NextStep =
  | { readonly kind: 'none' }
  /** Run the gates at the head, which choo did not make. */
  | { readonly kind: 'verify'; readonly head: string; readonly madeAgain?: MadeAgain | undefined }
  /** Merge the place into the unit branch, and run the gates there. */
  | { readonly kind: 'bring-up'; readonly head: string; readonly place: string };

/** What a unit's pull request should be. */
export interface WantedPull {
  readonly base: string;
  readonly draft: boolean;
  /** The dependencies to merge first. */
  readonly needs: readonly string[];
  readonly verdict: Verdict;
  readonly next: NextStep;
  /** Why the branch was not brought up to date though it has to be; null: it was, or will be. */
  readonly stuck: string | null;
}

/**
 * Derives what a unit's pull request should be from what choo recorded and what git and GitHub say now. Pure, and without
 * memory: a process that knows only these facts comes to the same end as one that saw every event.
 */
export function derivePull(facts: PullFacts): WantedPull {
  const { open, isFailed, isBehind, pull, update } = facts;
  const verdict = judge(facts);
  const next = findNextStep(facts, verdict);
  const isTrue = verdict.kind === 'recorded' || verdict.kind === 'verified';
  return {
    base: findBase(facts),
    draft: open.length > 0 || isFailed || !isTrue || isBehind || next.kind !== 'none' || pull?.held === true,
    needs: open.map(({ unit }) => unit),
    verdict,
    next,
    stuck:
      isBehind && isTrue && next.kind === 'none' && !isFailed && update !== undefined
        ? reasonOf(update)
        : null,
  };
}

/** With one open dependency its branch, so that only the unit's own work shows; with several choo's merge of them. */
function findBase({ open, target, baseBranch, stackBase }: PullFacts): string {
  if (stackBase !== undefined) return stackBase;
  const [only] = open;
  if (only === undefined) return target;
  if (baseBranch !== undefined) return baseBranch;
  return open.length === 1 && only.state !== 'lost' ? only.branch : target;
}

function judge({ head, recorded, update, place, pull, verifiesOthers }: PullFacts): Verdict {
  if (head === undefined) return { kind: 'recorded' };
  if (update?.status === 'running') return { kind: 'pending', head };
  if (head !== recorded.head) {
    const isJudged = update?.update.head === head && !movesBranch(update.update);
    if (isJudged) return { kind: 'unverified', head, reason: reasonOf(update) };
    if (verifiesOthers || pull?.updateAsked === true) return { kind: 'pending', head };
    return { kind: 'unverified', head, reason: 'its gates run here only when a person asks' };
  }
  if (place !== undefined && place.conflicts.length > 0) return { kind: 'conflict', files: place.conflicts };
  if (update === undefined) return { kind: 'recorded' };
  const isOfUpdate = (update.result?.to ?? update.update.head) === head;
  if (isOfUpdate && !recorded.verified) return { kind: 'unverified', head, reason: reasonOf(update) };
  return isOfUpdate && update.status === 'complete' ? { kind: 'verified', head } : { kind: 'recorded' };
}

function findNextStep(facts: PullFacts, verdict: Verdict): NextStep {
  const { head, isFailed, open, place, pull, update } = facts;
  if (head === undefined || update?.status === 'running') return { kind: 'none' };
  const isAsked = pull?.updateAsked === true;
  if (verdict.kind === 'pending' || (verdict.kind === 'unverified' && isAsked))
    return { kind: 'verify', head, madeAgain: facts.madeAgain };
  // The next attempt of failed work begins on the newest base.
  if (isFailed || verdict.kind === 'conflict' || verdict.kind === 'unverified') return { kind: 'none' };
  // Dependants of a rejected unit stay where they are until a person decides.
  if (place === undefined || facts.stackBase !== undefined || open.some(({ state }) => state !== 'open'))
    return { kind: 'none' };
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
