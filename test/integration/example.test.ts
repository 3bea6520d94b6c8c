import { join } from 'node:path';
import { expect, test } from 'vitest';
import { discover } from '../../src/discovery/discovery.ts';
import { DirectoryTree } from '../../src/discovery/tree.ts';
import { compareText } from '../../src/problems/problem.ts';
import type { Plan } from '../../src/plan/schema.ts';
import { Graph } from '../../src/scheduler/graph.ts';
import { runChoo } from '../helpers/run-choo.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const EXAMPLE = new URL('../../example', import.meta.url).pathname;

test('the example project has three units in two waves, a rehearsal for each task, and nothing to report', async () => {
  const { units, problems } = await discover(new DirectoryTree(EXAMPLE), 'specs/tasks');
  expect(problems.kept).toEqual([]);
  const waves = new Graph(units.map((unit) => ({ ...unit, weight: 1 }))).waves();
  expect(waves.map((wave) => wave.length)).toEqual([2, 1]);
  for (const { file } of units.flatMap(({ tasks }) => tasks)) {
    const blocks = Buffer.from(file.content)
      .toString()
      .match(/^`{3,}(?:sh|diff) rehearsal$/gm);
    expect(blocks, file.path).toHaveLength(1);
  }
});

test.each(['openspec', 'speckit', 'kiro'])(
  'the example has the same tasks and gates as a list of %s',
  async (format) => {
    await using place = await temporaryDirectory();
    expect((await runChoo(place.path, ['example', '--format', format, 'tally'])).exitCode).toBe(0);
    const { stdout } = await runChoo(join(place.path, 'tally'), ['plan', '--json']);
    const { units, waves, problems } = JSON.parse(stdout) as Plan;
    expect(problems.list).toEqual([]);
    expect(waves.map((wave) => wave.length)).toEqual([2, 1]);
    const { units: own } = await discover(new DirectoryTree(EXAMPLE), 'specs/tasks');
    const gatesOf = (all: readonly { readonly tasks: readonly { readonly gate: string }[] }[]) =>
      all.flatMap(({ tasks }) => tasks.map(({ gate }) => gate)).sort(compareText);
    expect(gatesOf(units)).toEqual(gatesOf(own));
  },
);
