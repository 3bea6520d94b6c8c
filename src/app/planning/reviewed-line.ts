import { ChooError } from '../../errors.ts';
import { isAncestor } from '../../git/ancestry.ts';
import { mergeTrees } from '../../git/merge.ts';
import { findFile, findTree, treeOf } from '../../git/objects/tree-object.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';
import { findPushes } from '../../store/github/pushes.ts';
import { isKnownReviewed, saveReviewed } from '../../store/github/required-reviews.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { findDoubt, type ListedPull, listMergedPulls } from './approved-pull.ts';

/** What reads a line needs. */
export interface LineContext {
  readonly repository: OpenRepository;
  readonly remote: RemoteRepository;
  /** The branches to which pull requests bring specs. */
  readonly targets: ReadonlySet<string>;
  readonly services: Pick<HandlerServices, 'database' | 'policy' | 'signal'>;
}

/** Files on a branch, from a commit on which they count as they are, up to another one. */
interface Line {
  readonly branch: string;
  /** Undefined: there is no such commit. */
  readonly since: string | undefined;
  readonly commit: string;
  /** Of directories or files. */
  readonly paths: readonly string[];
  /** Whether what was there at `since`, and nothing else, must have been brought by an approved pull request as well. */
  readonly strict: boolean;
}

/**
 * Why files on a branch are not what approved pull requests made of them, in a clause; undefined: they are. Follows the first
 * parents: a change counts when an approved pull request brought it, on top of files that count. Files that are again what they
 * were when they counted do so, too.
 */
export async function findLineFault(line: Line, context: LineContext): Promise<string | undefined> {
  const { branch, since, commit, paths, strict } = line;
  const { repository } = context.remote;
  const { reader } = repository;
  if (since === undefined || (await isAncestor(repository, commit, since)))
    return strict || since === undefined ? findNewestFault({ branch, commit, paths }, context) : undefined;
  const start = await contentOf(reader, since, paths);
  let good = start;
  let fault: string | undefined;
  for (const change of await listChanges(line, context)) {
    const now = await contentOf(reader, change.commit, paths);
    if (now === good) fault = undefined;
    else if ((await contentOf(reader, change.parent, paths)) === good) {
      fault = await findChangeFault({ branch, commit: change.commit, paths }, context);
      if (fault === undefined) good = now;
    }
  }
  if ((await contentOf(reader, commit, paths)) !== good)
    return fault ?? `the history of \`${branch}\` was rewritten`;
  return strict && good === start ? findNewestFault({ branch, commit: since, paths }, context) : undefined;
}

interface Change extends Pick<Line, 'branch' | 'commit' | 'paths'> {}

/** Whether an approved pull request brought the newest change of files; files that never changed have no fault. */
async function findNewestFault(
  { branch, commit, paths }: Change,
  context: LineContext,
): Promise<string | undefined> {
  const [newest] = await log(context, ['-1', commit], paths);
  return newest && findChangeFault({ branch, commit: newest.commit, paths }, context);
}

/** The commits that change files on a branch, oldest first. */
async function listChanges(
  { since, commit, paths }: Line,
  context: LineContext,
): Promise<readonly Changed[]> {
  return (await log(context, [commit, ...(since === undefined ? [] : [`^${since}`])], paths)).toReversed();
}

interface Changed {
  readonly commit: string;
  /** Undefined: it is the first commit. */
  readonly parent: string | undefined;
}

async function log(
  { remote, services }: LineContext,
  revisions: readonly string[],
  paths: readonly string[],
): Promise<readonly Changed[]> {
  const git = remote.repository.git.until(services.signal);
  const printed = await git.run('log', '--first-parent', '--format=%H %P', ...revisions, '--', ...paths);
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [commit = '', parent] = line.split(' ');
      return { commit, parent: parent === '' ? undefined : parent };
    });
}

/** Why no approved pull request brought a commit to a branch, in a clause; undefined: one did. */
async function findChangeFault(change: Change, context: LineContext): Promise<string | undefined> {
  const { branch, commit } = change;
  const { repository, targets, services } = context;
  const { database } = services;
  if (await isKnownReviewed(database, repository.known.id, { branch, commit })) return undefined;
  const branches = new Set([...targets, branch]);
  let fault: string | undefined;
  for (const pull of await listMergedPulls(repository, { branches, commit })) {
    const doubt =
      (await findMergeFault(pull, change, context)) ?? (await findDoubt(pull, repository, services));
    if (doubt === undefined) {
      await saveReviewed(database, repository.known.id, { branch, commit });
      return undefined;
    }
    fault ??= doubt;
  }
  return fault ?? `${commit.slice(0, 12)} was pushed directly to \`${branch}\``;
}

/** Why a merged pull request is not what brought a commit: others came with the same push, or it was merged as something else. */
async function findMergeFault(
  { number, head, base, merge_commit_sha: merge }: ListedPull,
  { branch, commit, paths }: Change,
  context: LineContext,
): Promise<string | undefined> {
  const { remote, services, repository: opened } = context;
  const { repository, branches } = remote;
  const { reader } = repository;
  const direct = `${commit.slice(0, 12)} was pushed directly to \`${branch}\``;
  const [mergeInfo] = merge === null ? [] : await reader.info([merge]);
  if (merge === null || mergeInfo === undefined) return direct;
  const pushes = await findPushes(services.database, opened.known.id, { branch: base.ref, head: merge });
  const told = pushes.length === 1 ? pushes.map((push) => push.before) : [];
  const [before] = (await reader.info(told))[0] === undefined ? [] : told;
  const git = repository.git.until(services.signal);
  const first = before ?? (await git.run('rev-parse', '--verify', `${merge}^1`)).trim();
  const brought = await git.run('rev-list', '--first-parent', merge, `^${first}`);
  if (!brought.split('\n').includes(commit)) return direct;
  const [known] = await reader.info([head.sha]);
  if (known === undefined) await branches.fetchPull(number, services.signal);
  const merged = await mergeTrees(repository, { into: first, from: head.sha }).catch((error: unknown) => {
    if (error instanceof ChooError) return undefined; // no history in common
    throw error;
  });
  const wanted = merged?.kind === 'merged' ? await contentIn(reader, merged.tree, paths) : undefined;
  return wanted === (await contentOf(reader, merge, paths))
    ? undefined
    : `what \`${branch}\` got with ${merge.slice(0, 12)} is not what was approved in pull request ${number}`;
}

type Reader = RemoteRepository['repository']['reader'];

/** What identifies the content of paths at a commit, or before the first one. */
async function contentOf(
  reader: Reader,
  commit: string | undefined,
  paths: readonly string[],
): Promise<string> {
  return contentIn(reader, commit && (await treeOf(reader, commit)), paths);
}

async function contentIn(
  reader: Reader,
  tree: string | undefined,
  paths: readonly string[],
): Promise<string> {
  const ids = await Promise.all(
    paths.map(async (path) => {
      if (tree === undefined) return '';
      return ((await findTree(reader, tree, path)) ?? (await findFile(reader, tree, path)))?.id ?? '';
    }),
  );
  return ids.join(' ');
}
