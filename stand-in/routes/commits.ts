import { changedFiles } from '../pulls/diff.ts';
import { askGit, commitOf, git, lines, log } from '../git.ts';
import { notFound, Refusal } from '../refusal.ts';
import { ok, page, repositoryRoute, type Reply, type RepositoryCall, type Route } from '../router.ts';
import { fullName, type Json } from '../world.ts';
import { viewCommit } from './commit-views.ts';

const NEEDS = { permission: 'contents' };
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Commits, trees and comparisons, from git. */
export const COMMIT_ROUTES: readonly Route[] = [
  repositoryRoute('GET /commits', NEEDS, async (call) => {
    const { world, repository, query } = call;
    const from = await commitOf(repository.bare, query['sha'] ?? repository.defaultBranch);
    if (from === undefined) throw notFound();
    const paths = query['path'] === undefined ? [] : ['--', query['path']];
    const commits = await log(repository.bare, ['-1000', from, ...paths]);
    return page(call, commits, (commit) => viewCommit(world, repository, commit));
  }),
  repositoryRoute('GET /commits/:sha*', NEEDS, async (call) => {
    const { world, repository, params } = call;
    const sha = await commitOf(repository.bare, params['sha'] ?? '');
    if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${params['sha']}`);
    if (call.accept.includes('.sha')) return { status: 200, body: sha };
    const [commit] = await log(repository.bare, ['-1', sha]);
    if (commit === undefined) throw notFound();
    const files = await changedFiles(repository.bare, commit.parents[0] ?? EMPTY_TREE, sha);
    return ok({ ...viewCommit(world, repository, commit), stats: sum(files), files: files.slice(0, 3000) });
  }),
  repositoryRoute('GET /git/commits/:sha', NEEDS, async (call) => {
    const { world, repository, params } = call;
    const sha = await commitOf(repository.bare, params['sha'] ?? '');
    const [commit] = sha === undefined ? [] : await log(repository.bare, ['-1', sha]);
    if (commit === undefined) throw notFound();
    const { parents, commit: inner, html_url, node_id } = viewCommit(world, repository, commit);
    return ok({ sha, node_id, html_url, parents, ...(inner as Json) });
  }),
  repositoryRoute('GET /git/trees/:sha*', NEEDS, async (call) => tree(call)),
  repositoryRoute('GET /git/blobs/:sha', NEEDS, async ({ repository, params }) => {
    const { sha = '' } = params;
    if (!/^[0-9a-f]{40}$/.test(sha)) throw notFound();
    const content = await askGit(repository.bare, ['cat-file', 'blob', sha]);
    if (content === undefined) throw notFound();
    const size = Number(await git(repository.bare, ['cat-file', '-s', sha]));
    return ok({ sha, size, encoding: 'base64', content: Buffer.from(content).toString('base64') });
  }),
  repositoryRoute('GET /compare/:basehead*', NEEDS, async (call) => compare(call)),
];

async function compare(call: RepositoryCall): Promise<Reply> {
  const { world, repository, params } = call;
  const { bare } = repository;
  const [from = '', to = ''] = (params['basehead'] ?? '').split('...');
  const [base, head] = await Promise.all([
    commitOf(bare, withoutOwner(from)),
    commitOf(bare, withoutOwner(to)),
  ]);
  if (base === undefined || head === undefined) throw notFound();
  const start = await askGit(bare, ['merge-base', base, head]);
  if (start === undefined) throw new Refusal(404, `No common ancestor between ${from} and ${to}.`);
  const counts = await git(bare, ['rev-list', '--left-right', '--count', `${base}...${head}`]);
  const [behind = 0, ahead = 0] = counts.split('\t').map(Number);
  const commits = (await log(bare, [`${base}..${head}`])).toReversed();
  const [first] = await log(bare, ['-1', base]);
  const [common] = await log(bare, ['-1', start]);
  const files = await changedFiles(bare, start, head);
  const html = `${world.origin}/${fullName(repository)}/compare/${from}...${to}`;
  const paged = page(call, commits, (commit) => viewCommit(world, repository, commit));
  return {
    ...paged,
    body: {
      url: `${world.origin}/api/v3${call.path}`,
      html_url: html,
      permalink_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      base_commit: first && viewCommit(world, repository, first),
      merge_base_commit: common && viewCommit(world, repository, common),
      status: standing(ahead, behind),
      ahead_by: ahead,
      behind_by: behind,
      total_commits: commits.length,
      commits: paged.body,
      files: files.slice(0, 300),
    },
  };
}

async function tree({ world, repository, params, query }: RepositoryCall): Promise<Reply> {
  const { bare } = repository;
  const name = params['sha'] ?? '';
  const sha = await askGit(bare, ['rev-parse', '--verify', '--quiet', `${name}^{tree}`]);
  if (sha === undefined || name.startsWith('-')) throw notFound();
  const recursive = query['recursive'] === undefined ? [] : ['-r', '-t'];
  const listed = await git(bare, ['-c', 'core.quotePath=false', 'ls-tree', '-l', ...recursive, sha]);
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}/git`;
  const entries = lines(listed).map((line) => {
    const [fields = '', path = ''] = line.split('\t');
    const [mode, type, id, size = '-'] = fields.split(/ +/);
    return {
      path,
      mode,
      type,
      sha: id,
      url: `${api}/${type}s/${id}`,
      ...(size !== '-' && { size: Number(size) }),
    };
  });
  return ok({ sha, url: `${api}/trees/${sha}`, tree: entries, truncated: false });
}

function standing(ahead: number, behind: number): string {
  if (ahead > 0 && behind > 0) return 'diverged';
  if (ahead > 0) return 'ahead';
  return behind > 0 ? 'behind' : 'identical';
}

function withoutOwner(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function sum(files: readonly Json[]): Json {
  const total = (key: string): number => files.reduce((count, file) => count + Number(file[key]), 0);
  return { additions: total('additions'), deletions: total('deletions'), total: total('changes') };
}
