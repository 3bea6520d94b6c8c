import { join } from 'node:path';
import { ChooError, messageOf } from '../errors.ts';
import { findNewContents } from '../git/lfs/commit-contents.ts';
import { findForbidden } from '../git/forbidden-changes.ts';
import { describeUnitExcess } from '../git/objects/changed-size.ts';
import { type Change, diffTrees, treeOf } from '../git/objects/tree-object.ts';
import type { Look } from '../git/staging/look.ts';
import type { CheckedOutModules } from '../git/submodules/checked-out-modules.ts';
import type { Worktree } from '../git/worktree.ts';
import type { Prepared } from '../sandbox/sandbox.ts';
import { type Commands, openCommands } from './commands.ts';
import type { ShellCommand, Verdict } from './gate/gate.ts';
import { findProtection, findRestored, type Protection } from './judge/protection.ts';
import { listPaths } from '../text/list-paths.ts';
import { checkOutModules, fetching } from './set-up/check-out-modules.ts';
import { prepare } from './set-up/prepare.ts';
import { findSecrets } from './secrets.ts';
import { NO_SECRETS } from './set-up/set-up-secrets.ts';
import { runSetUp } from './set-up/run-set-up.ts';
import type { SpecEdit } from './spec-status.ts';
import { type CommitWords, type MadeCommit, UnitBranch } from './unit-branch.ts';
import { type GateServices, type UnitJob, UnitStop } from './unit-job.ts';

/** An agent's result: a tree for the gate, or the reason why it is unfit. */
export type Inspection =
  | {
      readonly kind: 'fit';
      readonly tree: string;
      readonly changes: readonly Change[];
      /** Paths whose changes were put back. */
      readonly restored: readonly string[];
    }
  | { readonly kind: 'unfit'; readonly reason: string; readonly changes: readonly Change[] };

/**
 * A worktree while a worker uses it, and its rules: after every sandboxed command and before any git command, everything that
 * could make git run a program is removed; protected paths are restored; a gate's changes are discarded; only choo commits.
 */
export class UnitWorkspace {
  readonly commands: Commands;
  readonly branch: UnitBranch;
  readonly #job: UnitJob;
  readonly #services: GateServices;
  readonly #worktree: Worktree;
  #prepared: Prepared | undefined;
  #modules: CheckedOutModules | undefined;
  /** choo's own work in the worktree, in order, while the worker continues elsewhere. */
  #chores: Promise<void> = Promise.resolve();
  #protection: Promise<Protection> | undefined;

  private constructor(job: UnitJob, services: GateServices, worktree: Worktree, tree: string) {
    this.#job = job;
    this.#services = services;
    this.#worktree = worktree;
    this.branch = new UnitBranch(job, services, tree);
    this.commands = openCommands(job, services, worktree);
  }

  /** Creates the worktree and runs `worktree.setup`. `suffix` distinguishes it from other worktrees of the claim; `mayKeep`: see {@link prepare}. */
  static async open(
    job: UnitJob,
    services: GateServices,
    commit: string,
    { suffix = '', mayKeep = true }: { readonly suffix?: string; readonly mayKeep?: boolean } = {},
  ): Promise<UnitWorkspace> {
    const { reader } = services.repository;
    const name = `${job.run}.${job.claim}.${job.unit.id}${suffix}`;
    const { sandbox, signal } = services;
    // On the host nothing can be hidden from a command.
    const isolated = sandbox.kind === 'bubblewrap';
    const { lfs } = job.config.checkout;
    const worktree = await fetching(signal, async () =>
      services.worktrees.create(name, commit, { isolated, lfs, signal }),
    );
    const workspace = new UnitWorkspace(
      { ...job, start: commit },
      services,
      worktree,
      await treeOf(reader, commit),
    );
    services.append({ type: 'worktree.created', unit: job.unit.id, claim: job.claim, path: worktree.path });
    try {
      workspace.#modules = await checkOutModules(job, services, worktree.path, commit);
      await services.sandbox.chownToSandboxUser(worktree.path);
      await workspace.protection();
      workspace.#prepared = await prepare(job, services, {
        ignored: async () => [...(await worktree.ignored()), ...((await workspace.#modules?.added()) ?? [])],
        commands: workspace.commands,
        commit,
        mayKeep,
        setUp: async (secrets) => workspace.#setUp('setup', secrets),
        moveTo: async (other) => {
          await worktree.checkOut(other);
          await sandbox.chownToSandboxUser(worktree.path);
        },
      });
      return workspace;
    } catch (error) {
      await workspace.close(false);
      throw error;
    }
  }

  /**
   * Resolves when choo has finished its own work in the worktree. No sandboxed command may run before: it could swap a directory
   * for a link and make choo write elsewhere.
   */
  async idle(): Promise<void> {
    await this.#chores;
  }

  /** The rules for the unit's work. */
  async protection(): Promise<Protection> {
    this.#protection ??= findProtection(this.#services.repository.reader, this.#job);
    return this.#protection;
  }

  /** Inspects what an agent left and restores protected paths, but for those that a task `mayChange`. */
  async inspect({ mayChange }: { readonly mayChange: readonly string[] }): Promise<Inspection> {
    await this.idle();
    const look = await this.#look();
    let tree: string;
    try {
      tree = await this.#worktree.stage(look);
    } catch (error) {
      // A file that git may not read or does not accept.
      if (!(error instanceof ChooError) || error.code !== 'git') throw error;
      return { kind: 'unfit', reason: `what it left cannot be committed: ${error.message}`, changes: [] };
    }
    const inspection = await this.#judgeTree(tree, mayChange);
    await this.#putBackModules();
    return inspection;
  }

  async #judgeTree(staged: string, mayChange: readonly string[]): Promise<Inspection> {
    let tree = staged;
    let changes = await this.#changesTo(tree);
    const touched = await findRestored(await this.protection(), changes, mayChange);
    if (touched.length > 0) {
      await this.#worktree.restore(this.branch.tree, touched);
      await this.#services.sandbox.chownToSandboxUser(this.#worktree.path);
      // These files change what belongs to the tree, and how git reads it.
      const rules = touched.some((path) => /\.git(?:ignore|attributes)$/.test(path));
      tree = rules ? await this.#worktree.restage(this.branch.tree) : await this.#worktree.stage();
      changes = await this.#changesTo(tree);
      this.#notice('protected', `changes to protected files were put back: ${listPaths(touched)}`);
    }
    const { reader, lfs } = this.#services.repository;
    const forbidden = await findForbidden(reader, tree, changes);
    if (this.#job.config.checkout.lfs) forbidden.push(...(await findNewContents(reader, changes, lfs)));
    if (forbidden.length > 0) {
      await this.#worktree.restore(
        this.branch.tree,
        forbidden.map(({ path }) => path),
      );
      const [first] = forbidden;
      const more = forbidden.length > 1 ? `, and ${forbidden.length - 1} more like it` : '';
      return {
        kind: 'unfit',
        reason: `\`${first?.path}\` ${first?.message}${more}: it was put back`,
        changes,
      };
    }
    const ofUnit = await diffTrees(reader, await treeOf(reader, this.#job.base), tree);
    const excess = await describeUnitExcess(reader, ofUnit);
    if (excess !== undefined) return { kind: 'unfit', reason: excess, changes };
    const secret = await findSecrets(reader, changes, this.#services.secretForms);
    if (secret.length > 0)
      return { kind: 'unfit', reason: `it wrote a secret value into ${listPaths(secret)}`, changes };
    return { kind: 'fit', tree, changes, restored: touched };
  }

  /**
   * Runs a command without network on the last staged tree. Its changes are discarded in the background, except those of
   * ignored files. `isApart`: on a clean copy, thrown away after it; no other command finds anything of it.
   */
  async judge(
    command: string,
    logName: string,
    { isApart = false, watched }: Pick<ShellCommand, 'isApart' | 'watched'> = {},
  ): Promise<Verdict> {
    await this.idle();
    const verdict = await this.commands.run(command, 'gate', logName, { isApart, watched });
    if (verdict.kind === 'cancelled')
      throw new UnitStop({ kind: 'released', reason: 'interrupted', until: null });
    if (isApart) return verdict;
    this.#then(async () => {
      const changed = await this.#discard();
      if (changed.length > 0)
        this.#notice('gate-wrote', `what \`${command}\` changed was discarded: ${listPaths(changed)}`);
    });
    return verdict;
  }

  /** Paths that differ between the unit's base and a tree, from the project directory. */
  async changedSinceBase(tree: string): Promise<readonly string[]> {
    const { reader } = this.#services.repository;
    const changes = await diffTrees(reader, await treeOf(reader, this.#job.base), tree);
    return changes
      .filter(({ path, after }) => after !== undefined && path.startsWith(this.#job.directory))
      .map(({ path }) => path.slice(this.#job.directory.length));
  }

  /**
   * Commits exactly this tree plus edits of the unit's own spec files, and pushes the branch. `record` is called in between: an
   * unrecorded commit is never pushed. The worktree does not follow the last commit.
   */
  async commit(
    tree: string,
    edits: readonly SpecEdit[],
    words: CommitWords,
    { record, last }: { readonly record: (made: MadeCommit) => void; readonly last: boolean },
  ): Promise<string> {
    const made = await this.branch.make(tree, edits, words);
    record(made);
    await this.#services.recorded();
    if (!last) this.#then(() => this.#takeOver(made));
    await this.branch.push(made);
    return made.commit;
  }

  /** Runs `worktree.teardown` and removes the worktree, or leaves it for inspection. */
  async close(keep: boolean): Promise<void> {
    await this.idle().catch(() => {}); // the worktree is removed in any case
    if (!this.#services.signal.aborted) {
      await this.#setUp('teardown').catch((error: unknown) => {
        const message = messageOf(error);
        const hint = error instanceof UnitStop && error.end.kind === 'failed' ? error.end.hint : undefined;
        this.#notice('teardown', hint === undefined ? message : `${message}: ${hint}`);
      });
    }
    await (keep ? this.#worktree.lock() : this.#worktree.remove());
    for (const used of [this.#prepared, this.#modules]) await used?.[Symbol.asyncDispose]();
    const path = this.#worktree.path;
    this.#services.append({ type: 'worktree.removed', unit: this.#job.unit.id, path, kept: keep });
  }

  /** Queues a chore. When one fails, later ones do not run, and {@link idle} rejects. */
  #then(chore: () => Promise<void>): void {
    this.#chores = this.#chores.then(chore);
    this.#chores.catch(() => {});
  }

  /** Moves the worktree to the branch's new head. */
  async #takeOver({ commit, edited }: MadeCommit): Promise<void> {
    await this.#worktree.write(edited);
    await this.#worktree.advance(commit);
    for (const path of edited.keys())
      await this.#services.sandbox.chownToSandboxUser(join(this.#worktree.path, path));
  }

  async #changesTo(tree: string): Promise<readonly Change[]> {
    return diffTrees(this.#services.repository.reader, this.branch.tree, tree);
  }

  async #setUp(phase: 'setup' | 'teardown', secrets = NO_SECRETS): Promise<void> {
    const ran = await runSetUp(this.#job, this.#services, this.commands, { phase, secrets });
    const changed = ran ? await this.#discard() : [];
    if (changed.length > 0)
      this.#notice(
        'setup-wrote',
        `the ${phase} commands changed files that are not ignored; discarded: ${listPaths(changed)}`,
      );
  }

  async #discard(): Promise<readonly string[]> {
    const changed = await this.#worktree.discardChanges(await this.#look());
    if (changed.length > 0) await this.#services.sandbox.chownToSandboxUser(this.#worktree.path);
    await this.#putBackModules();
    return changed;
  }

  async #putBackModules(): Promise<void> {
    const changed = (await this.#modules?.putBack()) ?? [];
    if (changed.length === 0) return;
    await this.#services.sandbox.chownToSandboxUser(this.#worktree.path);
    this.#notice('submodules', `choo commits nothing of submodules; put back: ${listPaths(changed)}`);
  }

  async #look(): Promise<Look> {
    const look = await this.#worktree.look();
    const { removed } = look;
    if (removed.length > 0)
      this.#notice(
        'nested-repository',
        `repositories inside the worktree were removed: ${listPaths(removed)}`,
      );
    return look;
  }

  #notice(code: string, message: string): void {
    this.#services.log.say(message);
    this.#services.append({ type: 'unit.notice', unit: this.#job.unit.id, code, message });
  }
}
