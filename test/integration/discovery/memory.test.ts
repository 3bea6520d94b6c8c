import { execaNode } from 'execa';
import { expect, test } from 'vitest';
import { writeFiles } from '../../helpers/git-repository.ts';
import { planText, taskText } from '../../helpers/memory-tree.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

// Texts that an engine stores twice as wide; Markdown that hides something in each line is looked through in short files only.
test.each([
  { units: 66, lines: 66_000, mebibytes: 200 },
  { units: 1_900, lines: 2_200, mebibytes: 260 },
])('the largest tree that is read, of $units units, fits in $mebibytes MiB', async (tree) => {
  await using place = await temporaryDirectory();
  const body = `# A title that is long enough to be kept as a part of the file\n${'é <!-- `x -->\n'.repeat(tree.lines)}`;
  const files = Object.fromEntries(
    Array.from({ length: tree.units }, (_, unit) => [
      [`specs/u${unit}/IMPLEMENTATION_PLAN.md`, planText()],
      [`specs/u${unit}/01-x.md`, taskText({ backpressure: 'a gate that is long enough too' }, body)],
    ]).flat(),
  );
  await writeFiles(place.path, files);
  const script = new URL('../../fixtures/measure-discovery.ts', import.meta.url).pathname;
  const { stdout } = await execaNode(script, [place.path, 'specs'], { nodeOptions: [] });
  const { units, bytes, peakMiB } = JSON.parse(stdout) as { units: number; bytes: number; peakMiB: number };
  expect(units).toBe(tree.units);
  expect(bytes).toBeGreaterThan(60_000_000);
  expect(peakMiB).toBeLessThan(tree.mebibytes);
});
