import { cargo } from './cargo.ts';
import { compiler, make, tsc } from './compilers.ts';
import { crash } from './crash.ts';
import { boxed, eslint } from './eslint.ts';
import { go } from './go.ts';
import { gradle, surefire } from './java.ts';
import { jest } from './jest.ts';
import { junitXml } from './junit-xml.ts';
import { mocha } from './mocha.ts';
import { nodeTest } from './node-test.ts';
import { phpunit } from './phpunit.ts';
import { pytest } from './pytest.ts';
import { minitest, rspec } from './ruby.ts';
import type { Runner } from './runner.ts';
import { tap } from './tap.ts';
import { unittest } from './unittest.ts';
import { vitest } from './vitest.ts';

/**
 * Every runner whose output choo understands. Of the first group that finds a failure, the runner that speaks last is meant.
 * A new runner is one entry here; its marks have to be lines that other programs do not print.
 */
export const RUNNERS: readonly (readonly Runner[])[] = [
  [
    nodeTest,
    tap,
    vitest,
    jest,
    mocha,
    pytest,
    unittest,
    cargo,
    go,
    junitXml,
    rspec,
    minitest,
    phpunit,
    surefire,
    gradle,
    tsc,
    eslint,
  ],
  // What any program might print, and tests in what they show of one.
  [compiler, boxed],
  [crash],
  [make],
];
