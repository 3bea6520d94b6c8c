import { execa } from 'execa';
import { commitOf, git, GIT_ENVIRONMENT, lines } from '../git.ts';
import { notFound } from '../refusal.ts';
import { ok, repositoryRoute, type Reply, type RepositoryCall, type Route } from '../router.ts';
import { fullName, type Json } from '../world.ts';

/** The content of larger files is omitted. Bytes. */
const LARGEST_BYTES = 1024 * 1024;

/** Files and directories at a ref. */
export const CONTENT_ROUTES: readonly Route[] = [
  repositoryRoute('GET /contents/?', { permission: 'contents' }, (call) => contents(call, '')),
  repositoryRoute('GET /contents/:path*', { permission: 'contents' }, (call) =>
    contents(call, (call.params['path'] ?? '').replace(/\/$/, '')),
  ),
];

async function contents(call: RepositoryCall, path: string): Promise<Reply> {
  const { bare } = call.repository;
  const ref = call.query['ref'] ?? call.repository.defaultBranch;
  const commit = await commitOf(bare, ref);
  if (commit === undefined) throw notFound();
  const list = async (args: readonly string[]): Promise<Json[]> =>
    lines(await git(bare, ['-c', 'core.quotePath=false', 'ls-tree', '-l', commit, ...args])).map((line) =>
      viewEntry(call, ref, line),
    );
  if (path === '') return ok(await list([]));
  const [entry] = await list(['--', path]);
  if (entry === undefined) throw notFound();
  if (entry['type'] === 'dir') return ok(await list(['--', `${path}/`]));
  const { stdout } = await execa('git', ['-C', bare, 'cat-file', 'blob', String(entry['sha'])], {
    encoding: 'buffer',
    stripFinalNewline: false,
    extendEnv: false,
    env: GIT_ENVIRONMENT,
  });
  const content = Buffer.from(stdout);
  if (/[.+]raw/.test(call.accept)) return { status: 200, body: content.toString() };
  const small = content.length <= LARGEST_BYTES;
  return ok({
    ...entry,
    encoding: small ? 'base64' : 'none',
    content: small ? content.toString('base64').replace(/.{60}/g, '$&\n') : '',
  });
}

function viewEntry({ world, repository }: RepositoryCall, ref: string, line: string): Json {
  const [fields = '', path = ''] = line.split('\t');
  const [, kind, sha, size = '-'] = fields.split(/ +/);
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}`;
  const html = `${world.origin}/${fullName(repository)}`;
  const directory = kind === 'tree';
  const url = `${api}/contents/${path}?ref=${ref}`;
  const git_url = `${api}/git/${kind}s/${sha}`;
  const html_url = `${html}/${directory ? 'tree' : 'blob'}/${ref}/${path}`;
  return {
    type: directory ? 'dir' : 'file',
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    sha,
    size: Number(size) || 0,
    url,
    git_url,
    html_url,
    download_url: directory ? null : `${html}/raw/${ref}/${path}`,
    _links: { self: url, git: git_url, html: html_url },
  };
}
