import { z } from 'zod';

const position = z.int().min(1).nullable();

/** Why a command was red: the first failure of what it ran, as far as its output tells. */
const gateReason = z.object({
  /** One line. */
  text: z.string(),
  /** From the project's directory; null: unknown, or outside of it. */
  file: z.string().nullable(),
  line: position,
  column: position,
  /** The runner, compiler or linter that was recognised; null: `text` is the last line that says something. */
  runner: z.string().nullable(),
});
export type GateReason = z.output<typeof gateReason>;

const amount = z.int().min(0);

/** How many tests ran, as the runners of a command counted them. */
const testCounts = z.object({ passed: amount, failed: amount, skipped: amount });
export type TestCounts = z.output<typeof testCounts>;

/** How a command ended that choo ran itself. `exitCode` null: it did not exit by itself, `ending` says why. */
export const commandEnd = {
  exitCode: z.int().nullable(),
  ending: z.string(),
  durationMs: z.number().min(0),
  /** The end of its output; empty when it passed. */
  tail: z.string(),
  /** Why it was not green, and how many tests ran; both as far as its output tells. */
  reason: gateReason.optional(),
  tests: testCounts.optional(),
};
