import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IS_WHOLE, partOf } from '../helpers/long-part.ts';
import { MOST_WRITES, playKilled, SCENARIOS, scenarioOf } from '../helpers/pulls/kills.ts';
import { makeStages, type StagePlan } from '../helpers/pulls/stage.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

/** Every scenario has at least so many writes. */
const FEWEST_WRITES = 6;
/** The write that a server is killed at: each of them, or one that the seed selects among those that every scenario has. */
const WRITES = Array.from({ length: IS_WHOLE ? MOST_WRITES : FEWEST_WRITES }, (_, at) => at + 1);
const NUMBERS = IS_WHOLE ? WRITES : partOf(WRITES, 1);
const NAMES = partOf(Object.keys(SCENARIOS) as (keyof typeof SCENARIOS)[], 3);

describe.each(NAMES)('a server that is killed while it %s', (name) => {
  const { plan, ...steps } = scenarioOf(name);
  const planOf = (n: number): StagePlan => ({ ...plan, name: `${name.replaceAll(/\W+/g, '-')}-${n}` });
  const stack = new AsyncDisposableStack();
  let stages: Awaited<ReturnType<typeof makeStages>>;
  beforeAll(async () => {
    const { path } = stack.use(await temporaryDirectory());
    stages = await makeStages(NUMBERS.map(planOf), path);
    stack.use(stages.world);
  });
  afterAll(async () => stack.disposeAsync());

  test('leaves nothing untrue and nothing twice, after whichever of its writes', async () => {
    for (const n of NUMBERS) {
      const untrue = await playKilled({ ...steps, plan: planOf(n) }, n, stages);
      if (untrue === undefined) {
        if (n <= FEWEST_WRITES) throw new Error(`there were only ${n - 1} writes`);
        return; // it was killed at all of them
      }
      expect({ n, untrue }).toEqual({ n, untrue: [] });
    }
    if (IS_WHOLE) throw new Error(`there are more than ${MOST_WRITES} writes`);
  }, 3_000_000);
});
