import type { Issue, Json, Repository } from '../world.ts';

/** One of GitHub's own stacks: pull requests from the bottom to the top. */
export interface Stack {
  readonly id: number;
  readonly number: number;
  /** The branch that the lowest pull request had as its base. */
  readonly base: string;
  readonly members: readonly Issue[];
}

/** The stack of an issue, if it is a pull request in one. */
export function stackOf({ stacks }: Repository, issue: Issue): Stack | undefined {
  return stacks.find(({ members }) => members.includes(issue));
}

/** The `stack` field of a pull request: null outside of a stack. */
export function viewStack(repository: Repository, issue: Issue): Json | null {
  const stack = stackOf(repository, issue);
  if (stack === undefined) return null;
  const { id, number, base, members } = stack;
  const lowest = members.find(({ pull }) => pull?.base.ref === base);
  return {
    id,
    number,
    size: members.length,
    position: members.indexOf(issue) + 1,
    base: { ref: base, sha: lowest?.pull?.base.sha ?? null },
  };
}
