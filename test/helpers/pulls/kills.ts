import type { LoggedRequest } from '../../../stand-in/requests.ts';
import { untilTrue } from './rows.ts';
import { SHAPES } from './shapes.ts';
import type { Stage, StagePlan } from './stage.ts';
import { pullOf } from './untruths.ts';

/** More writes than any of these takes. */
export const MOST_WRITES = 40;

/** What a person does, and what a server is killed in the middle of. */
interface Scenario {
  readonly plan: Omit<StagePlan, 'name'>;
  /** What is done before, with nothing killed: its pushes are not those of the act. */
  readonly prepare?: (stage: Stage) => Promise<void>;
  readonly act: (stage: Stage) => Promise<void>;
}

/** Merges a unit by squash; its branch stays, goes at once, or goes by itself. */
async function squash(stage: Stage, unit: string, deletes = false): Promise<void> {
  const { world, repo } = stage;
  const pull = pullOf(stage, await stage.state(), unit);
  if (pull === undefined) throw new Error(`${unit} has no pull request`);
  await world.github.as('alice').merge(repo, pull.number, 'squash');
  if (deletes) await world.github.as('alice').deleteBranch(repo, pull.head.ref, 'api');
  stage.merged.add(unit);
}

const TWO = { a: [], b: ['a'] } as const;

/** By what the server does: everything that it writes from then on is one of its steps. */
export const SCENARIOS = {
  'opens pull requests': {
    plan: { units: TWO, specsIn: 'main', isCutOff: true },
    act: async () => {}, // its run is what is cut off
  },
  'brings a pull request up to date, and deletes a merged branch': {
    plan: { units: TWO, specsIn: 'main' },
    act: async (stage) => squash(stage, 'a'),
  },
  'reopens a pull request': {
    plan: { units: TWO, specsIn: 'main' },
    act: async (stage) => squash(stage, 'a', true),
  },
  'moves a base branch': {
    plan: { units: SHAPES.pair, specsIn: 'main' },
    act: async (stage) => squash(stage, 'a'),
  },
  'gives up a base branch': {
    plan: { units: SHAPES.pair, specsIn: 'main' },
    prepare: async (stage) => {
      await squash(stage, 'a');
      const between = await untilTrue(stage, 'the first squash');
      if (between.length > 0) throw new Error(between.join('\n'));
    },
    act: async (stage) => squash(stage, 'b'),
  },
} as const satisfies Readonly<Record<string, Scenario>>;

/** A scenario by its name. */
export function scenarioOf(name: keyof typeof SCENARIOS): Scenario {
  return SCENARIOS[name];
}

/**
 * Plays a scenario, kills the server right after its `n`-th write to the repository took effect, and starts it again. Returns
 * what is not true in the end; undefined: there was no such write.
 */
export async function playKilled(
  { plan, prepare, act }: Omit<Scenario, 'plan'> & { readonly plan: StagePlan },
  n: number,
  { world, setUp }: Pick<Stage, 'world'> & { readonly setUp: (plan: StagePlan) => Promise<Stage> },
): Promise<readonly string[] | undefined> {
  const { github } = world;
  const repo = `team/${plan.name}`;
  let writes = 0;
  let restarted: Promise<unknown> | undefined;
  const watch = (): void =>
    github.watch((request) => {
      if (!isWriteTo(request, repo)) return;
      writes += 1;
      if (writes === n) restarted = world.kill().then(async () => world.start());
    });
  try {
    if (plan.isCutOff === true) watch();
    const stage = await setUp(plan);
    const before = await untilTrue(stage, 'the run');
    if (before.length > 0) return before;
    await prepare?.(stage);
    if (plan.isCutOff !== true) watch();
    const count = stage.pushes().length;
    await act(stage);
    const first = await untilTrue(stage, 'the act');
    if (restarted === undefined) return first.length > 0 ? first : undefined;
    await restarted;
    const left = await untilTrue(stage, `the kill at write ${n}`);
    return left.length > 0 ? left : findPushedTwice(stage, count);
  } finally {
    github.watch(undefined);
    await restarted;
  }
}

/** Something that changes GitHub: a request that is no question, or a push. GraphQL's name no repository. */
function isWriteTo({ method, path, token }: LoggedRequest, repo: string): boolean {
  if (token !== 'installation' || method === 'GET' || path.endsWith('/git-upload-pack')) return false;
  return path === '/graphql' || path.includes(`/${repo}/`) || path.includes(`/${repo}.git/`);
}

/** Branches of units that choo pushed to more than once since then: it did the same work twice. */
function findPushedTwice({ pushes }: Stage, since: number): readonly string[] {
  const pushed = pushes()
    .slice(since)
    .filter(
      ({ branch, after, by }) =>
        branch.startsWith('choo/unit/') && by.endsWith('[bot]') && !/^0+$/.test(after),
    )
    .map(({ branch }) => branch);
  return pushed
    .filter((branch, at) => pushed.indexOf(branch) !== at)
    .map((branch) => `${branch} was pushed twice`);
}
