import { nextRequest, type State } from '../app-world.ts';
import { VERSION, fileOf, SHAPES } from './shapes.ts';
import type { Stage, StagePlan } from './stage.ts';
import { findUntruths, pullOf } from './untruths.ts';

type Shape = keyof typeof SHAPES;
type Method = 'squash' | 'rebase' | 'merge';

const METHODS: readonly Method[] = ['squash', 'rebase', 'merge'];

/** What becomes of the branch of a merged pull request. */
const BRANCHES = ['auto-deleted', 'deleted at once', 'kept'] as const;
type Branch = (typeof BRANCHES)[number];

/** What is merged, one after the other; `specs`: the pull request that the specs came with. */
const MERGED = {
  specs: ['specs'],
  bottom: ['a'],
  middle: ['a', 'b'],
  'two bottoms': ['a', 'b'],
  'both arms': ['a', 'b', 'c'],
} as const;
type Merged = keyof typeof MERGED;

/** What can be merged of each shape, from below: GitHub merges no draft. */
const WHATS: Readonly<Record<Shape, readonly Merged[]>> = {
  chain: ['specs', 'bottom', 'middle'],
  diamond: ['specs', 'bottom', 'middle', 'both arms'],
  pair: ['specs', 'bottom', 'two bottoms'],
};

interface Merges {
  readonly shape: Shape;
  readonly what: Merged;
  readonly method: Method;
  /** A person adds a commit to each branch just before it is merged. */
  readonly isAmended: boolean;
  /** The repository allows neither squash nor merge commits. */
  readonly isRebaseOnly?: true;
}

/** One row of the table: what a team does with the pull requests of one run. */
export interface Row extends Merges {
  readonly title: string;
  readonly plan: StagePlan;
  readonly branch: Branch;
}

/**
 * Every combination; their repositories have different names. Left out is what means nothing: a merge of the last pull request
 * of a stack, since no open one is left to look at. What was brought up to date is squashed in the rows of `rebase`.
 */
const EVERYWHERE: readonly Row[] = (Object.keys(SHAPES) as Shape[]).flatMap((shape) =>
  WHATS[shape].flatMap((what) =>
    METHODS.flatMap((method) =>
      [false, true].flatMap((isAmended) =>
        BRANCHES.map((branch) => rowOf({ shape, what, method, isAmended }, branch)),
      ),
    ),
  ),
);

/** Where neither squash nor merge commits are allowed; each with one fate of the branch only. */
const REBASE_ONLY: readonly Row[] = (Object.keys(SHAPES) as Shape[]).flatMap((shape) =>
  WHATS[shape].flatMap((what) =>
    [false, true].map((isAmended) =>
      rowOf(
        { shape, what, method: 'rebase', isAmended, isRebaseOnly: true },
        isAmended ? 'kept' : 'auto-deleted',
      ),
    ),
  ),
);

export const ROWS: readonly Row[] = [...EVERYWHERE, ...REBASE_ONLY];

function rowOf(merges: Merges, branch: Branch): Row {
  const { shape, what, method, isAmended, isRebaseOnly = false } = merges;
  const kind = isRebaseOnly ? 'rebase only, ' : '';
  const words = [isRebaseOnly && 'only', shape, what, method, isAmended && 'amended', branch].filter(Boolean);
  return {
    ...merges,
    branch,
    title: `${kind}${shape}: ${what} merged by ${method}, ${isAmended ? 'amended before, ' : ''}branch ${branch}`,
    plan: {
      name: words.join('-').replaceAll(' ', '-'),
      units: SHAPES[shape],
      specsIn: what === 'specs' ? 'pull request' : 'main',
      settings: {
        delete_branch_on_merge: branch === 'auto-deleted',
        ...(isRebaseOnly && { allow_squash_merge: false, allow_merge_commit: false }),
      },
    },
  };
}

/** Does what a row says. Returns what is not true after a step, and the step; empty: everything is true after each. */
export async function play(
  { what, method, isAmended, branch }: Row,
  stage: Stage,
): Promise<readonly string[]> {
  const { world, repo } = stage;
  const alice = world.github.as('alice');
  const before = await untilTrue(stage, 'the run');
  if (before.length > 0) return before;
  for (const merged of MERGED[what]) {
    const state = await stage.state();
    const pull =
      merged === 'specs'
        ? state.pulls.find(({ number }) => number === stage.thread)
        : pullOf(stage, state, merged);
    if (pull === undefined) throw new Error(`${merged} has no pull request`);
    if (isAmended) await amend(stage, merged, pull.head.ref);
    await alice.merge(repo, pull.number, await methodFor(stage, pull, method));
    if (branch === 'deleted at once') await alice.deleteBranch(repo, pull.head.ref, 'api');
    if (merged === 'specs') stage.target = 'main';
    else stage.merged.add(merged);
    const after = await untilTrue(stage, `${merged} merged by ${method}`);
    if (after.length > 0) return after;
  }
  return [];
}

/** What was brought up to date has a merge commit, which GitHub does not rebase: it is squashed. */
async function methodFor(
  { git, isRebaseOnly }: Stage,
  { base, head }: State['pulls'][number],
  method: Method,
): Promise<Method> {
  if (isRebaseOnly) return method;
  const merges = await git('rev-list', '--merges', '--count', `${base.ref}..${head.ref}`);
  return method === 'rebase' && merges !== '0' ? 'squash' : method;
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

/** Waits until everything is true and nothing is under way, for a while at most. Returns what is not. */
export async function untilTrue(stage: Stage, after: string, ms = 300_000): Promise<readonly string[]> {
  const { github } = stage.world;
  const end = performance.now() + ms;
  for (;;) {
    const { length } = github.requests;
    const untruths = await findUntruths(stage);
    if (untruths.length === 0 && (await isQuiet(stage)) && (await findUntruths(stage)).length === 0)
      return [];
    if (performance.now() > end)
      return [
        `after ${after}, for ${ms / 1_000} s:`,
        ...(untruths.length > 0 ? untruths : [`under way: ${await underWay(stage)}`]),
      ];
    await nextRequest(github, stage.repo, length);
  }
}

/** Whether choo has handled all that came of a repository, and has nothing to do there. */
async function isQuiet(stage: Stage): Promise<boolean> {
  return (await underWay(stage)) === '';
}

/** What choo has not handled of a repository, or has to do there; empty: nothing. */
async function underWay({ world, repo }: Stage): Promise<string> {
  await world.github.settled();
  const [row] = await world.server.rows(
    `with here as (select * from github_repositories where owner || '/' || name = '${repo}')
     select (select count(*) from deliveries where handled_at is null and github_repository in (select github_id from here)) as deliveries,
            (select count(*) from reports join runs on runs.id = run
              where (reports.seq < runs.seq or wanted > 0) and reports.repository in (select repository from here)) as reports,
            (select count(*) from runs where status = 'running' and repository in (select repository from here)) as runs`,
  );
  return Object.entries(row ?? {})
    .filter(([, count]) => count !== '0')
    .map(([what, count]) => `${String(count)} ${what}`)
    .join(', ');
}
