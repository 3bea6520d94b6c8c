import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with the seed of its random inputs and one plain line of counts: `12 passed, 0 failed, 1 skipped`. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
    }
    // After the reporters before this one have written their summaries.
    setImmediate(() => {
      process.stdout.write(
        `\nSeed of the random inputs: CHOO_TEST_SEED=${process.env['CHOO_TEST_SEED'] ?? ''}\n`,
      );
      process.stdout.write(
        `${counts.passed} passed, ${counts.failed + counts.pending} failed, ${counts.skipped} skipped\n`,
      );
    });
  }
}
