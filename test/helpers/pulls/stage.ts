import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepositoryOptions } from '../../../stand-in/options.ts';
import { nextSecond, planned } from '../app-waits.ts';
import { type AppWorld, makeAppWorld, type State, untilOf } from '../app-world.ts';
import { git } from '../git-repository.ts';
import { specsOf, type Units } from './shapes.ts';

/** A push that GitHub saw to a branch. */
interface SeenPush {
  readonly branch: string;
  /** 40 zeros: the branch was not there, or is no more. */
  readonly before: string;
  readonly after: string;
  readonly by: string;
}

/** One repository whose units have pull requests, and what people have done with these so far. */
export interface Stage {
  readonly world: AppWorld;
  /** `owner/name`. */
  readonly repo: string;
  readonly units: Units;
  /** The repository allows neither squash nor merge commits. */
  readonly isRebaseOnly: boolean;
  /** The branch that the units were run for: that of the specs' pull request, or `main`. */
  readonly origin: string;
  /** The branch that they go to now. */
  target: string;
  /** The issue or pull request that the run was asked for on. */
  readonly thread: number;
  /** The units whose pull request a person merged into the target. */
  readonly merged: Set<string>;
  /** The files that persons added to a unit's branch. */
  readonly theirs: Map<string, string[]>;
  readonly state: () => Promise<State>;
  readonly until: AppWorld['until'];
  /** In the repository on GitHub's side. */
  readonly git: (...args: string[]) => Promise<string>;
  /** The run may be cut off, and its agents started again. */
  readonly isCutOff: boolean;
  /** The units that an agent was started for, in order, again for each start. */
  readonly agents: () => Promise<readonly string[]>;
  /** The pushes to branches, oldest first. */
  readonly pushes: () => readonly SeenPush[];
}

/** Where the specs are: on a branch with a pull request, whose label asks for the run; or on `main`, and an issue asks. */
type SpecsIn = 'pull request' | 'main';

export interface StagePlan {
  /** Its name, without the owner. */
  readonly name: string;
  readonly units: Units;
  readonly specsIn: SpecsIn;
  /** Of the repository. */
  readonly settings?: RepositoryOptions['settings'];
  readonly isCutOff?: boolean;
}

/** How long a run may take, on a machine that does much else. */
const RUN_MS = 480_000;
const CONFIG = 'provider:\n  type: rehearsal\n';

/** One server with one repository for each stage. Nothing has been run. `setUp` makes a plan's stage and waits for its run. */
export async function makeStages(
  plans: readonly StagePlan[],
  directory: string,
): Promise<{ readonly world: AppWorld; readonly setUp: (plan: StagePlan) => Promise<Stage> }> {
  const logOf = (plan: StagePlan): string => join(directory, `${plan.name}.agents`);
  const world = await makeAppWorld(
    { units: {} },
    {
      others: plans.map((plan) => ({
        owner: 'team',
        name: plan.name,
        files: {
          '.choo.yml': CONFIG,
          'README.md': 'Widgets.\n',
          ...(plan.specsIn === 'main' ? specsOf(plan.units, logOf(plan)) : {}),
        },
        collaborators: { alice: 'write', reader: 'read' },
        ...(plan.settings === undefined ? {} : { settings: plan.settings }),
      })),
    },
  );
  await world.start();
  return { world, setUp: async (plan) => runStage(world, plan, logOf(plan)) };
}

async function runStage(
  world: AppWorld,
  { name, units, specsIn, settings = {}, isCutOff = false }: StagePlan,
  log: string,
): Promise<Stage> {
  const { github } = world;
  const repo = `team/${name}`;
  const until = untilOf(github, repo);
  const alice = github.as('alice');
  const origin = specsIn === 'main' ? 'main' : 'specs';
  let thread: number;
  if (specsIn === 'main') {
    thread = await alice.createIssue(repo, { title: 'Build it' });
    await alice.comment(repo, thread, '/choo run');
  } else {
    const head = await world.push('alice', origin, specsOf(units, log), { repo });
    thread = await alice.openPull(repo, { head: origin, base: 'main', title: 'Build it' });
    await planned({ until }, head);
    await nextSecond();
    await alice.label(repo, thread, 'choo:run');
  }
  await until(
    'the end of the run',
    ({ comments }) => comments.some(({ issue, body }) => issue === thread && body.includes('<!-- choo:end')),
    RUN_MS,
  );
  return {
    world,
    repo,
    units,
    isRebaseOnly: settings.allow_squash_merge === false && settings.allow_merge_commit === false,
    origin,
    target: origin,
    thread,
    merged: new Set(),
    theirs: new Map(),
    isCutOff,
    state: async () => github.state(repo),
    until,
    git: async (...args) => git(github.bare(repo), ...args),
    agents: async () =>
      (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
    pushes: () => pushesOf(world, repo),
  };
}

function pushesOf({ github }: AppWorld, repo: string): readonly SeenPush[] {
  return github.deliveries.flatMap(({ event, body }) => {
    if (event !== 'push') return [];
    const push = body as {
      readonly ref: string;
      readonly before: string;
      readonly after: string;
      readonly repository: { readonly full_name: string };
      readonly sender: { readonly login: string };
    };
    if (push.repository.full_name !== repo || !push.ref.startsWith('refs/heads/')) return [];
    const branch = push.ref.slice('refs/heads/'.length);
    return [{ branch, before: push.before, after: push.after, by: push.sender.login }];
  });
}
