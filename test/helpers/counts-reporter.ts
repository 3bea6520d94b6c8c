import type { Reporter, TestModule } from 'vitest/node';

const SLOWEST = 10;

/**
 * Ends a run with what is needed when only its end is seen: the tests that failed and why, the slowest files, the seed of
 * the random inputs, and one plain line of counts: `12 passed, 0 failed, 1 skipped`.
 */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    const failures: string[] = [];
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1;
      for (const { message } of module.errors())
        failures.push(describeFailure(module.relativeModuleId, message));
      for (const test of module.children.allTests()) {
        const { state, errors: reasons } = test.result();
        counts[state] += 1;
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        if (state === 'failed') failures.push(describeFailure(name, reasons[0]?.message ?? ''));
      }
    }
    const lines = [
      '',
      ...failures,
      ...(modules.length > SLOWEST ? describeSlowest(modules) : []),
      `Seed of the random inputs: CHOO_TEST_SEED=${process.env['CHOO_TEST_SEED'] ?? ''}`,
      `${counts.passed} passed, ${counts.failed + counts.pending} failed, ${counts.skipped} skipped`,
    ];
    // After the reporters before this one have written their summaries.
    setImmediate(() => process.stdout.write(`${lines.join('\n')}\n`));
  }
}

/** One line a failure, and the end of what its message says. */
function describeFailure(name: string, message: string): string {
  return `FAILED ${name}\n  ${message.trim().slice(-400).replaceAll('\n', '\n  ')}\n`;
}

function describeSlowest(modules: readonly TestModule[]): readonly string[] {
  const files = modules
    .map((module) => ({ file: module.relativeModuleId, seconds: module.diagnostic().duration / 1000 }))
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, SLOWEST);
  return [
    'The slowest files:',
    ...files.map(({ file, seconds }) => `  ${seconds.toFixed(1).padStart(6)} s  ${file}`),
    '',
  ];
}
