import { commitOf, git, refsOf, type Refs } from '../git.ts';
import { followPush, type Push } from '../pushes.ts';
import { Refusal } from '../refusal.ts';
import type { Issue, Pull, Repository, User, World } from '../world.ts';
import { finish, moveBase } from './follow.ts';
import { demandMethod, makeMerge, rebasedOnto, type MergeMethod } from './methods.ts';
import { stackOf } from './stacks.ts';
import { mergedTree } from './views.ts';

interface StackMerge {
  readonly world: World;
  readonly repository: Repository;
  readonly by: User;
  readonly method: MergeMethod;
}

interface Member {
  readonly issue: Issue;
  readonly pull: Pull;
}

/**
 * Merges a pull request of a stack with everything below it, or nothing. What is above is rebased, as `git rebase --onto`
 * does, from the old tip of the branch below, force-pushed, and the lowest of it gets the stack's base. Returns the new tip
 * of that base. Throws a Refusal.
 */
export async function mergeStack(of: StackMerge, upTo: Issue): Promise<string> {
  const { repository, method } = of;
  const stack = stackOf(repository, upTo);
  if (stack === undefined) throw new Refusal(400, 'The pull request is not part of a stack.');
  demandMethod(repository, method);
  const open = stack.members.flatMap((issue): Member[] =>
    issue.pull !== undefined && issue.state === 'open' ? [{ issue, pull: issue.pull }] : [],
  );
  const end = open.findIndex(({ issue }) => issue === upTo) + 1;
  const merging = open.slice(0, end);
  if (end === 0 || merging.some(({ pull }) => pull.draft))
    throw new Refusal(400, 'The pull request is not ready to be merged.');
  const base = await commitOf(repository.bare, `refs/heads/${stack.base}`);
  if (base === undefined) throw new Refusal(400, 'The base of the stack is gone.');

  const tips = await plan(of, merging, base);
  const old = merging.at(-1)?.pull.head.sha ?? base;
  for (const [index, { issue, pull }] of merging.entries()) {
    const sha = tips[index] ?? base;
    const before = await refsOf(repository.bare);
    await git(repository.bare, ['update-ref', `refs/heads/${stack.base}`, sha]);
    const push = await pushFrom(of, before);
    if (pull.base.ref !== stack.base)
      await moveBase(push, { repository, issue, pull }, { ref: stack.base, sha });
    await finish(push, { repository, issue, pull }, sha);
    await followPush(push);
  }
  await rebaseRest(of, open.slice(end), { base: stack.base, tip: tips.at(-1) ?? base, old });
  return tips.at(-1) ?? base;
}

/** Makes the commits of every merge before the first ref moves. Returns the tips of the base, one for each. */
async function plan(of: StackMerge, merging: readonly Member[], base: string): Promise<string[]> {
  const { bare } = of.repository;
  const tips: string[] = [];
  for (const [index, { issue, pull }] of merging.entries()) {
    const onto = tips.at(-1) ?? base;
    const since = merging[index - 1]?.pull.head.sha;
    const keeps = since === undefined || of.method === 'merge';
    const sha = keeps
      ? pull.head.sha
      : await rebasedOnto(bare, { onto, since, head: pull.head.sha, by: of.by });
    const tree = sha === undefined ? undefined : await mergedTree(bare, onto, sha);
    if (sha === undefined || tree === undefined)
      throw new Refusal(400, 'Merge conflict: the pull request could not be merged.');
    const moved = { ...pull, head: { ...pull.head, sha } };
    tips.push(await makeMerge({ ...of, issue, pull: moved }, of.method, { base: onto, tree, texts: {} }));
  }
  return tips;
}

/** Rebases what is left of a stack, from below; stops at a conflict, as GitHub does. */
async function rebaseRest(
  of: StackMerge,
  rest: readonly Member[],
  { base, tip, old }: { readonly base: string; readonly tip: string; readonly old: string },
): Promise<void> {
  const { repository, by } = of;
  const { bare } = repository;
  let [onto, since] = [tip, old];
  for (const [index, { issue, pull }] of rest.entries()) {
    const head = pull.head.sha;
    if (index === 0)
      await moveBase(
        await pushFrom(of, await refsOf(bare)),
        { repository, issue, pull },
        { ref: base, sha: tip },
      );
    const moved = await rebasedOnto(bare, { onto, since, head, by });
    if (moved === undefined) return;
    const before = await refsOf(bare);
    await git(bare, ['update-ref', `refs/heads/${pull.head.ref}`, moved, head]);
    await followPush(await pushFrom(of, before));
    [onto, since] = [moved, head];
  }
}

async function pushFrom({ world, repository, by }: StackMerge, before: Refs): Promise<Push> {
  return { world, repository, sender: by, before, after: await refsOf(repository.bare) };
}
