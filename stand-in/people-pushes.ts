import { commitOf, git, refsOf } from './git.ts';
import { commitTree } from './pulls/methods.ts';
import { followPush } from './pushes.ts';
import { demandRules } from './rules.ts';
import { fullName, mayWrite, type Repository, type User, type World } from './world.ts';

/** A commit that a person pushes. */
export interface PersonsCommit {
  /** By path; null removes a file. */
  readonly files?: Readonly<Record<string, string | null>>;
  readonly message?: string;
  /** Replaces the last commit, with a force-push, instead of following it. */
  readonly amend?: boolean;
  /** A commit or branch to begin at instead of the branch's tip; with a force-push where the branch exists. */
  readonly from?: string;
  /** A branch that it merges; the files are what the conflicts were resolved to. */
  readonly merge?: string;
}

/** Makes a commit as a person would in a clone, and pushes it. Returns it. Throws when the person may not. */
export async function pushAs(
  { world, user }: { readonly world: World; readonly user: User },
  repository: Repository,
  { branch, ...commit }: PersonsCommit & { readonly branch: string },
): Promise<string> {
  const { bare } = repository;
  if (!mayWrite(repository, user))
    throw new Error(`Permission to ${fullName(repository)}.git denied to ${user.login}.`);
  return repository.alone(async () => {
    const before = await refsOf(bare);
    const start = await commitOf(bare, commit.from ?? `refs/heads/${branch}`);
    if (start === undefined) throw new Error(`there is no commit \`${commit.from ?? branch}\``);
    const tree = await treeWith(bare, start, commit.files ?? {});
    const merged =
      commit.merge === undefined ? undefined : await commitOf(bare, `refs/heads/${commit.merge}`);
    const parents = [
      ...(commit.amend === true ? await parentsOf(bare, start) : [start]),
      ...(merged === undefined ? [] : [merged]),
    ];
    const message = commit.message ?? `Change ${branch}`;
    const sha = await commitTree(bare, { tree, parents, message, author: user, committer: user });
    const ref = `refs/heads/${branch}`;
    const old = before.get(ref);
    await demandRules(repository, ref, { ...(old !== undefined && { before: old }), after: sha });
    await git(bare, ['update-ref', ref, sha]);
    await followPush({ world, repository, sender: user, before, after: await refsOf(bare) });
    return sha;
  });
}

async function parentsOf(bare: string, commit: string): Promise<string[]> {
  const [, ...parents] = (await git(bare, ['rev-list', '--no-walk', '--parents', commit])).split(' ');
  return parents;
}

/** The tree of a commit with other files. */
async function treeWith(
  bare: string,
  commit: string,
  files: NonNullable<PersonsCommit['files']>,
): Promise<string> {
  const ref = 'refs/stand-in/edit';
  const changes = Object.entries(files).map(([path, content]) =>
    content === null
      ? `D ${path}\n`
      : `M ${content.startsWith('#!') ? '100755' : '100644'} inline ${path}\ndata ${Buffer.byteLength(content)}\n${content}\n`,
  );
  const stream = `commit ${ref}\ncommitter x <x@localhost> 0 +0000\ndata 1\nx\nfrom ${commit}\n${changes.join('')}\n`;
  await git(bare, ['fast-import', '--quiet', '--force'], stream);
  const tree = await git(bare, ['rev-parse', `${ref}^{tree}`]);
  await git(bare, ['update-ref', '-d', ref]);
  return tree;
}
