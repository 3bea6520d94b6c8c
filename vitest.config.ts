import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/*.test.ts', 'test/unit/**/*.test.ts'], 10_000),
      project('integration', ['test/integration/**/*.test.ts'], 60_000),
      project('e2e', ['test/e2e/**/*.test.ts'], 120_000),
    ],
    reporters: [process.env['CI'] ? 'verbose' : 'default', './test/helpers/counts-reporter.ts'],
  },
});

function project(name: string, include: string[], testTimeout: number) {
  return { test: { name, include, testTimeout, hookTimeout: testTimeout, restoreMocks: true } };
}
