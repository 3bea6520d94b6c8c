import type { Commit } from '../git.ts';
import { viewUser } from '../views.ts';
import { fullName, userNamed, type Json, type Repository, type World } from '../world.ts';

/** A commit as the commits API shows it. */
export function viewCommit(world: World, repository: Repository, commit: Commit): Json {
  const { sha, tree, parents, author, committer, message } = commit;
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}`;
  const html = `${world.origin}/${fullName(repository)}`;
  const person = (name: string): Json | null => {
    const user = userNamed(world, name);
    return user === undefined ? null : viewUser(world, user);
  };
  return {
    sha,
    node_id: `C_${sha}`,
    url: `${api}/commits/${sha}`,
    html_url: `${html}/commit/${sha}`,
    comments_url: `${api}/commits/${sha}/comments`,
    commit: {
      author,
      committer,
      message,
      tree: { sha: tree, url: `${api}/git/trees/${tree}` },
      url: `${api}/git/commits/${sha}`,
      comment_count: 0,
      verification: {
        verified: false,
        reason: 'unsigned',
        signature: null,
        payload: null,
        verified_at: null,
      },
    },
    author: person(author.name),
    committer: person(committer.name),
    parents: parents.map((parent) => ({
      sha: parent,
      url: `${api}/commits/${parent}`,
      html_url: `${html}/commit/${parent}`,
    })),
  };
}
