import type { EventType, RunEvent } from '../../../events/event.ts';

type Of<Type extends EventType> = Extract<RunEvent, { type: Type }>;
/** A command of choo's that judged or prepared the work. */
type Judged = Of<
  'task.validation.ok' | 'task.validation.fail' | 'baseline.ok' | 'baseline.fail' | 'worktree.setup'
>;

/** One step of the work on a unit, in the order of its events. */
export type Step =
  | {
      readonly kind: 'attempt';
      readonly begin: Of<'task.provider.invoke'>;
      /** Undefined: it is under way, or was cut off. */
      readonly end: Of<'task.provider.done'> | undefined;
    }
  | { readonly kind: 'command'; readonly event: Judged }
  | { readonly kind: 'commit'; readonly event: Of<'task.committed' | 'baseline.committed'> }
  | { readonly kind: 'fact'; readonly at: number; readonly text: string; readonly isBad: boolean };

/** The steps of one unit, folded from its events. */
export function stepsOf(events: Iterable<RunEvent>): readonly Step[] {
  const steps: Step[] = [];
  for (const event of events) {
    if (event.type === 'task.provider.invoke') steps.push({ kind: 'attempt', begin: event, end: undefined });
    else if (event.type === 'task.provider.done') endAttempt(steps, event);
    else if (isJudged(event)) steps.push({ kind: 'command', event });
    else if (event.type === 'task.committed' || event.type === 'baseline.committed')
      steps.push({ kind: 'commit', event });
    else {
      const text = wordsOf(event);
      if (text !== undefined) steps.push({ kind: 'fact', at: event.at, text, isBad: BAD.has(event.type) });
    }
  }
  return steps;
}

function endAttempt(steps: Step[], end: Of<'task.provider.done'>): void {
  const at = steps.findLastIndex((step) => step.kind === 'attempt' && step.begin.task === end.task);
  const step = steps[at];
  if (step?.kind === 'attempt' && step.end === undefined) steps[at] = { ...step, end };
}

function isJudged(event: RunEvent): event is Judged {
  return (
    event.type === 'task.validation.ok' ||
    event.type === 'task.validation.fail' ||
    event.type === 'baseline.ok' ||
    event.type === 'baseline.fail' ||
    event.type === 'worktree.setup'
  );
}

/** Other events that a reader wants to know of, in words. */
const WORDS: { readonly [Type in EventType]?: (event: Of<Type>) => string } = {
  'unit.started': ({ claim, head }) => `claim ${claim} starts from ${head.slice(0, 12)}`,
  'setup.reused': () => 'set-up reused',
  'task.completed': ({ task, alreadyGreen }) =>
    `task ${task} is complete${alreadyGreen ? ': its gate was green before any work' : ''}`,
  'task.failed': ({ task, reason }) => `task ${task} failed: ${reason}`,
  'task.provider.waiting': ({ provider, reason, until }) =>
    `${provider} is ${reason}: waits until ${new Date(until).toISOString()}`,
  'verify.started': ({ head }) => `verify starts at ${head.slice(0, 12)}`,
  'verify.ok': () => 'verify: every gate is green in a new worktree',
  'verify.fail': ({ message }) => `verify: ${message}`,
  'unit.completed': ({ verified }) => (verified ? 'complete and verified' : 'complete, not verified'),
  'unit.satisfied': ({ doneIn }) =>
    `satisfied: the same work was done before${doneIn === undefined ? '' : ` in run ${doneIn}`}`,
  'unit.failed': ({ message, hint }) => `failed: ${message}${hint === null ? '' : ` (${hint})`}`,
  'unit.blocked': ({ cause }) => `blocked by ${cause}`,
  'unit.cancelled': ({ actor }) => `cancelled by ${actor}`,
  'unit.skipped': ({ actor }) => `skipped by ${actor}`,
  'unit.retried': ({ actor, fresh }) => `retried by ${actor}${fresh ? ', from a new branch' : ''}`,
  'unit.released': ({ reason }) => `released: ${reason}`,
  'unit.notice': ({ message }) => message,
  'branch.pushed': ({ head, branch }) => `pushed ${head.slice(0, 12)} to ${branch}`,
};

/** Those of them that a reader looks for when something is wrong. */
const BAD: ReadonlySet<EventType> = new Set([
  'task.failed',
  'task.provider.waiting',
  'verify.fail',
  'unit.failed',
  'unit.blocked',
  'unit.cancelled',
  'unit.skipped',
  'unit.released',
  'unit.notice',
]);

function wordsOf(event: RunEvent): string | undefined {
  const words = WORDS[event.type] as ((event: RunEvent) => string) | undefined;
  return words?.(event);
}
