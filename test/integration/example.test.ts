import { expect, test } from 'vitest';
import { discover } from '../../src/discovery/discovery.ts';
import { DirectoryTree } from '../../src/discovery/tree.ts';
import { Graph } from '../../src/scheduler/graph.ts';

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
