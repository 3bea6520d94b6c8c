/** Why a unit failed, as a code to act on. */
export const FAILURES = [
  'attempts', // every attempt at a task ended with a red gate or without a result
  'environment', // a command cannot run here: exit status 126 or 127, a missing executable, an unknown model
  'not-authenticated',
  'budget', // tokens or money
  'conflict', // heads of dependencies do not merge
  'needs-human', // choo did not make the head, or specs cannot be written back
  'judge-changed', // the work passes, and changed what judges it without being allowed to
  'baseline',
  'verify',
  'waiting', // a rate limit or an outage lasted longer than the time limit for it
  'internal',
] as const;
export type Failure = (typeof FAILURES)[number];
