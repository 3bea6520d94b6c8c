import { LRUCache } from 'lru-cache';
import type { Config } from '../../config/schema.ts';
import { statusOf } from '../../github/api/client.ts';
import type { OpenRepository } from './open-repository.ts';

/** How unit branches are brought up to date: by merge commits, or by making their own commits again. */
export type StackWay = NonNullable<Config['stack']>;

/** What a repository allows; undefined: GitHub does not say so. */
interface MergeSettings {
  readonly allow_squash_merge?: boolean | undefined;
  readonly allow_merge_commit?: boolean | undefined;
  readonly allow_rebase_merge?: boolean | undefined;
}

/** A rule for a branch; more types exist, with other parameters. */
interface BranchRule {
  readonly type: string;
  readonly parameters?: { readonly allowed_merge_methods?: readonly string[] | undefined } | undefined;
}

/** How long an answer is believed: no event that the App gets says that settings or rules changed. Milliseconds. */
const MAX_AGE_MS = 300_000;
/** By choo's own number of the repository, then by target. */
const ways = new LRUCache<string, Map<string, StackWay>>({ max: 10_000, ttl: MAX_AGE_MS });

/** Reads how unit branches for a target are to be brought up to date, from the repository's settings and rules. */
export async function readStackWay(
  { known, octokit }: Pick<OpenRepository, 'known' | 'octokit'>,
  target: string,
): Promise<StackWay> {
  const cached = ways.get(known.id)?.get(target);
  if (cached !== undefined) return cached;
  const at = { owner: known.owner, repo: known.name };
  const rulesOf = async (branch: string): Promise<readonly BranchRule[]> =>
    octokit.rest.repos.getBranchRules({ ...at, branch, per_page: 100 }).then(
      ({ data }) => data as readonly BranchRule[],
      (error: unknown) => {
        // Some plans have no rules, nor have old versions of GitHub Enterprise Server.
        if ([403, 404].includes(statusOf(error) ?? 0)) return [];
        throw error;
      },
    );
  const [{ data: settings }, targetRules, unitRules] = await Promise.all([
    octokit.rest.repos.get(at),
    rulesOf(target),
    rulesOf(`choo/unit/${target}/unit`),
  ]);
  const way = chooseStackWay(settings, { target: targetRules, unit: unitRules });
  const byTarget = ways.get(known.id);
  if (byTarget === undefined) ways.set(known.id, new Map([[target, way]]));
  else byTarget.set(target, way);
  return way;
}

/** Reads the settings of a repository again when they are next needed. */
export function forgetStackWays(repository: string): void {
  ways.delete(repository);
}

/**
 * Chooses `rebase` where nothing else can be merged: a rule forbids merge commits on unit branches, or only merging by rebase is
 * left of what settings and rules allow for the target. Pure.
 *
 * @internal
 */
export function chooseStackWay(
  settings: MergeSettings,
  rules: { readonly target: readonly BranchRule[]; readonly unit: readonly BranchRule[] },
): StackWay {
  const isLinear = (of: readonly BranchRule[]): boolean =>
    of.some(({ type }) => type === 'required_linear_history');
  if (isLinear(rules.unit)) return 'rebase';
  const lists = rules.target.flatMap(({ parameters }) => {
    const methods = parameters?.allowed_merge_methods;
    return methods === undefined || methods.length === 0 ? [] : [methods];
  });
  const isAllowed = (method: string, setting: boolean | undefined): boolean =>
    setting !== false && lists.every((methods) => methods.includes(method));
  const others =
    isAllowed('squash', settings.allow_squash_merge) ||
    (isAllowed('merge', settings.allow_merge_commit) && !isLinear(rules.target));
  return !others && isAllowed('rebase', settings.allow_rebase_merge) ? 'rebase' : 'merge';
}
