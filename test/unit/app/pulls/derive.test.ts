import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  derivePull,
  type OpenDependency,
  type PullFacts,
  type WantedPull,
} from '../../../../src/app/pulls/derive.ts';
import type { ConflictVerdict } from '../../../../src/github/render/verdict.ts';
import type { FoundUpdate } from '../../../../src/store/runs/updates.ts';

const [HEAD, OTHER, PLACE] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];

/** A verified unit without dependencies whose work stands on the target. */
const FACTS: PullFacts = {
  target: 'main',
  isFailed: false,
  recorded: { head: HEAD, verified: true },
  head: HEAD,
  open: [],
  baseBranch: undefined,
  noBase: undefined,
  specsChanged: false,
  place: { commit: PLACE, conflicts: [] },
  isBehind: false,
  isUpToDate: false,
  update: undefined,
  madeAgain: undefined,
  stackBase: undefined,
  pull: { held: false, updateAsked: false, resolveAsked: false },
  always: false,
  byAgent: false,
  verifiesOthers: true,
};

function updateOf(rest: Partial<FoundUpdate>): FoundUpdate {
  return {
    run: 'update0001',
    status: 'complete',
    update: { head: HEAD, onto: null, work: null },
    resolves: 0,
    judge: null,
    result: null,
    failure: null,
    ...rest,
  };
}

const NOTHING = { kind: 'none' };
const WHO = { own: ['ada'], theirs: ['bob'] };
const CONFLICT = {
  ...{ kind: 'conflict' as const, files: ['a.txt'], authors: { own: [], theirs: [] } },
  ...{ agent: 'offered' as const, failed: null },
};
const onto = { commit: PLACE, since: OTHER, builtOn: {} };
const asked = { held: false, updateAsked: true, resolveAsked: false };
const below = (state: OpenDependency['state'] = 'open', unit = 'one') => ({
  unit,
  branch: `choo/unit/main/${unit}`,
  state,
  through: unit,
});
const red = { failure: 'verify' as const, message: 'the gate is red', hint: null, files: [] };

const CLASH = { isBehind: true, place: { commit: PLACE, conflicts: ['a.txt'], authors: WHO } };
const tryOf = (rest: Partial<FoundUpdate> = {}): FoundUpdate =>
  updateOf({
    update: { head: HEAD, onto, work: { kind: 'resolve' } },
    status: 'failed',
    failure: red,
    ...rest,
  });
const wanted = { held: false, updateAsked: true, resolveAsked: true };

describe('a conflict', () => {
  const start = { kind: 'resolve', head: HEAD, place: PLACE };
  test.each<[string, Partial<PullFacts>, Partial<ConflictVerdict>, object]>([
    ['names who is on each side, and offers an agent', {}, { authors: WHO, agent: 'offered' }, NOTHING],
    ['starts none for who asks for any update', { pull: asked }, { agent: 'offered' }, NOTHING],
    ['starts one for who asks for it', { pull: wanted }, { agent: 'works' }, start],
    ['starts one by itself where the repository says so', { byAgent: true }, { agent: 'works' }, start],
    [
      'says that one works',
      { update: tryOf({ status: 'running' }), pull: wanted },
      { agent: 'works', failed: null },
      NOTHING,
    ],
    [
      'is not tried again by itself',
      { byAgent: true, update: tryOf() },
      { agent: 'none', failed: red.message },
      NOTHING,
    ],
    [
      'is tried again for who asks again',
      { pull: wanted, update: tryOf() },
      { agent: 'works', failed: null },
      start,
    ],
    [
      'with another place is another one',
      {
        byAgent: true,
        update: tryOf({
          update: { head: HEAD, onto: { ...onto, commit: OTHER }, work: { kind: 'resolve' } },
        }),
      },
      { agent: 'works' },
      start,
    ],
    [
      'of its dependencies with each other is for no agent',
      { place: { ...CLASH.place, needsPerson: true }, pull: wanted, byAgent: true },
      { agent: 'none' },
      NOTHING,
    ],
    [
      'above a rejected one is for a person',
      { open: [below('rejected')], pull: wanted },
      { agent: 'none' },
      NOTHING,
    ],
    [
      'of failed work is left alone',
      { isFailed: true, pull: wanted, byAgent: true },
      { agent: 'none' },
      NOTHING,
    ],
  ])('%s', (_, facts, verdict, next) => {
    expect(derivePull({ ...FACTS, ...CLASH, ...facts })).toMatchObject({
      ...{ draft: true, verdict: { kind: 'conflict', files: ['a.txt'], ...verdict }, next },
    });
  });
});

describe('a review', () => {
  const work = { kind: 'review', round: '1' } as const;
  test('that an agent works on changes nothing about what is true', () => {
    const update = updateOf({ status: 'running', update: { head: HEAD, onto: null, work } });
    expect(derivePull({ ...FACTS, update })).toMatchObject({
      draft: false,
      verdict: { kind: 'recorded' },
      next: NOTHING,
    });
  });

  test('that failed at a head is no verdict on it', () => {
    const update = updateOf({ status: 'failed', update: { head: OTHER, onto: null, work }, failure: red });
    const next = { kind: 'verify', head: OTHER };
    expect(derivePull({ ...FACTS, head: OTHER, update })).toMatchObject({
      verdict: { kind: 'pending' },
      next,
    });
  });

  test('whose work was pushed is verified at the new head', () => {
    const result = { to: OTHER, same: false, files: [] };
    const update = updateOf({ update: { head: HEAD, onto: null, work }, result });
    const facts = { ...FACTS, head: OTHER, recorded: { head: OTHER, verified: true }, update };
    expect(derivePull(facts)).toMatchObject({ draft: false, verdict: { kind: 'verified', head: OTHER } });
  });
});

test.each<[string, Partial<PullFacts>, boolean]>([
  ['where its base may move', {}, true],
  ['not above its only open dependency, where it stays', { open: [below()], place: undefined }, false],
  ['not while it is being done', { isBehind: true }, false],
  ['not of failed work', { isFailed: true }, false],
])('an update is offered %s', (_, facts, is) => {
  expect(derivePull({ ...FACTS, ...facts }).offersUpdate).toBe(is);
});

describe('a pull request', () => {
  test.each<[string, Partial<PullFacts>, Partial<WantedPull>]>([
    ['of verified work is ready', {}, { base: 'main', draft: false, verdict: { kind: 'recorded' } }],
    [
      'goes to its only open dependency, as a draft',
      { open: [below()], place: undefined },
      { base: 'choo/unit/main/one', draft: true, needs: ['one'], next: { kind: 'none' } },
    ],
    [
      'goes to a merge of several',
      { open: [below(), below('open', 'two')], baseBranch: 'choo/base/main/x' },
      { base: 'choo/base/main/x', draft: true, next: { kind: 'none' } },
    ],
    [
      'goes to that merge until all of them are in the target',
      { open: [below('open', 'two')], baseBranch: 'choo/base/main/x', isBehind: true },
      { base: 'choo/base/main/x', draft: true, next: { kind: 'bring-up', head: HEAD, place: PLACE } },
    ],
    [
      'goes to the target, and says why, where that merge cannot be',
      {
        open: [below(), below('open', 'two')],
        baseBranch: 'choo/base/main/x',
        noBase: { kind: 'refused', reason: 'a rule' },
      },
      { base: 'main', draft: true, noBase: { kind: 'refused', reason: 'a rule' }, next: { kind: 'none' } },
    ],
    [
      'goes to the target where its dependencies conflict, which is for a person',
      {
        open: [below(), below('open', 'two')],
        baseBranch: 'choo/base/main/x',
        noBase: { kind: 'conflict' },
        place: { commit: PLACE, conflicts: ['choo/unit/main/one'], needsPerson: true, isOfBase: true },
        pull: wanted,
      },
      {
        base: 'main',
        draft: true,
        verdict: { ...CONFLICT, files: ['choo/unit/main/one'], agent: 'none', isOfBase: true },
        next: { kind: 'none' },
      },
    ],
    [
      'has no reason for its base once all of them are merged',
      { noBase: { kind: 'refused', reason: 'a rule' } },
      { base: 'main', draft: false, noBase: null },
    ],
    [
      'above one that was merged into another waits for that other',
      { open: [{ ...below('open', 'two'), through: 'one' }, below()], baseBranch: 'choo/base/main/x' },
      { draft: true, needs: ['one'] },
    ],
    [
      'whose specs have changed since is a draft that says so, and is offered no update',
      { specsChanged: true },
      {
        draft: true,
        verdict: { kind: 'specs-changed', head: HEAD },
        offersUpdate: false,
        next: { kind: 'none' },
      },
    ],
    [
      'whose specs have changed since is still brought up to date',
      { specsChanged: true, isBehind: true },
      { draft: true, next: { kind: 'bring-up', head: HEAD, place: PLACE } },
    ],
    [
      'whose specs have changed since says first that its gates failed, or conflicts',
      { specsChanged: true, place: { commit: PLACE, conflicts: ['a.txt'] } },
      { verdict: CONFLICT },
    ],
    [
      'goes to the target when the branch below may be gone',
      { open: [below('lost')], place: undefined },
      { base: 'main', draft: true },
    ],
    [
      'stays on the target, as a draft, when that took back what it needs',
      { open: [below('reverted')], place: undefined },
      { base: 'main', draft: true, needs: ['one'], next: { kind: 'none' } },
    ],
    [
      'is a draft until it is brought up to date after a squash',
      { isBehind: true },
      { base: 'main', draft: true, next: { kind: 'bring-up', head: HEAD, place: PLACE } },
    ],
    [
      'is brought up to date once',
      {
        isBehind: true,
        update: updateOf({ status: 'failed', update: { head: HEAD, onto, work: null }, failure: red }),
      },
      { draft: true, next: { kind: 'none' }, stuck: red.message },
    ],
    [
      'is brought up to date once, though that changed nothing',
      {
        isBehind: true,
        update: updateOf({
          update: { head: OTHER, onto, work: null },
          result: { to: HEAD, same: true, files: [] },
        }),
      },
      { next: { kind: 'none' } },
    ],
    [
      'is brought up to date again when that is asked for',
      {
        isBehind: true,
        update: updateOf({ status: 'failed', update: { head: HEAD, onto, work: null } }),
        pull: asked,
      },
      { next: { kind: 'bring-up', head: HEAD, place: PLACE } },
    ],
    [
      'waits for an update that is under way',
      { isBehind: true, update: updateOf({ status: 'running', update: { head: HEAD, onto, work: null } }) },
      { draft: true, verdict: { kind: 'pending', head: HEAD }, next: { kind: 'none' } },
    ],
    [
      'stays on a rejected dependency',
      { open: [{ ...below('rejected'), number: 7 }], place: undefined, isBehind: true },
      {
        base: 'choo/unit/main/one',
        draft: true,
        next: { kind: 'none' },
        rejected: [{ unit: 'one', number: 7 }],
      },
    ],
    [
      'stays where it is while the target moves',
      { isUpToDate: false },
      { draft: false, next: { kind: 'none' } },
    ],
    [
      'follows the target where the repository wants that',
      { always: true },
      { next: { kind: 'bring-up', head: HEAD, place: PLACE } },
    ],
    [
      'does not follow what it has',
      { always: true, isUpToDate: true },
      { draft: false, next: { kind: 'none' } },
    ],
    [
      'says conflicts, and does nothing about them',
      { isBehind: true, place: { commit: PLACE, conflicts: ['a.txt'] } },
      { draft: true, verdict: CONFLICT, next: { kind: 'none' } },
    ],
    [
      'of a head that others made claims nothing until its gates have run',
      { head: OTHER },
      { draft: true, verdict: { kind: 'pending', head: OTHER }, next: { kind: 'verify', head: OTHER } },
    ],
    [
      'of a head that others made is not verified by itself where nothing confines its gates',
      { head: OTHER, verifiesOthers: false },
      {
        draft: true,
        verdict: { kind: 'unverified', head: OTHER, reason: expect.any(String) },
        next: { kind: 'none' },
      },
    ],
    [
      'of a head that others made is verified there when a person asks',
      { head: OTHER, verifiesOthers: false, pull: asked },
      { next: { kind: 'verify', head: OTHER } },
    ],
    [
      'of a head that others made by a rebase says where it stands now',
      { head: OTHER, madeAgain: { place: PLACE, since: HEAD, replaces: HEAD, way: 'found' as const } },
      {
        next: {
          kind: 'verify',
          head: OTHER,
          madeAgain: { place: PLACE, since: HEAD, replaces: HEAD, way: 'found' as const },
        },
      },
    ],
    [
      'of a head that others made by a rebase says that its gates failed',
      {
        head: OTHER,
        madeAgain: { place: PLACE, since: HEAD, replaces: HEAD, way: 'found' as const },
        update: updateOf({
          status: 'failed',
          update: { head: OTHER, onto: { ...onto, way: 'found', replaces: HEAD }, work: null },
          failure: red,
        }),
      },
      {
        draft: true,
        verdict: { kind: 'unverified', head: OTHER, reason: red.message },
        next: { kind: 'none' },
      },
    ],
    [
      "in one of GitHub's own stacks stays where it is, whatever is asked",
      { stackBase: 'choo/unit/main/one', isBehind: true, pull: asked, always: true },
      { base: 'choo/unit/main/one', draft: true, next: { kind: 'none' } },
    ],
    [
      "in one of GitHub's own stacks is verified when GitHub has moved it",
      { stackBase: 'main', open: [below()], place: undefined, head: OTHER },
      { base: 'main', draft: true, next: { kind: 'verify', head: OTHER } },
    ],
    [
      'of a head whose gates failed says so',
      {
        head: OTHER,
        update: updateOf({ status: 'failed', update: { head: OTHER, onto: null, work: null }, failure: red }),
      },
      {
        draft: true,
        verdict: { kind: 'unverified', head: OTHER, reason: red.message },
        next: { kind: 'none' },
      },
    ],
    [
      'of a head that was verified after it moved is ready',
      {
        update: updateOf({
          update: { head: OTHER, onto, work: null },
          result: { to: HEAD, same: true, files: [] },
        }),
      },
      { draft: false, verdict: { kind: 'verified', head: HEAD }, next: { kind: 'none' } },
    ],
    [
      'that was brought up to date, with red gates there, is a draft',
      {
        recorded: { head: HEAD, verified: false },
        update: updateOf({
          status: 'failed',
          update: { head: OTHER, onto, work: null },
          result: { to: HEAD, same: true, files: [] },
          failure: red,
        }),
      },
      { draft: true, verdict: { kind: 'unverified', head: HEAD, reason: red.message } },
    ],
    [
      'that a person made a draft stays one',
      { pull: { held: true, updateAsked: false, resolveAsked: false } },
      { draft: true },
    ],
    [
      'of failed work is a draft, and is left alone',
      { isFailed: true, isBehind: true },
      { draft: true, next: { kind: 'none' } },
    ],
    [
      'without a branch has nothing done to it',
      { head: undefined, isBehind: true },
      { next: { kind: 'none' } },
    ],
  ])('%s', (_, facts, wanted) => {
    expect(derivePull({ ...FACTS, ...facts })).toMatchObject(wanted);
  });

  const GITHUB = ['squash', 'push', 'target', 'ready', 'hold', 'conflict', 'cure'] as const;

  test('is true in the end, whatever happens', () => {
    const event = fc.constantFrom(...GITHUB, 'ask', 'red', 'green');
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), fc.array(fc.boolean()), (events, seen) => {
        const world = new World();
        for (const [index, each] of events.entries()) {
          world.happen(each);
          if (seen[index] === true) world.settle();
        }
        world.settle();
        expect(world.isTrue()).toBe(true);
      }),
    );
  });

  test('comes to the same end whichever events were missed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...GITHUB), { maxLength: 12 }),
        fc.array(fc.boolean()),
        (events, seen) => {
          const [watched, late] = [new World(), new World()];
          for (const [index, each] of events.entries()) {
            for (const world of [watched, late]) world.happen(each);
            watched.settle();
            if (seen[index] === true) late.settle();
          }
          for (const world of [watched, late]) world.settle();
          expect(late.outcome()).toEqual(watched.outcome());
        },
      ),
    );
  });
});

/** One unit without dependencies, its pull request and its updates, as git and GitHub would show them. */
class World {
  #commits = 0;
  #head = 'head0';
  #recorded = { head: 'head0', verified: true };
  #target = 'target0';
  /** The targets that the work stands on, and that the head contains. */
  #standsOn = 'target0';
  #isSquashed = false;
  #conflicts = false;
  #isGreen = true;
  #update: FoundUpdate | undefined;
  #pull = { held: false, updateAsked: false, resolveAsked: false, draft: false };

  happen(event: string): void {
    this.#commits += 1;
    if (event === 'push') this.#head = `head${this.#commits}`;
    if (event === 'target' || event === 'squash') this.#target = `target${this.#commits}`;
    if (event === 'squash') this.#isSquashed = true;
    if (event === 'conflict' || event === 'cure') this.#conflicts = event === 'conflict';
    if (event === 'red' || event === 'green') this.#isGreen = event === 'green';
    if (event === 'ready') this.#pull = { ...this.#pull, draft: false, held: false };
    if (event === 'hold') this.#pull = { ...this.#pull, draft: true, held: true };
    if (event === 'ask') this.#pull = { ...this.#pull, updateAsked: true };
  }

  derive(): WantedPull {
    return derivePull({
      ...FACTS,
      recorded: this.#recorded,
      head: this.#head,
      place: { commit: this.#target, conflicts: this.#conflicts ? ['a.txt'] : [] },
      isBehind: this.#isSquashed && this.#standsOn !== this.#target,
      isUpToDate: this.#standsOn === this.#target,
      update: this.#update,
      pull: this.#pull,
    });
  }

  /** Takes steps until there is none. */
  settle(): void {
    for (let count = 0; count < 10; count += 1) {
      const { draft, next } = this.derive();
      this.#pull = { ...this.#pull, draft, updateAsked: false };
      if (next.kind === 'none') return;
      this.#take(next);
    }
    throw new Error('there is always another step');
  }

  #take(next: WantedPull['next']): void {
    if (next.kind === 'none') return;
    const isGreen = this.#isGreen;
    this.#commits += 1;
    const result = next.kind === 'bring-up' ? { to: `head${this.#commits}`, same: true, files: [] } : null;
    const update =
      next.kind === 'bring-up'
        ? { head: next.head, onto: { ...onto, commit: next.place }, work: null }
        : { head: next.head, onto: null, work: null };
    this.#update = updateOf({
      update,
      result,
      status: isGreen ? 'complete' : 'failed',
      failure: isGreen ? null : red,
    });
    if (result !== null) [this.#head, this.#standsOn] = [result.to, this.#target];
    if (result !== null || isGreen) this.#recorded = { head: this.#head, verified: isGreen };
  }

  /** A pull request is ready only where every gate passed at its head, and it stands on its base. */
  isTrue(): boolean {
    const { verdict } = this.derive();
    const isReady = !this.#pull.draft;
    const isVerified = this.#recorded.head === this.#head && this.#recorded.verified;
    const isBehind = this.#isSquashed && this.#standsOn !== this.#target;
    const isSaid = verdict.kind === 'recorded' || verdict.kind === 'verified';
    return (!isReady || (isVerified && !isBehind && !this.#conflicts)) && (!isSaid || isVerified);
  }

  outcome(): object {
    const { verdict } = this.derive();
    return {
      draft: this.#pull.draft,
      isVerified: verdict.kind === 'recorded' || verdict.kind === 'verified',
    };
  }
}
