import type { Config } from '../../config/schema.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitRecord } from '../../events/store.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { isAncestor } from '../../git/ancestry.ts';
import { hasMerges } from '../../git/rebase.ts';
import { baseBranch, unitBranch } from '../../git/branches.ts';
import { OWN_SIGNATURE, type Signature } from '../../git/objects/commit.ts';
import type { Repository } from '../../git/repository.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';
import type { OtherCommit } from '../../github/render/unit-pull.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';
import type { FoundUpdate } from '../../store/runs/updates.ts';
import type { StackWay } from '../repository/stack-way.ts';
import { coreOf, makeTip } from './base-branch.ts';
import { derivePull, type OpenDependency, type WantedPull } from './derive.ts';
import { findMergedUnits, type MergedUnits } from './merged-units.ts';
import {
  findBasePlace,
  findPlace,
  findFork,
  findMadeAgain,
  findReplacedPlace,
  findTargetPlace,
  type PlaceScene,
} from './places.ts';

/** The pull requests for one target, as choo recorded them. */
export interface StackInput {
  readonly state: RunState;
  /** The branch that results go to. */
  readonly target: string;
  /** The newest pull request of each unit. */
  readonly pulls: ReadonlyMap<string, UnitPull>;
  readonly records: ReadonlyMap<string, UnitRecord>;
  readonly updates: ReadonlyMap<string, FoundUpdate>;
  readonly config: Pick<Config, 'update' | 'on_conflict' | 'limits'>;
  readonly way: StackWay;
  /** Of the commits of base branches; undefined: choo's own. */
  readonly signature: Signature | undefined;
}

/** A unit's pull request as it should be, and what its branch would be merged with. */
export interface StackPosition extends WantedPull {
  readonly branch: string;
  readonly head: string | undefined;
  /** For a bring-up: the commit that the work stands on, and the heads of the open dependencies in the place. */
  readonly since: string;
  readonly builtOn: Readonly<Record<string, string>>;
  readonly way: StackWay;
  /** A merge commit on the branch keeps it from being merged by rebase, though nothing else is possible. */
  readonly hasMerges: boolean;
}

/** The commits of people that are listed. */
const MAX_COMMITS = 20;

/** The stack of one target, read from choo's records and from the branches as they are on the remote now. */
export class Stack implements Disposable {
  readonly #input: StackInput;
  readonly #remote: RemoteRepository;
  readonly #repository: Repository;
  readonly #heads: ReadonlyMap<string, string>;
  readonly #targetHead: string;
  /** The units whose work is in the target. */
  readonly merged: ReadonlySet<string>;
  /** The units whose work was in the target until a later commit took it back, with that commit. */
  readonly reverted: ReadonlyMap<string, string>;

  private constructor(
    input: StackInput,
    remote: RemoteRepository,
    heads: ReadonlyMap<string, string>,
    { targetHead, merged, reverted }: MergedUnits & { readonly targetHead: string },
  ) {
    this.#input = input;
    this.#remote = remote;
    this.#repository = remote.repository.signedBy(input.signature ?? OWN_SIGNATURE);
    this.#heads = heads;
    this.#targetHead = targetHead;
    this.merged = merged;
    this.reverted = reverted;
  }

  /** Fetches the remote, and reads. Undefined when the target has no branch. Disposes of the remote in the end. */
  static async open(
    input: StackInput,
    remote: RemoteRepository,
    signal: AbortSignal,
  ): Promise<Stack | undefined> {
    await remote.branches.fetch(signal);
    const targetHead = await remote.branches.fetchedHead(input.target);
    if (targetHead === undefined) return undefined;
    const heads = await remote.branches.fetchedHeads('choo/');
    const found = await findMergedUnits({ ...input, repository: remote.repository, targetHead });
    return new Stack(input, remote, heads, { targetHead, ...found });
  }

  [Symbol.dispose](): void {
    this.#remote[Symbol.dispose]();
  }

  /** Derives a unit's pull request, and pushes its base branch where it needs one. `record` has a head. */
  async place(unit: UnitProgress, record: UnitRecord): Promise<StackPosition> {
    const { state, target, pulls, updates, config, way } = this.#input;
    const repository = this.#repository;
    const scene: PlaceScene = { repository, targetHead: this.#targetHead, heads: this.#heads, pulls, way };
    const { id } = unit.plan;
    const update = updates.get(id);
    const head = this.#heads.get(record.branch);
    const recorded = { head: record.head ?? record.committed, verified: record.verified };
    const { open, moved } = await this.#dependenciesOf(unit, record);
    const ownBase = baseBranch(record.branch);
    const isOnSeveral = Object.keys(record.builtOn).length > 1 || this.#heads.has(ownBase);
    const hasBase = open.some(({ state }) => state !== 'reverted') && isOnSeveral;
    const [only] = open;
    const found =
      only === undefined
        ? await findTargetPlace(scene, record)
        : hasBase
          ? await findBasePlace(scene, record, { open, moved })
          : open.length === 1 && only.state !== 'reverted'
            ? await findReplacedPlace(scene, record, this.#input.records.get(only.unit))
            : undefined;
    const isOwn = head !== undefined && head === recorded.head;
    const since =
      found === undefined || found.isBehind ? record.base : await findFork(repository, head, found.commit);
    const place = found && (await findPlace(scene, found, { head: isOwn ? head : undefined, since }));
    const pull = pulls.get(id);
    const stackBase = pull?.state === 'open' && pull.stacked ? pull.base : undefined;
    const onto = found?.commit ?? (only && this.#heads.get(only.branch));
    const madeAgain = await findMadeAgain(
      repository,
      { base: record.base, head: recorded.head },
      { head, onto },
    );
    const isMerged =
      way === 'rebase' &&
      found !== undefined &&
      head !== undefined &&
      (await hasMerges(repository, head, found.commit));
    const want = derivePull({
      target,
      isFailed: unit.state === 'failed',
      recorded,
      head,
      open,
      baseBranch: hasBase ? ownBase : undefined,
      place,
      isBehind: found?.isBehind === true,
      isUpToDate:
        found === undefined ||
        (head !== undefined && !isMerged && (await isAncestor(repository, found.commit, head))),
      update,
      madeAgain,
      stackBase,
      pull,
      always: config.update === 'always',
      byAgent: config.on_conflict === 'agent' && (update?.resolves ?? 0) < config.limits.attempts,
      verifiesOthers: state.start.sandbox !== 'host',
    });
    if (want.base === ownBase && found !== undefined) await this.#publishBase(ownBase, found.commit);
    const builtOn = Object.fromEntries(
      open.flatMap(({ unit: other, branch }) => {
        const at = this.#heads.get(branch);
        return at === undefined ? [] : [[other, at]];
      }),
    );
    return { ...want, branch: record.branch, head, since, builtOn, way, hasMerges: isMerged };
  }

  /**
   * Deletes the branches of merged units, and base branches that are no longer needed, unless a pull request goes to them or
   * they hold other commits. Returns the units of which none is left.
   */
  async deleteMerged(): Promise<readonly string[]> {
    const { pulls, records } = this.#input;
    const bases = new Set(
      [...pulls.values()].filter(({ state }) => state === 'open' || state === 'lost').map(({ base }) => base),
    );
    const done: string[] = [];
    for (const { unit, branch } of records.values()) {
      const pull = pulls.get(unit);
      if (pull === undefined || pull.state !== 'merged' || !this.merged.has(unit)) continue;
      // In one of GitHub's own stacks the branch is GitHub's.
      if (pull.stacked) continue;
      const [own, base] = [this.#heads.get(branch), baseBranch(branch)];
      if (own !== undefined && own === pull.head && !bases.has(branch))
        await this.#remote.branches.remove(branch, own);
      const tip = this.#heads.get(base);
      if (tip !== undefined && !bases.has(base)) await this.#remote.branches.remove(base, tip);
      if (!bases.has(branch) && !bases.has(base)) done.push(unit);
    }
    return done;
  }

  /** The newest commits of a head that are in none of `bases`, nor in the target, without merges. */
  async listCommits(head: string, bases: readonly string[]): Promise<readonly OtherCommit[]> {
    const { git, reader } = this.#repository;
    const there = await reader.info(bases);
    const options = ['--no-merges', `--max-count=${MAX_COMMITS}`, '--format=%H%x00%an%x00%s%x00%x00'];
    const known = [this.#targetHead, ...bases.filter((_, at) => there[at]?.type === 'commit')];
    const found = await git.run('log', ...options, head, ...known.map((base) => `^${base}`));
    return found.split('\0\0\n').flatMap((line) => {
      const [id = '', author = '', subject = ''] = line.split('\0');
      return id === '' ? [] : [{ id, author, subject }];
    });
  }

  /** The dependencies whose work is not in the target; `moved`: one that is in the target arrived there as other commits. */
  async #dependenciesOf(
    { plan }: UnitProgress,
    { builtOn }: UnitRecord,
  ): Promise<{ readonly open: readonly OpenDependency[]; readonly moved: readonly string[] }> {
    const { state, pulls, records } = this.#input;
    const [open, moved]: [OpenDependency[], string[]] = [[], []];
    for (const id of new Set([...plan.dependsOn, ...Object.keys(builtOn)])) {
      const [progress, record, pull] = [state.units.get(id), records.get(id), pulls.get(id)];
      const isMerged = this.merged.has(id) || (pull === undefined && record?.outcome === 'merged');
      const builtAt = builtOn[id];
      if (isMerged) {
        const isThere =
          builtAt === undefined || (await isAncestor(this.#repository, builtAt, this.#targetHead));
        if (!isThere) moved.push(id);
        continue;
      }
      const branch = record?.branch ?? progress?.branch ?? unitBranch(state.start, id);
      if (this.reverted.has(id)) {
        open.push({ unit: id, branch, state: 'reverted' });
        continue;
      }
      if ((progress?.head ?? (builtAt === undefined ? null : record?.head)) == null) continue;
      const kind = pull?.state === 'closed' ? 'rejected' : pull?.state === 'lost' ? 'lost' : 'open';
      open.push({ unit: id, branch, state: kind });
    }
    return { open, moved };
  }

  async #publishBase(name: string, core: string): Promise<void> {
    const { branches } = this.#remote;
    const repository = this.#repository;
    const before = this.#heads.get(name);
    if (before !== undefined && (await coreOf(repository, before)) === core) return;
    const { way } = this.#input;
    await branches.publish(name, await makeTip(repository, core, { before, way }), before);
  }
}
