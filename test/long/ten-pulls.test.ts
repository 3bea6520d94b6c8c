import { loadavg } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilTrue } from '../helpers/pulls/rows.ts';
import { makeStages, type Stage } from '../helpers/pulls/stage.ts';
import { pullOf } from '../helpers/pulls/untruths.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const UNITS = Array.from({ length: 10 }, (_, index) => `u${index}`);
/** What one squash may cost: requests to GitHub's API on average, and pushes to unit branches. */
const MAX_REQUESTS = 8;
const MAX_PUSHES = 1;
/** On a machine that does nothing else; on a busy one it takes as much longer. */
const MAX_SECONDS = 90;

const PLAN = {
  name: 'ten',
  units: Object.fromEntries(UNITS.map((unit, index) => [unit, UNITS.slice(Math.max(0, index - 1), index)])),
  specsIn: 'main',
} as const;

const stack = new AsyncDisposableStack();
let stage: Stage;
beforeAll(async () => {
  const { path } = stack.use(await temporaryDirectory());
  const stages = await makeStages([PLAN], path);
  stack.use(stages.world);
  stage = await stages.setUp(PLAN);
}, 300_000);
afterAll(async () => stack.disposeAsync());

/** The requests to GitHub's API, git left out, and the pushes to unit branches by choo. */
function counts(): { readonly requests: number; readonly pushes: number } {
  const requests = stage.world.github.requests.filter(({ path }) => !path.includes('.git/')).length;
  const pushes = stage
    .pushes()
    .filter(
      ({ branch, after, by }) => branch.startsWith('choo/') && by.endsWith('[bot]') && !/^0+$/.test(after),
    );
  return { requests, pushes: pushes.length };
}

test('ten pull requests on each other are merged from the bottom, each as soon as it is ready', async () => {
  expect(await untilTrue(stage, 'the run')).toEqual([]);
  const start = performance.now();
  const costs: { readonly requests: number; readonly pushes: number; readonly seconds: number }[] = [];
  let before = counts();
  for (const unit of UNITS) {
    const state = await stage.until(`${unit} to be ready`, (state) => {
      const pull = pullOf(stage, state, unit);
      return (
        pull?.draft === false &&
        pull.base.ref === 'main' &&
        state.checks.some(
          ({ name, head_sha, conclusion }) =>
            name === `choo / ${unit}` && head_sha === pull.head.sha && conclusion === 'success',
        )
      );
    });
    const now = counts();
    costs.push({
      requests: now.requests - before.requests,
      pushes: now.pushes - before.pushes,
      seconds: (performance.now() - start) / 1_000,
    });
    before = now;
    await stage.world.github.as('alice').merge(stage.repo, pullOf(stage, state, unit)?.number ?? 0, 'squash');
    stage.merged.add(unit);
  }
  expect(await untilTrue(stage, 'the tenth squash')).toEqual([]);
  const [, ...squashes] = costs; // the first waited for nothing
  const all = squashes.reduce((sum, { requests }) => sum + requests, 0);
  console.log(
    squashes
      .map(
        ({ requests, pushes, seconds }) =>
          `${requests} requests, ${pushes} pushes, ready at ${seconds.toFixed(1)} s`,
      )
      .join('\n'),
  );
  expect(Math.max(...squashes.map(({ pushes }) => pushes))).toBeLessThanOrEqual(MAX_PUSHES);
  // Some requests of one squash are made after the next.
  expect(all).toBeLessThanOrEqual(MAX_REQUESTS * squashes.length);
  expect(costs.at(-1)?.seconds).toBeLessThan(MAX_SECONDS * Math.max(1, loadavg()[0] ?? 1));
}, 600_000);
