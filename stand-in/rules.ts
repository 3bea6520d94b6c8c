import { execa } from 'execa';
import { join } from 'node:path';
import { GIT_ENVIRONMENT, NO_COMMIT } from './git.ts';
import { Refusal } from './refusal.ts';
import type { Repository } from './world.ts';

/** The kinds of rules that git can judge. */
export type RuleType = 'creation' | 'update' | 'deletion' | 'non_fast_forward' | 'required_linear_history';

/** A ruleset of a repository, for everybody. */
export interface Ruleset {
  readonly id: number;
  /** Names of branches; a star stands for any text, with slashes. */
  readonly branches: readonly string[];
  readonly types: readonly RuleType[];
}

/** The rules for a branch. */
export function rulesFor(
  { rulesets }: Repository,
  branch: string,
): { readonly id: number; readonly type: RuleType }[] {
  return rulesets
    .filter(({ branches }) => branches.some((pattern) => patternOf(pattern).test(branch)))
    .flatMap(({ id, types }) => types.map((type) => ({ id, type })));
}

/** The environment from which the hook reads the rules: a line for each branch pattern and type. */
export function rulesForHook({ rulesets }: Repository): string {
  const lines = rulesets.flatMap(({ branches, types }) =>
    branches.flatMap((branch) => types.map((type) => `${type} refs/heads/${branch}`)),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** Throws a Refusal, by default GitHub's 422, with the words of the hook for pushes, for a change of a ref that a rule forbids. */
export async function demandRules(
  repository: Repository,
  ref: string,
  change: { readonly before?: string; readonly after?: string; readonly status?: 405 | 422 },
): Promise<void> {
  const { before = NO_COMMIT, after = NO_COMMIT, status = 422 } = change;
  if (repository.rulesets.length === 0) return;
  const { failed, stderr } = await execa('sh', [join(repository.bare, '..', 'hooks', 'pre-receive')], {
    cwd: repository.bare,
    input: `${before} ${after} ${ref}\n`,
    reject: false,
    extendEnv: false,
    env: { ...GIT_ENVIRONMENT, RULES: rulesForHook(repository) },
  });
  const reasons = stderr.split('\n').flatMap((line) => /^- (.*)$/.exec(line)?.[1] ?? []);
  if (failed) throw new Refusal(status, `Repository rule violations found\n\n${reasons.join('\n')}\n\n`);
}

function patternOf(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
}
