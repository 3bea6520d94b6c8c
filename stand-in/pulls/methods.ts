import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { askGit, git, isAncestor, log, type Commit } from '../git.ts';
import { Refusal } from '../refusal.ts';
import type { Issue, Pull, Repository, User } from '../world.ts';

/** The ways of GitHub's merge button. */
export type MergeMethod = 'merge' | 'squash' | 'rebase';

/** What a merge is made of: the tip of the base, and the tree of git's own merge. */
export interface Ground {
  readonly base: string;
  readonly tree: string;
}

/** The texts that the person typed; GitHub's own where they are missing. */
export interface MergeTexts {
  readonly title?: string | undefined;
  readonly message?: string | undefined;
}

const ALLOWS = {
  merge: { setting: 'allow_merge_commit', words: 'Merge commits' },
  squash: { setting: 'allow_squash_merge', words: 'Squash merges' },
  rebase: { setting: 'allow_rebase_merge', words: 'Rebase merges' },
} as const;

/** Throws GitHub's 405 for a method that the repository does not allow. */
export function demandMethod({ settings }: Repository, method: MergeMethod): void {
  const { setting, words } = ALLOWS[method];
  if (!settings[setting]) throw new Refusal(405, `${words} are not allowed on this repository.`);
}

/** Makes the commit, or the commits, that the base moves to. Returns the last one; it is on no branch yet. */
export async function makeMerge(
  { repository, issue, pull, by }: OfMerge,
  method: MergeMethod,
  { base, tree, texts }: Ground & { readonly texts: MergeTexts },
): Promise<string> {
  const { bare } = repository;
  if (method === 'rebase') {
    const tip = await rebased(bare, { base, head: pull.head.sha, by });
    if (tip === undefined) throw new Refusal(405, "This branch can't be rebased");
    return tip;
  }
  const usual =
    method === 'merge' ? mergeTexts(issue, pull) : await squashTexts({ repository, issue, pull, by }, base);
  const message = `${texts.title ?? usual.title}\n\n${texts.message ?? usual.message}`.trimEnd();
  const parents = method === 'squash' ? [base] : [base, pull.head.sha];
  // A merge commit is the merger's; a squash commit is the author's of the pull request.
  return commitTree(bare, { tree, parents, message, author: method === 'squash' ? issue.user : by });
}

interface OfMerge {
  readonly repository: Repository;
  readonly issue: Issue;
  readonly pull: Pull;
  /** The person who merges. */
  readonly by: User;
}

/** Makes a commit as GitHub's pages do: the author is a person, the committer is GitHub. */
export async function commitTree(
  bare: string,
  of: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly message: string;
    readonly author: User;
    /** By default GitHub itself, as on its pages. */
    readonly committer?: User;
  },
): Promise<string> {
  const parents = of.parents.flatMap((parent) => ['-p', parent]);
  const { name, email } = signatureOf(of.author);
  const committer =
    of.committer === undefined ? { name: 'GitHub', email: 'noreply@localhost' } : signatureOf(of.committer);
  return git(
    bare,
    [
      ...['-c', `author.name=${name}`, '-c', `author.email=${email}`],
      ...['-c', `committer.name=${committer.name}`, '-c', `committer.email=${committer.email}`],
      ...['commit-tree', of.tree, ...parents],
    ],
    of.message,
  );
}

interface OfRebase {
  readonly base: string;
  readonly head: string;
  readonly by: Pick<User, 'login'>;
}

/**
 * Rebases a head onto a base, always to new commits, with the person as the committer. Undefined where GitHub refuses: on
 * a conflict, when a merge commit is among the commits, and when the base has one of them already.
 */
export async function rebased(bare: string, { base, head, by }: OfRebase): Promise<string | undefined> {
  if (await hasMerges(bare, { base, head, by })) return undefined;
  const tip = await rebasedOnto(bare, { onto: base, since: base, head, by });
  if (tip === undefined) return undefined;
  const count = (of: string): Promise<string> => git(bare, ['rev-list', '--count', of, `^${base}`]);
  return (await count(head)) === (await count(tip)) ? tip : undefined;
}

/** What `git rebase --onto` does with the commits of a head since another, in a worktree. Undefined after a conflict. */
export async function rebasedOnto(
  bare: string,
  of: {
    readonly onto: string;
    readonly since: string;
    readonly head: string;
    readonly by: Pick<User, 'login'>;
  },
): Promise<string | undefined> {
  const place = await mkdtemp(join(bare, '..', 'rebase-'));
  const { name, email } = signatureOf(of.by);
  try {
    await git(bare, ['worktree', 'add', '-q', '--detach', place, of.head]);
    const done = await askGit(place, [
      ...['-c', `user.name=${name}`, '-c', `user.email=${email}`],
      ...['rebase', '-q', '--no-ff', '--reapply-cherry-picks', '--empty=drop', '--onto', of.onto, of.since],
    ]);
    return done === undefined ? undefined : await git(place, ['rev-parse', 'HEAD']);
  } finally {
    await rm(place, { recursive: true, force: true });
    await git(bare, ['worktree', 'prune']);
  }
}

/** Whether `rebased` would succeed, without a worktree where git's history shows it. */
export async function canRebase(bare: string, of: OfRebase): Promise<boolean> {
  if (await hasMerges(bare, of)) return false;
  return (await isAncestor(bare, of.base, of.head)) || (await rebased(bare, of)) !== undefined;
}

async function hasMerges(bare: string, { base, head }: OfRebase): Promise<boolean> {
  return (await git(bare, ['rev-list', '--count', '--merges', head, `^${base}`])) !== '0';
}

function signatureOf({ login }: Pick<User, 'login'>): { readonly name: string; readonly email: string } {
  return { name: login, email: `${login}@users.noreply.localhost` };
}

function mergeTexts({ number, title }: Issue, { head }: Pull): Required<MergeTexts> {
  const from = `${head.repository.owner.login}/${head.ref}`;
  return { title: `Merge pull request #${number} from ${from}`, message: title };
}

/** One commit: its message. More: the title of the pull request, and the messages with the other authors below. */
async function squashTexts(
  { repository, issue, pull }: OfMerge,
  base: string,
): Promise<Required<MergeTexts>> {
  const { squash_merge_commit_title: titles, squash_merge_commit_message: messages } = repository.settings;
  const commits = await log(repository.bare, ['--reverse', '--no-merges', pull.head.sha, `^${base}`]);
  const [only] = commits.length === 1 ? commits : [];
  const [subject = '', ...rest] = (only?.message ?? '').split('\n');
  const title = only === undefined || titles === 'PR_TITLE' ? issue.title : subject;
  const listed = only === undefined ? listMessages(commits, issue.user) : rest.join('\n').trim();
  const message = { BLANK: '', PR_BODY: issue.body ?? '', COMMIT_MESSAGES: listed }[messages];
  return { title: `${title} (#${issue.number})`, message };
}

function listMessages(commits: readonly Commit[], author: User): string {
  const listed = commits.map(({ message }) => `* ${message}`).join('\n\n');
  const others = new Set(
    commits.flatMap(({ author: { name, email } }) =>
      email === signatureOf(author).email ? [] : [`Co-authored-by: ${name} <${email}>`],
    ),
  );
  return others.size === 0 ? listed : `${listed}\n\n---------\n\n${[...others].join('\n')}`;
}
