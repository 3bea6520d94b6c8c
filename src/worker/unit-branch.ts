import { ChooError, messageOf } from '../errors.ts';
import { findFile, replaceFiles, type TreeFile } from '../git/objects/tree-object.ts';
import { findOwnCommits } from './own-commits.ts';
import { applyEdit, type SpecEdit } from './spec-status.ts';
import { fail, type UnitJob, UnitStop, type WorkerServices } from './unit-job.ts';

/** Delay before an unreachable remote is tried again. Milliseconds. */
export const UNREACHABLE_MS = 60_000;

/** The message of a commit. */
export interface CommitWords {
  readonly subject: string;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** A commit that is not on a branch yet. */
export interface MadeCommit {
  readonly commit: string;
  readonly parent: string;
  readonly tree: string;
  /** The edited spec files, by path from the repository's root. */
  readonly edited: ReadonlyMap<string, Buffer>;
}

interface Job extends Pick<UnitJob, 'run' | 'directory' | 'branch' | 'base' | 'start' | 'pushed'> {
  readonly unit: Pick<UnitJob['unit'], 'id'>;
}
type Services = Pick<WorkerServices, 'repository' | 'append' | 'recorded' | 'checkEnd'>;

/**
 * The branch of a claimed unit. Only its worker moves it: a push that finds it moved fails the unit, or releases it when an
 * earlier claim may have pushed late.
 */
export class UnitBranch {
  readonly #job: Job;
  readonly #services: Services;
  #head: string;
  #tree: string;
  #pushed: string | undefined;

  /** `tree`: that of the start commit. */
  constructor(job: Job, services: Services, tree: string) {
    this.#job = job;
    this.#services = services;
    this.#head = job.start;
    this.#tree = tree;
    this.#pushed = job.pushed;
  }

  /** The newest commit of the work; `tree` is its tree. */
  get head(): string {
    return this.#head;
  }
  get tree(): string {
    return this.#tree;
  }

  /** Commits exactly this tree plus edits of the unit's own spec files, without a checkout. */
  async make(tree: string, edits: readonly SpecEdit[], words: CommitWords): Promise<MadeCommit> {
    const { repository } = this.#services;
    const [edited, files] = [new Map<string, Buffer>(), new Map<string, TreeFile>()];
    for (const edit of edits) {
      const path = this.#job.directory + edit.path;
      const file = await findFile(repository.reader, tree, path);
      const [content] = file === undefined ? [] : await repository.reader.contents([file.id]);
      if (file === undefined || content === undefined)
        throw fail('needs-human', `\`${path}\` is not on the branch`);
      const bytes = applyEdit(content, edit);
      edited.set(path, bytes);
      files.set(path, { mode: file.mode, id: await repository.writer.blob(bytes) });
    }
    const parent = this.#head;
    const newTree = files.size === 0 ? tree : await replaceFiles(repository, tree, files);
    const commit = await repository.commit({ tree: newTree, parents: [parent], ...words });
    return { commit, parent, tree: newTree, edited };
  }

  /** Moves the branch to a recorded commit. */
  async push({ commit, tree }: MadeCommit): Promise<void> {
    await this.#publish(commit);
    [this.#head, this.#tree] = [commit, tree];
  }

  /** Pushes a commit that an earlier process recorded but did not push. */
  async pushStart(): Promise<void> {
    if (this.#pushed === this.#head || this.#head === this.#job.base) return;
    await this.#publish(this.#head);
    await this.#services.recorded();
  }

  async #publish(commit: string): Promise<void> {
    const { repository, append } = this.#services;
    const { unit, branch } = this.#job;
    try {
      await repository.publish(branch, commit, this.#pushed);
    } catch (error) {
      if (await this.#wasMovedLate(error)) {
        const reason = 'the branch was moved by an earlier claim of this run';
        throw new UnitStop({ kind: 'released', reason, until: null });
      }
      await this.#services.checkEnd?.(commit);
      const message = messageOf(error);
      // The remote is unreachable: the commit waits, and so do other units of this remote.
      if (error instanceof ChooError && error.code === 'environment')
        throw new UnitStop({ kind: 'released', reason: message, until: Date.now() + UNREACHABLE_MS });
      throw fail('needs-human', message, `the work is at ${commit}`);
    }
    this.#pushed = commit;
    append({ type: 'branch.pushed', unit: unit.id, branch, head: commit });
  }

  /**
   * Whether a push was refused because an earlier claim of this run, declared dead, pushed late. The next claim then examines
   * those commits.
   */
  async #wasMovedLate(error: unknown): Promise<boolean> {
    if (!(error instanceof ChooError) || error.code !== 'conflict') return false;
    const { repository } = this.#services;
    const { run, unit, branch, base } = this.#job;
    try {
      await repository.branches.fetch(); // another machine may have made it
      const head = await repository.branchHead(branch);
      if (head === undefined) return false;
      const known = new Set([this.#pushed ?? base, this.#head]);
      return (await findOwnCommits(repository.reader, { head, known, run, unit: unit.id })) !== undefined;
    } catch {
      return false; // the refusal itself is reported
    }
  }
}
