import { createHash } from 'node:crypto';
import { FILE_START, type Problem } from '../problems/problem.ts';
import type { Git } from './git.ts';
import { parentsOf } from './objects/path-list.ts';

/**
 * The namespaces reserved for choo: unit branches, bases of units with several dependencies, integration branches of local
 * runs, old heads after `--fresh`.
 */
const NAMESPACES = ['choo/unit', 'choo/base', 'choo/run', 'choo/old'] as const;

/** The project whose units are named, and the target branch. */
export interface UnitScope {
  readonly target: string;
  /** Path from the repository's root to the project; empty, or ending in a slash. */
  readonly directory: string;
}

/**
 * The unit branch: one for each unit id, project and target, the same in every run. For a project below the root, the id
 * is prefixed with the name of its directory and a `+`, which no unit id contains.
 */
export function unitBranch({ target, directory }: UnitScope, unit: string): string {
  return `choo/unit/${target}/${directory === '' ? '' : `${projectName(directory)}+`}${unit}`;
}

/** The branch that a unit's pull request goes to while several dependencies are open, by its unit branch. */
export function baseBranch(unitBranch: string): string {
  return unitBranch.replace(/^choo\/unit\//, 'choo/base/');
}

/** Names that are valid in a branch and distinct on file systems that ignore case. */
const PLAIN_NAME = /^[a-z0-9_][a-z0-9_.-]*$/;
/** Leaves room for a unit id and the suffix `.lock` in a file name of 255 bytes. */
const MAX_NAME_LENGTH = 100;

/**
 * The unique name of a directory in branches: its parts joined by `+`. If a part is not a plain name, or the result is
 * too long: the last part, an `@` (which no plain name contains) and a hash of the whole path.
 */
function projectName(directory: string): string {
  const parts = directory.slice(0, -1).split('/');
  const plain = parts.join('+');
  const isPlain = parts.every((part) => PLAIN_NAME.test(part) && !part.includes('..'));
  if (isPlain && plain.length <= MAX_NAME_LENGTH) return plain;
  const last = (parts.at(-1) ?? '').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  return `${last.replaceAll(/^-|-$/g, '').slice(0, 40)}@${hash}`;
}

/** The branches at or below `choo`, without `refs/heads/`. */
export async function listOwnBranches(git: Git): Promise<readonly string[]> {
  const refs = await git.run('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/choo');
  return refs.split('\n').filter((name) => name !== '');
}

/** The branch that is checked out; undefined when HEAD is detached. */
export async function currentBranch(git: Git): Promise<string | undefined> {
  const name = await git.run('rev-parse', '--symbolic-full-name', 'HEAD').catch(() => '');
  return name.startsWith('refs/heads/') ? name.trim().slice('refs/heads/'.length) : undefined;
}

/** The branches that are checked out in any worktree. */
export async function listCheckedOutBranches(git: Git): Promise<readonly string[]> {
  const list = await git.run('worktree', 'list', '--porcelain', '-z');
  return list.split('\0').flatMap((line) => /^branch refs\/heads\/(.+)$/s.exec(line)?.[1] ?? []);
}

/** Reports unit branches that are checked out: moving one would make its worktree look changed. Pure. */
export function findHeadsInUse(
  checkedOut: readonly string[],
  scope: UnitScope,
  units: readonly string[],
): readonly Problem[] {
  const heads = new Set(units.map((unit) => unitBranch(scope, unit)));
  return checkedOut
    .filter((branch) => heads.has(branch))
    .map((branch) => ({
      severity: 'error',
      code: 'branch-checked-out',
      message: `\`${branch}\` is checked out, and choo has to move it`,
      file: `refs/heads/${branch}`,
      ...FILE_START,
      hint: 'switch to another branch there: `git switch -`',
    }));
}

/**
 * Reports branches that prevent choo's own: git cannot hold `a` beside `a/b`. `branches` comes from
 * {@link listOwnBranches}. Pure.
 */
export function findConflictingBranches(
  branches: readonly string[],
  scope: UnitScope,
  units: readonly string[],
): readonly Problem[] {
  const parents = new Set(['choo', ...NAMESPACES]);
  const parts = scope.target.split('/');
  for (const depth of parts.keys()) parents.add(`choo/unit/${parts.slice(0, depth + 1).join('/')}`);
  const heads = new Set(units.map((unit) => unitBranch(scope, unit)));
  return branches
    .filter((branch) => parents.has(branch) || parentsOf(branch).some((parent) => heads.has(parent)))
    .map((branch) => ({
      severity: 'error',
      code: 'branch-in-the-way',
      message: `a branch is called \`${branch}\`, so git cannot make the branches of this plan`,
      file: `refs/heads/${branch}`,
      ...FILE_START,
      hint: `rename it: \`git branch -m ${branch} <new name>\``,
    }));
}

/** Whether choo made the branch. Such branches are never planned and never start a run. */
export function isOwnBranch(branch: string): boolean {
  return branch === 'choo' || branch.startsWith('choo/');
}

/** Where a repository is from. */
export interface Origin {
  /** Normalized. */
  readonly remote: string;
  /** The directory in which its user's git keeps the repositories of submodules; undefined: it has no user here. */
  readonly near: string | undefined;
  /** The directory in which its user's Git LFS keeps contents; undefined: it has no user here. */
  readonly contents: string | undefined;
  /** The value of the header `Authorization` for the remote's host. */
  readonly authorization?: string | undefined;
}

/** The branches that a repository's results go to. */
export interface Branches extends Partial<AsyncDisposable> {
  /** The head of a branch; undefined when the branch does not exist. */
  head(branch: string): Promise<string | undefined>;
  /** The heads of all branches below a name, by branch. `below` ends in a slash. */
  heads(below: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /** Where the repository is from: what its submodules' addresses are relative to. */
  origin(): Promise<Origin>;
  /** Fetches the objects of all branches, if they are on another machine. */
  fetch(signal?: AbortSignal): Promise<void>;
  /**
   * Moves a branch from its expected head (undefined: it must not exist) to a new one. Does nothing when it is already
   * there. Throws a ChooError: `conflict` when the head is another one or an existing branch prevents this name, `git`
   * with the host's message when the host refuses.
   */
  publish(branch: string, head: string, expected: string | undefined): Promise<void>;
}
