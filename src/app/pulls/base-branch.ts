import { LRUCache } from 'lru-cache';
import { ChooError } from '../../errors.ts';
import { isAncestor } from '../../git/ancestry.ts';
import { mergeCommits } from '../../git/merge.ts';
import { parseCommit } from '../../git/objects/commit.ts';
import { treeOf } from '../../git/objects/tree-object.ts';
import type { Repository } from '../../git/repository.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';
import type { Database } from '../../store/database/database.ts';
import { countMade, noteMade } from '../../store/github/base-branches.ts';
import type { StackWay } from '../repository/stack-way.ts';
import type { NoBase } from './derive.ts';

/**
 * The base of a unit that was built on several dependencies is a branch of choo's. Its *core* is the merge of their heads that
 * the unit's work stands on. Its tip is an empty commit on top of the core, which asks CI not to run: nothing is ever built on
 * it, so no pull request brings that request into a target.
 */

/** How often a base branch is made again within an hour when somebody deletes it. */
const MAX_MADE_AGAIN = 3;
const HOUR_MS = 3_600_000;
/** When a refused branch is tried again: somebody may change the rule. Milliseconds. */
const REFUSED_MS = 600_000;

/** Why it was refused, by repository, branch and core. */
const refused = new LRUCache<string, NoBase>({ max: 1_000, ttl: REFUSED_MS });

const TIP = 'Base of a pull request; nothing is built on this commit';

/** The core of a base branch, by its tip. Undefined: choo did not make the tip. */
export async function coreOf({ reader }: Repository, tip: string): Promise<string | undefined> {
  const [content] = await reader.contents([tip]);
  const core = content === undefined ? undefined : parseCommit(content).parents[0];
  return core !== undefined && (await treeOf(reader, core)) === (await treeOf(reader, tip))
    ? core
    : undefined;
}

/**
 * Makes the tip of a base branch for a core. It descends from the old tip, so that the branch only moves forward; not by
 * `rebase`, where it has no merge commit.
 */
async function makeTip(
  repository: Repository,
  core: string,
  { before, way }: { readonly before: string | undefined; readonly way: StackWay },
): Promise<string> {
  const tree = await treeOf(repository.reader, core);
  const isForward = way === 'merge' && before !== undefined && !(await isAncestor(repository, before, core));
  const parents = isForward ? [core, before] : [core];
  return repository.commit({ tree, parents, subject: TIP, skipsCi: true });
}

/**
 * The merge of the target, which comes first, and the heads of open dependencies, on top of the old core; by `rebase` one commit
 * on the target. Undefined: they conflict.
 */
export async function moveCore(
  repository: Repository,
  { core, heads, way }: { readonly core: string; readonly heads: readonly string[]; readonly way: StackWay },
): Promise<string | undefined> {
  const [first, ...rest] = heads;
  if (first === undefined) throw new ChooError('internal', 'a base without dependencies');
  let merged = first;
  for (const head of rest) {
    const merge = await mergeCommits(repository, { into: merged, from: head, subject: 'Merge dependencies' });
    if (merge.kind === 'conflict') return undefined;
    merged = merge.commit;
  }
  const tree = await treeOf(repository.reader, merged);
  const subject = 'Bring the dependencies up to date';
  return repository.commit({ tree, parents: way === 'rebase' ? [first] : [core, merged], subject });
}

/**
 * Pushes a base branch for a core, unless it is there. `repository` is choo's own number of it; `before` the branch's tip. Returns
 * why there can be no such branch; undefined: there is. Throws a ChooError when the remote cannot be reached.
 */
export async function publishBase(
  {
    id,
    name,
    core,
    before,
    way,
  }: {
    readonly id: string;
    readonly name: string;
    readonly core: string;
    readonly before: string | undefined;
    readonly way: StackWay;
  },
  repository: Repository,
  { branches }: Pick<RemoteRepository, 'branches'>,
  database: Database,
): Promise<NoBase | undefined> {
  if (before !== undefined && (await coreOf(repository, before)) === core) return undefined;
  const key = `${id} ${name} ${core}`;
  const known = refused.get(key);
  if (known !== undefined) return known;
  const place = { repository: id, branch: name };
  if (before === undefined && (await countMade(database, place, HOUR_MS)) > MAX_MADE_AGAIN)
    return { kind: 'deleted' };
  try {
    await branches.publish(name, await makeTip(repository, core, { before, way }), before);
  } catch (error) {
    if (!(error instanceof ChooError) || error.code !== 'git') throw error;
    const refusal: NoBase = { kind: 'refused', reason: error.message };
    refused.set(key, refusal);
    return refusal;
  }
  if (before === undefined) await noteMade(database, place, HOUR_MS);
  return undefined;
}
