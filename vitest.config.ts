import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Printed at the end of a run; set it to see the same random inputs again.
const seed = process.env['CHOO_TEST_SEED'] ?? String(Date.now() % 2 ** 31);
process.env['CHOO_TEST_SEED'] = seed;

export default defineConfig({
  test: {
    // By itself it leaves one out, which of two is half. One more than processors gains five percent, and time limits get tight.
    maxWorkers: availableParallelism(),
    // The projects run in the order of their names, so that the longest files come first and the two workers end together.
    projects: [
      // What these import, they import once for all of them: a third of their time.
      project('unit', ['test/*.test.ts', 'test/unit/**/*.test.ts'], 60_000, { isolate: false }),
      project('integration', ['test/integration/**/*.test.ts'], 60_000),
      project('e2e', ['test/e2e/**/*.test.ts'], 120_000),
      // What measures times: one file after the other, with nothing beside it.
      project('alone', ['test/alone/**/*.test.ts'], 120_000, { isAlone: true }),
      // Tables with many rows, kills at random moments, and figures; see test/helpers/long-part.ts.
      project('long', ['test/long/*.test.ts', ...turns()], 300_000),
      // Toolchains, registries and databases; `.ci/run` installs what they need.
      project('setup', ['test/setup/**/*.test.ts'], 240_000),
      // A real browser; `.ci/run` installs it.
      project('web', ['test/web/**/*.test.ts'], 240_000),
      project('agents', ['test/agents/**/*.test.ts'], 240_000),
    ],
    globalSetup: './test/helpers/run-directory.ts',
    reporters: ['default', './test/helpers/counts-reporter.ts'],
  },
});

/** Files of long tests of which a part of them, as CI runs it, has three, by the seed: all have their turn within some runs. */
function turns(): string[] {
  const files = globSync('test/long/turns/*.test.ts').toSorted();
  if (process.env['CHOO_LONG'] === 'whole') return files;
  const first = Number(seed) % files.length;
  return [first, first + 1, first + 2].map((at) => files[at % files.length] ?? '');
}

function project(
  name: string,
  include: string[],
  testTimeout: number,
  { isolate = true, isAlone = false } = {},
) {
  return {
    test: {
      name,
      isolate,
      include,
      testTimeout,
      hookTimeout: 2 * testTimeout, // worlds with a server and many units, on a busy machine
      ...(isAlone && { maxWorkers: 1, sequence: { groupOrder: 1 } }),
      env: { CHOO_TEST_SEED: seed },
      chaiConfig: { truncateThreshold: 2_000 }, // what an assertion got, in the line that CI keeps of it
      setupFiles: ['test/helpers/property-seed.ts'],
    },
  };
}
