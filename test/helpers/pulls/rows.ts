import { nextRequest } from '../app-world.ts';
import { VERSION, fileOf, SHAPES } from './shapes.ts';
import type { Stage, StagePlan } from './stage.ts';
import { findUntruths, pullOf } from './untruths.ts';

const METHODS = ['merge'] as const;
/** What becomes of the branch of a merged pull request. */
const BRANCHES = ['auto-deleted', 'deleted at once', 'kept'] as const;

/** What is merged, one after the other; `specs`: the pull request that the specs came with. */
const MERGED = {
  chain: { bottom: ['a'], middle: ['a', 'b'] },
} as const;

/** One row of the table: what a team does with the pull requests of one run. */
export interface Row {
  readonly title: string;
  readonly shape: keyof typeof SHAPES;
  readonly plan: StagePlan;
  readonly merges: readonly string[];
  readonly method: (typeof METHODS)[number];
  /** A person adds a commit to a branch just before it is merged. */
  readonly isAmended: boolean;
  readonly branch: (typeof BRANCHES)[number];
}

/** All rows; their repositories have different names. */
export const ROWS: readonly Row[] = Object.entries(MERGED).flatMap(([shape, what]) =>
  Object.entries(what).flatMap(([name, merges]) =>
    METHODS.flatMap((method) =>
      [false].flatMap((isAmended) =>
        BRANCHES.map((branch): Row => {
          const words = [shape, name, method, ...(isAmended ? ['amended'] : []), branch];
          return {
            shape: shape as keyof typeof SHAPES,
            title: `${shape}: ${name} merged by ${method}, ${isAmended ? 'amended before, ' : ''}branch ${branch}`,
            plan: {
              name: words.join('-').replaceAll(' ', '-'),
              units: SHAPES[shape as keyof typeof SHAPES],
              specsIn: name === 'specs' ? 'pull request' : 'main',
              settings: { delete_branch_on_merge: branch === 'auto-deleted' },
            },
            merges,
            method,
            isAmended,
            branch,
          };
        }),
      ),
    ),
  ),
);

/** Does what a row says, and demands after each step that everything is true. */
export async function play({ merges, method, isAmended, branch }: Row, stage: Stage): Promise<void> {
  const { world, repo } = stage;
  const alice = world.github.as('alice');
  await untilTrue(stage, 'the run');
  for (const merged of merges) {
    const state = await stage.state();
    const pull =
      merged === 'specs'
        ? state.pulls.find(({ number }) => number === stage.thread)
        : pullOf(stage, state, merged);
    if (pull === undefined) throw new Error(`${merged} has no pull request`);
    if (isAmended) await amend(stage, merged, pull.head.ref);
    await alice.merge(repo, pull.number, method);
    if (branch === 'deleted at once') await alice.deleteBranch(repo, pull.head.ref);
    if (merged === 'specs') stage.target = 'main';
    else stage.merged.add(merged);
    await untilTrue(stage, `${merged} merged by ${method}`);
  }
}

async function amend({ world, repo, theirs, git }: Stage, what: string, branch: string): Promise<void> {
  if (what === 'specs') {
    await world.push('alice', branch, { 'README.md': 'Widgets, amended.\n' }, { repo });
    return;
  }
  const text = await git('show', `${branch}:${fileOf(what)}`);
  const extra = `${what}-extra.txt`;
  const files = { [fileOf(what)]: `${text.replace(VERSION(1), VERSION(2))}\n`, [extra]: 'more\n' };
  await world.push('alice', branch, files, { repo });
  theirs.set(what, [...(theirs.get(what) ?? []), extra]);
}

/** Waits until everything is true and nothing is under way. Rejects with what is not. */
export async function untilTrue(stage: Stage, after: string, ms = 60_000): Promise<void> {
  const { github } = stage.world;
  const end = performance.now() + ms;
  for (;;) {
    const { length } = github.requests;
    const untruths = await findUntruths(stage);
    if (untruths.length === 0 && (await isQuiet(stage)) && (await findUntruths(stage)).length === 0) return;
    if (performance.now() > end)
      throw new Error(`after ${after}, for ${ms / 1_000} s:\n${untruths.join('\n') || 'not quiet'}`);
    await nextRequest(github, stage.repo, length);
  }
}

/** Whether choo has handled all that came of a repository, and has nothing to do there. */
async function isQuiet({ world, repo }: Stage): Promise<boolean> {
  await world.github.settled();
  const [row] = await world.server.rows(
    `with here as (select * from github_repositories where owner || '/' || name = '${repo}')
     select (select count(*) from deliveries where handled_at is null and github_repository in (select github_id from here))
          + (select count(*) from reports join runs on runs.id = run
              where (reports.seq < runs.seq or wanted > 0) and reports.repository in (select repository from here))
          + (select count(*) from runs where status = 'running' and repository in (select repository from here)) as open`,
  );
  return row?.['open'] === '0';
}
