import { createHash } from 'node:crypto';
import { FILE_START, type Problem } from '../problems/problem.ts';
import type { Git } from './git.ts';

/** The namespaces choo keeps for itself: unit heads, integration branches of local runs, heads put aside by `--fresh`. */
const NAMESPACES = ['choo/unit', 'choo/run', 'choo/old'] as const;

/** Whose units: a project of a repository, and the branch that its results are for. */
export interface UnitPlace {
  readonly target: string;
  /** From the repository's root to the project; empty, or with a slash at its end. */
  readonly directory: string;
}

/**
 * The branch of a unit; one for each unit, project and target, whatever the run. `unit` is a unit id. In front of that of a
 * project below the root stands the name of its directory and a `+`, which no unit id holds.
 */
export function unitBranch({ target, directory }: UnitPlace, unit: string): string {
  return `choo/unit/${target}/${directory === '' ? '' : `${projectName(directory)}+`}${unit}`;
}

/** What a name may be made of: git takes it in a branch, and systems that ignore case take no two for one. */
const PLAIN = /^[a-z0-9_][a-z0-9_.-]*$/;
/** With a unit id and a lock's ending behind it, a name still fits where 255 bytes do. */
const LONGEST_NAME = 100;

/**
 * The name of a directory in branches, another one for each: its parts with `+` between them; where one of them does not
 * allow that, or all are too long, the last with a hash of the whole behind an `@`, which no plain name holds.
 */
function projectName(directory: string): string {
  const parts = directory.slice(0, -1).split('/');
  const plain = parts.join('+');
  const isPlain = parts.every((part) => PLAIN.test(part) && !part.includes('..'));
  if (isPlain && plain.length <= LONGEST_NAME) return plain;
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

/** The branches that are checked out, in whichever worktree. */
export async function listCheckedOutBranches(git: Git): Promise<readonly string[]> {
  const list = await git.run('worktree', 'list', '--porcelain', '-z');
  return list.split('\0').flatMap((line) => /^branch refs\/heads\/(.+)$/s.exec(line)?.[1] ?? []);
}

/** Heads of units that somebody works on: moving one would turn what is checked out there upside down. Pure. */
export function findHeadsInUse(
  checkedOut: readonly string[],
  place: UnitPlace,
  units: readonly string[],
): readonly Problem[] {
  const heads = new Set(units.map((unit) => unitBranch(place, unit)));
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
 * Branches that keep choo from making its own: git cannot hold `a` beside `a/b`. Pure. `branches` is what
 * {@link listOwnBranches} found.
 */
export function findBranchesInTheWay(
  branches: readonly string[],
  place: UnitPlace,
  units: readonly string[],
): readonly Problem[] {
  const parents = new Set(['choo', ...NAMESPACES]);
  const parts = place.target.split('/');
  for (const depth of parts.keys()) parents.add(`choo/unit/${parts.slice(0, depth + 1).join('/')}`);
  const heads = new Set(units.map((unit) => unitBranch(place, unit)));
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

function parentsOf(branch: string): string[] {
  const parts = branch.split('/');
  return parts.map((_, depth) => parts.slice(0, depth).join('/'));
}

/** Branches that choo makes are never planned and never start a run. */
export function isOwnBranch(branch: string): boolean {
  return branch === 'choo' || branch.startsWith('choo/');
}

/** The branches that a repository's results go to. */
export interface Branches {
  /** The commit a branch stands at; undefined: there is no such branch. */
  head(branch: string): Promise<string | undefined>;
  /** Where the branches below a name stand. `below` ends in a slash. */
  heads(below: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /** Brings what all branches hold here, where they are elsewhere. */
  fetch(signal?: AbortSignal): Promise<void>;
  /**
   * Moves a branch from the commit it must stand at (undefined: it must not be there yet) to another. Nothing happens when it
   * is there already. Throws a ChooError (`conflict`) when it stands elsewhere, or when another branch leaves no room for its
   * name, and (`git`) when whoever keeps the branches refuses, with their words.
   */
  publish(branch: string, head: string, expected: string | undefined): Promise<void>;
}
