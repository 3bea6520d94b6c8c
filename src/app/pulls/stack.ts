import type { Config } from '../../config/schema.ts';
import type { Unit } from '../../discovery/unit.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitRecord } from '../../events/store.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { isAncestor } from '../../git/ancestry.ts';
import { hasMerges } from '../../git/rebase.ts';
import { retainCommit } from '../../git/retained.ts';
import { haveSpecsChanged } from '../../git/objects/unit-specs.ts';
import { baseBranch } from '../../git/branches.ts';
import { OWN_SIGNATURE, type Signature } from '../../git/objects/commit.ts';
import type { Repository } from '../../git/repository.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';
import type { OtherCommit } from '../../github/render/unit-pull.ts';
import type { Database } from '../../store/database/database.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';
import type { FoundUpdate } from '../../store/runs/updates.ts';
import type { StackWay } from '../repository/stack-way.ts';
import { publishBase } from './base-branch.ts';
import { findDependencies, findMergedInto } from './dependencies.ts';
import { derivePull, type NoBase, type WantedPull } from './derive.ts';
import { findMergedUnits, type MergedUnits } from './merged-units.ts';
import {
  findBasePlace,
  findPlace,
  findFork,
  findLostHead,
  findMadeAgain,
  findReplacedPlace,
  findTargetPlace,
  type PlaceScene,
} from './places.ts';

/** The pull requests for one target, as choo recorded them. */
export interface StackInput {
  readonly database: Database;
  /** choo's own number of the repository. */
  readonly repository: string;
  readonly state: RunState;
  /** The branch that results go to. */
  readonly target: string;
  /** The newest pull request of each unit. */
  readonly pulls: ReadonlyMap<string, UnitPull>;
  readonly records: ReadonlyMap<string, UnitRecord>;
  readonly updates: ReadonlyMap<string, FoundUpdate>;
  readonly config: Pick<Config, 'update' | 'on_conflict' | 'limits'>;
  readonly way: StackWay;
  /** Reads the approved specs of a unit; undefined when they can no longer be read. */
  readonly specsOf: (unit: string) => Promise<Pick<Unit, 'directory'> | undefined>;
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
  /** The head that a push replaced, which was no fast-forward; choo retains it. Undefined: none did, or it is gone. */
  readonly lost: string | undefined;
  /** The units that were merged into the branch. */
  readonly also: readonly string[];
  /** A merge commit on the branch keeps it from being merged by rebase. */
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
  readonly #found: MergedUnits;
  /** The bases of the units that were placed, by their branches. */
  readonly #wanted = new Map<string, string>();

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
    this.#found = { merged, reverted };
  }

  /** The units whose work is in the target. */
  get merged(): MergedUnits['merged'] {
    return this.#found.merged;
  }

  /** The units whose work was in the target until a later commit took it back, with that commit. */
  get reverted(): MergedUnits['reverted'] {
    return this.#found.reverted;
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
    const specsPath = async (id: string): Promise<string | undefined> => {
      const specs = await this.#input.specsOf(id);
      return specs && state.start.directory + specs.directory;
    };
    const there = { repository, targetHead: this.#targetHead, heads: this.#heads };
    const scene: PlaceScene = { ...there, pulls, way, specsPath };
    const { id } = unit.plan;
    const update = updates.get(id);
    const head = this.#heads.get(record.branch);
    const recorded = { head: record.head ?? record.committed, verified: record.verified };
    const family = { ...this.#input, ...there, ...this.#found };
    const { open, moved } = await findDependencies(unit, record, family);
    const ownBase = baseBranch(record.branch);
    const pull = pulls.get(id);
    const wasOnSeveral = this.#heads.has(ownBase) || pull?.base === ownBase;
    const isOnSeveral = Object.keys(record.builtOn).length > 1 || wasOnSeveral;
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
    const place =
      found && (await findPlace(scene, found, { unit: id, head: isOwn ? head : undefined, since }));
    const stackBase = pull?.state === 'open' && pull.stacked ? pull.base : undefined;
    const noBase =
      !hasBase || found === undefined || stackBase !== undefined
        ? undefined
        : found.conflicts.length > 0
          ? ({ kind: 'conflict' } as const)
          : await this.#publishBase(ownBase, found.commit);
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
      noBase,
      place,
      isBehind: found?.isBehind === true,
      isUpToDate:
        found === undefined ||
        (head !== undefined && !isMerged && (await isAncestor(repository, found.commit, head))),
      specsChanged: await this.#haveSpecsChanged(record.base, async () => specsPath(id)),
      update,
      madeAgain,
      stackBase,
      pull,
      always: config.update === 'always',
      byAgent: config.on_conflict === 'agent' && (update?.resolves ?? 0) < config.limits.attempts,
      verifiesOthers: state.start.sandbox !== 'host',
    });
    const builtOn = Object.fromEntries(
      open.flatMap(({ unit: other, branch }) => {
        const at = this.#heads.get(branch);
        return at === undefined ? [] : [[other, at]];
      }),
    );
    this.#wanted.set(record.branch, want.base);
    const lost = stackBase === undefined ? await this.#findLost(recorded.head, head, update) : undefined;
    const also = head === undefined ? [] : await findMergedInto(record.branch, head, family);
    const ground = want.base === ownBase ? found?.commit : (this.#heads.get(want.base) ?? this.#targetHead);
    const isMerge =
      isMerged || (head !== undefined && ground !== undefined && (await hasMerges(repository, head, ground)));
    return { ...want, branch: record.branch, head, since, builtOn, way, lost, also, hasMerges: isMerge };
  }

  /** Whether a commit has other specs for a unit than the approved ones. */
  async #haveSpecsChanged(base: string, specsPath: () => Promise<string | undefined>): Promise<boolean> {
    const { commit } = this.#input.state.start;
    const there = await this.#repository.reader.info([base, commit]);
    if (there.includes(undefined) || (await isAncestor(this.#repository, base, commit))) return false;
    const path = await specsPath();
    return path !== undefined && haveSpecsChanged(this.#repository.reader, path, [commit, base]);
  }

  /** The head that was replaced, now or before the newest update, which is retained from then on. */
  async #findLost(
    recorded: string,
    head: string | undefined,
    update: FoundUpdate | undefined,
  ): Promise<string | undefined> {
    const lost = await findLostHead(this.#repository, recorded, head);
    if (lost !== undefined) {
      await retainCommit(this.#repository, lost);
      return lost;
    }
    const before = update?.update.lost;
    if (before === undefined) return undefined;
    const [known] = await this.#repository.reader.info([before]);
    return known && before;
  }

  /**
   * Deletes the branches of merged units, and base branches that nothing needs any more, unless a pull request goes to them or
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
    for (const [branch, wanted] of this.#wanted) {
      const [base, tip] = [baseBranch(branch), this.#heads.get(baseBranch(branch))];
      if (tip !== undefined && wanted !== base && !bases.has(base))
        await this.#remote.branches.remove(base, tip);
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

  async #publishBase(name: string, core: string): Promise<NoBase | undefined> {
    const { repository: id, way } = this.#input;
    return publishBase(
      { id, name, core, before: this.#heads.get(name), way },
      this.#repository,
      this.#remote,
      this.#input.database,
    );
  }
}
