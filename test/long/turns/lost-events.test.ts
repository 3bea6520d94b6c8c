import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IS_WHOLE } from '../../helpers/long-part.ts';
import { untilTrue } from '../../helpers/pulls/rows.ts';
import { fileOf, SHAPES, VERSION } from '../../helpers/pulls/shapes.ts';
import { makeStages, type Stage, type StagePlan } from '../../helpers/pulls/stage.ts';
import { pullOf } from '../../helpers/pulls/untruths.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

/** What people do, in any order; none waits for choo. */
const ACTS = {
  'squash a': async (stage: Stage) => merge(stage, 'squash'),
  'merge a': async (stage: Stage) => merge(stage, 'merge'),
  'amend and squash a': async (stage: Stage) => {
    if (!stage.merged.has('a')) await amend(stage, 'a');
    await merge(stage, 'squash');
  },
  'delete what was merged': async (stage: Stage) => {
    if (!stage.merged.has('a')) return;
    const deleted = person(stage).deleteBranch(stage.repo, 'choo/unit/main/a', 'api');
    // choo deletes it, too, and may have been first.
    await deleted.catch((error: unknown) => {
      if (!String(error).includes('Reference does not exist')) throw error;
    });
  },
  'close and reopen c': async (stage: Stage) => {
    const { number = 0 } = pullOf(stage, await stage.state(), 'c') ?? {};
    await person(stage).close(stage.repo, number);
    await person(stage).reopen(stage.repo, number);
  },
  'change the target': async (stage: Stage) => {
    await stage.world.push('alice', 'main', { 'README.md': 'Widgets, and more.\n' }, { repo: stage.repo });
  },
} as const;
type Act = keyof typeof ACTS;

/** What becomes of a delivery: it comes as often as this says, in an order that the seed selects; 0: it is lost. */
interface Case {
  readonly acts: readonly Act[];
  readonly times: readonly number[];
  readonly order: readonly number[];
}

const names = Object.keys(ACTS) as Act[];
const CASES = fc.sample<Case>(
  fc.record({
    acts: fc.shuffledSubarray(names, { minLength: 2, maxLength: 5 }),
    times: fc.oneof(
      fc.constant([0]),
      fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 5, maxLength: 5 }),
      fc.constant([2]),
    ),
    order: fc.array(fc.nat(1_000), { minLength: 20, maxLength: 20 }),
  }),
  IS_WHOLE ? 10 : 2,
);

const planOf = (name: string): StagePlan => ({ name, units: SHAPES.chain, specsIn: 'main' });
const plans = CASES.flatMap((_, at) => [planOf(`seen-${at}`), planOf(`blind-${at}`)]);

const stack = new AsyncDisposableStack();
let stages: Awaited<ReturnType<typeof makeStages>>;
beforeAll(async () => {
  const { path } = stack.use(await temporaryDirectory());
  stages = await makeStages(plans, path);
  stack.use(stages.world);
});
afterAll(async () => stack.disposeAsync());

const person = ({ world }: Stage) => world.github.as('alice');

async function amend(stage: Stage, unit: string): Promise<void> {
  const { world, repo, git, theirs } = stage;
  const branch = `choo/unit/main/${unit}`;
  const text = await git('show', `${branch}:${fileOf(unit)}`);
  const extra = `${unit}-extra.txt`;
  const files = { [fileOf(unit)]: `${text.replace(VERSION(1), VERSION(2))}\n`, [extra]: 'more\n' };
  await world.push('alice', branch, files, { repo });
  theirs.set(unit, [extra]);
}

async function merge(stage: Stage, method: 'squash' | 'merge'): Promise<void> {
  if (stage.merged.has('a')) return;
  await person(stage).merge(stage.repo, pullOf(stage, await stage.state(), 'a')?.number ?? 0, method);
  stage.merged.add('a');
}

/** Starts a process again whose sweep looks at everything now, or only in ten minutes. */
async function restart(sweep: 'sweeps' | 'is told'): Promise<void> {
  const { world } = stages;
  const at = sweep === 'sweeps' ? "'-infinity'" : 'now()';
  await world.server.rows(`update sweeps set began_at = ${at} returning name`);
  await world.kill();
  await world.start();
}

/** What everybody sees of the pull requests, without what differs by time. */
async function outline(stage: Stage): Promise<unknown> {
  const state = await stage.state();
  return Object.fromEntries(
    await Promise.all(
      Object.keys(stage.units).map(async (unit) => {
        const pull = pullOf(stage, state, unit);
        const check = state.checks.findLast(
          ({ name, head_sha }) => name === `choo / ${unit}` && head_sha === pull?.head.sha,
        );
        const tree = await stage.git('rev-parse', `${pull?.head.sha}^{tree}`);
        const files = await stage.git('ls-tree', '-r', '--name-only', tree);
        const texts = await Promise.all(
          Object.keys(stage.units).map(async (each) =>
            stage.git('show', `${tree}:${fileOf(each)}`).catch(() => null),
          ),
        );
        return [
          unit,
          {
            state: pull?.state,
            merged: pull?.merged,
            draft: pull?.draft,
            base: pull?.base.ref,
            // Of what is merged or closed, the check stays as it was at that moment.
            conclusion: pull?.state === 'open' ? check?.conclusion : undefined,
            files,
            texts,
          },
        ] as const;
      }),
    ),
  );
}

test.each(
  CASES.map((each, at) => [`${at}: ${each.acts.join(', ')}; ${each.times.join()}`, each, at] as const),
)(
  'a new process comes to the same end by the records and GitHub alone as one that saw it all: %s',
  async (_, { acts, times, order }, at) => {
    const { world } = stages;
    const { github } = world;
    const seen = await stages.setUp(planOf(`seen-${at}`));
    const blind = await stages.setUp(planOf(`blind-${at}`));
    for (const stage of [seen, blind]) expect(await untilTrue(stage, 'the run')).toEqual([]);
    for (const act of acts) {
      await ACTS[act](seen);
      expect(await untilTrue(seen, act)).toEqual([]);
    }

    github.deliverTo(undefined);
    const { length } = github.deliveries;
    for (const act of acts) await ACTS[act](blind);
    const told = github.deliveries.slice(length);
    github.loseWaiting();
    const left = told
      .flatMap((delivery, index) => Array.from({ length: times[index % times.length] ?? 0 }, () => delivery))
      .map((delivery, index) => ({ delivery, place: order[index % order.length] ?? 0 }))
      .toSorted((a, b) => a.place - b.place);
    await restart('is told');
    for (const { delivery } of left) github.deliver(delivery.event, delivery.body);
    await github.settled();
    await restart('sweeps');
    expect(await untilTrue(blind, acts.join(', '))).toEqual([]);
    expect(await outline(blind)).toEqual(await outline(seen));
  },
  900_000,
);
