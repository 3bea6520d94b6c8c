import { ChooError, messageOf } from '../errors.ts';
import { commitText } from '../git/objects/commit.ts';
import { findFile, replaceFiles, type TreeFile } from '../git/objects/tree-object.ts';
import { findOwnCommits } from './own-commits.ts';
import { applyEdit, type SpecEdit } from './spec-status.ts';
import { fail, type UnitJob, UnitStop, type WorkerServices } from './unit-job.ts';

/** A remote that cannot be reached is tried again after so long. Milliseconds. */
export const UNREACHABLE_MS = 60_000;

/** What a commit of choo's says. */
export interface CommitWords {
  readonly subject: string;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** A commit that exists and is on no branch yet. */
export interface MadeCommit {
  readonly commit: string;
  readonly parent: string;
  readonly tree: string;
  /** The files that were edited for it, by path from the repository's root. */
  readonly edited: ReadonlyMap<string, Buffer>;
}

interface Job extends Pick<UnitJob, 'run' | 'directory' | 'branch' | 'base' | 'start' | 'pushed'> {
  readonly unit: Pick<UnitJob['unit'], 'id'>;
}
type Services = Pick<WorkerServices, 'repository' | 'append' | 'recorded'>;

/**
 * The branch of a unit while its worker holds it. Nobody else moves it: a push that finds it elsewhere ends the unit, or gives
 * it back where an earlier claim may have been late.
 */
export class UnitBranch {
  readonly #job: Job;
  readonly #services: Services;
  #head: string;
  #tree: string;
  #pushed: string | undefined;

  /** `tree` is that of the commit where work goes on. */
  constructor(job: Job, services: Services, tree: string) {
    this.#job = job;
    this.#services = services;
    this.#head = job.start;
    this.#tree = tree;
    this.#pushed = job.pushed;
  }

  /** The commit the work stands on, and its tree. */
  get head(): string {
    return this.#head;
  }
  get tree(): string {
    return this.#tree;
  }

  /** Makes a commit of exactly this tree and the edits of the unit's own spec files, without a checkout. */
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
    const commit = await repository.writer.commit(commitText({ tree: newTree, parents: [parent], ...words }));
    return { commit, parent, tree: newTree, edited };
  }

  /** Moves the branch to a commit that is recorded. */
  async push({ commit, tree }: MadeCommit): Promise<void> {
    await this.#publish(commit);
    [this.#head, this.#tree] = [commit, tree];
  }

  /** Pushes a commit that an earlier process made and could not push any more. */
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
      const message = messageOf(error);
      // Nobody answers there: the commit waits, and so do others that would only find out the same.
      if (error instanceof ChooError && error.code === 'environment')
        throw new UnitStop({ kind: 'released', reason: message, until: Date.now() + UNREACHABLE_MS });
      throw fail('needs-human', message, `the work is at ${commit}`);
    }
    this.#pushed = commit;
    append({ type: 'branch.pushed', unit: unit.id, branch, head: commit });
  }

  /**
   * Whether a push was refused because an earlier claim of this run, taken for dead, had pushed late. Then the next claim
   * finds out what that is worth.
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
      return false; // the refusal is what is told
    }
  }
}
