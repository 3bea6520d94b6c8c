import { z } from 'zod';
import { commandEnd } from './command-end.ts';

/**
 * What was red and green on the same files, of the work or of the work with the judge as it was: the gate of a task, or the baseline
 * check of this name. Files that git ignores may have differed, except in verify.
 */
export const flakyGate = {
  task: z.int().min(1).nullable(),
  check: z.string().nullable(),
  red: z.object(commandEnd),
  green: z.object(commandEnd),
};

interface Flaky {
  readonly task: number | null;
  readonly check: string | null;
}

interface Notice {
  readonly code: string;
  readonly message: string;
}

/** What an event says to a person. */
export function noticeOf(
  event: ({ readonly type: 'unit.notice' } & Notice) | ({ readonly type: 'gate.flaky' } & Flaky),
): Notice {
  if (event.type === 'gate.flaky') return { code: 'flaky-gate', message: describeFlaky(event) };
  return { code: event.code, message: event.message };
}

/** That a gate or a check is flaky, in one sentence. */
export function describeFlaky({ task, check }: Flaky): string {
  const what = task === null ? `the check \`${check ?? ''}\`` : `the gate of task ${task}`;
  return `${what} was red and green on the same files`;
}
