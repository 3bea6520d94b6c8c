import { askGit, commitOf, git, isAncestor, refsOf } from '../git.ts';
import { followPush } from '../pushes.ts';
import { notFound, Refusal } from '../refusal.ts';
import { demandRules } from '../rules.ts';
import { created, ok, page, repositoryRoute, text, type RepositoryCall, type Route } from '../router.ts';
import { fullName, type Json } from '../world.ts';

const NEEDS = { permission: 'contents' };

/** Refs and branches of the bare repository. Changing one is a push. */
export const REF_ROUTES: readonly Route[] = [
  repositoryRoute('GET /git/ref/:ref*', NEEDS, async (call) => {
    const ref = `refs/${call.params['ref']}`;
    const sha = (await refsOf(call.repository.bare)).get(ref);
    if (sha === undefined) throw notFound();
    return ok(await viewRef(call, ref, sha));
  }),
  repositoryRoute('GET /git/matching-refs/:ref*', NEEDS, async (call) => {
    const refs = [...(await refsOf(call.repository.bare))];
    const matching = refs.filter(([ref]) => ref.startsWith(`refs/${call.params['ref']}`));
    const views = await Promise.all(matching.map(async ([ref, sha]) => viewRef(call, ref, sha)));
    return page(call, views, (view) => view);
  }),
  repositoryRoute('POST /git/refs', NEEDS, async (call) => {
    const ref = text(call.body, 'ref', 'Reference');
    const sha = text(call.body, 'sha', 'Reference');
    if (!/^refs\/[^/]+\/./.test(ref))
      throw new Refusal(
        422,
        "Reference name must start with 'refs/' and contain at least three slash characters.",
      );
    await demandObject(call, sha);
    await moving(call, async (before) => {
      if (before.has(ref)) throw new Refusal(422, 'Reference already exists');
      await demandRules(call.repository, ref, { after: sha });
      await git(call.repository.bare, ['update-ref', ref, sha, '']);
    });
    return created(await viewRef(call, ref, sha));
  }),
  repositoryRoute('PATCH /git/refs/:ref*', NEEDS, async (call) => {
    const ref = `refs/${call.params['ref']}`;
    const sha = text(call.body, 'sha', 'Reference');
    await demandObject(call, sha);
    await moving(call, async (before) => {
      const old = before.get(ref);
      if (old === undefined) throw new Refusal(422, 'Reference does not exist');
      if (call.body['force'] !== true && !(await isAncestor(call.repository.bare, old, sha)))
        throw new Refusal(422, 'Update is not a fast forward');
      await demandRules(call.repository, ref, { before: old, after: sha });
      await git(call.repository.bare, ['update-ref', ref, sha, old]);
    });
    return ok(await viewRef(call, ref, sha));
  }),
  repositoryRoute('DELETE /git/refs/:ref*', NEEDS, async (call) => {
    const ref = `refs/${call.params['ref']}`;
    await moving(call, async (before) => {
      const old = before.get(ref);
      if (old === undefined) throw new Refusal(422, 'Reference does not exist');
      await demandRules(call.repository, ref, { before: old });
      await git(call.repository.bare, ['update-ref', '-d', ref]);
    });
    return { status: 204 };
  }),
  repositoryRoute('GET /branches', NEEDS, async (call) => {
    const refs = [...(await refsOf(call.repository.bare))].filter(([ref]) => ref.startsWith('refs/heads/'));
    return page(call, refs, ([ref, sha]) => viewBranch(call, ref.slice('refs/heads/'.length), sha));
  }),
  repositoryRoute('GET /branches/:branch*', NEEDS, async (call) => {
    const branch = call.params['branch'] ?? '';
    const sha = await commitOf(call.repository.bare, `refs/heads/${branch}`);
    if (sha === undefined) throw new Refusal(404, 'Branch not found');
    return ok(viewBranch(call, branch, sha));
  }),
];

/** Changes refs under the repository's lock, and raises the events. */
async function moving(
  { world, repository, actor, onPages = false }: RepositoryCall,
  change: (before: ReadonlyMap<string, string>) => Promise<void>,
): Promise<void> {
  await repository.alone(async () => {
    const before = await refsOf(repository.bare);
    await change(before);
    const after = await refsOf(repository.bare);
    await followPush({
      world,
      repository,
      sender: actor.user,
      before,
      after,
      onPages,
    });
  });
}

async function demandObject({ repository }: RepositoryCall, sha: string): Promise<void> {
  const there =
    /^[0-9a-f]{40}$/.test(sha) && (await askGit(repository.bare, ['cat-file', '-e', sha])) !== undefined;
  if (!there) throw new Refusal(422, 'Object does not exist');
}

async function viewRef({ world, repository }: RepositoryCall, ref: string, sha: string): Promise<Json> {
  const api = `${world.origin}/api/v3/repos/${fullName(repository)}/git`;
  const type = await git(repository.bare, ['cat-file', '-t', sha]);
  return {
    ref,
    node_id: `REF_${Buffer.from(ref).toString('base64url')}`,
    url: `${api}/${ref}`,
    object: { type, sha, url: `${api}/${type}s/${sha}` },
  };
}

/** A branch as lists show it. */
export function viewBranch({ world, repository }: RepositoryCall, name: string, sha: string): Json {
  const url = `${world.origin}/api/v3/repos/${fullName(repository)}/commits/${sha}`;
  return { name, commit: { sha, url }, protected: false };
}
