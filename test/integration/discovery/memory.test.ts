import { execaNode } from 'execa';
import { expect, test } from 'vitest';
import { writeFiles } from '../../helpers/git-repository.ts';
import { planText, taskText } from '../../helpers/memory-tree.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

test('the largest tree that is read fits in 200 MiB, with texts that an engine stores twice as wide', async () => {
  await using place = await temporaryDirectory();
  const body = `# A title that is long enough to be kept as a part of the file\n${'é <!-- `x -->\n'.repeat(66_000)}`;
  const files = Object.fromEntries(
    Array.from({ length: 66 }, (_, unit) => [
      [`specs/u${unit}/IMPLEMENTATION_PLAN.md`, planText()],
      [`specs/u${unit}/01-x.md`, taskText({ backpressure: 'a gate that is long enough too' }, body)],
    ]).flat(),
  );
  await writeFiles(place.path, files);
  const script = new URL('../../fixtures/measure-discovery.ts', import.meta.url).pathname;
  const { stdout } = await execaNode(script, [place.path, 'specs'], { nodeOptions: [] });
  const { units, bytes, peakMiB } = JSON.parse(stdout) as { units: number; bytes: number; peakMiB: number };
  expect(units).toBe(66);
  expect(bytes).toBeGreaterThan(60_000_000);
  expect(peakMiB).toBeLessThan(200);
});
