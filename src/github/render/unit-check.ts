import type { RunEvent } from '../../events/event.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { formatDuration, formatTokens } from '../../text/amounts.ts';
import { count } from '../../text/terminal-layout.ts';
import type { Conclusion } from '../api/checks.ts';
import { code, fenced, fit, inline, listed } from './markdown.ts';
import type { Verdict } from './verdict.ts';

/** The check of a unit as GitHub shows it. */
export interface RenderedUnitCheck {
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  /** Null: it is under way. */
  readonly conclusion: Conclusion | null;
  readonly actions: readonly {
    readonly label: string;
    readonly description: string;
    readonly identifier: string;
  }[];
}

/** The button on the check of a unit that failed. */
const RETRY = { label: 'Retry', description: 'Give this unit another turn', identifier: 'retry' };

/** The end of a gate's output that is shown. Characters. */
const TAIL = 20_000;

/**
 * The check `choo / <unit>` on a commit of which `verdict` is true. While the unit runs it says no more than that: what it is
 * busy with is in the status comment. `events` are those of the unit. Pure.
 */
export function renderUnitCheck({
  progress,
  events,
  pullUrl,
  verdict,
  waitsFor,
}: {
  readonly verdict: Verdict;
  /** Units whose pull requests have to be merged first, where nothing else says so. */
  readonly waitsFor: readonly string[];
  readonly progress: UnitProgress;
  readonly events: readonly RunEvent[];
  readonly pullUrl: string | null;
}): RenderedUnitCheck {
  const { state, plan, message, hint, releaseReason, spending, startedAt, endedAt } = progress;
  if (waitsFor.length > 0)
    return {
      title: 'Merge its dependencies first',
      summary: `Its pull request goes on top of ${listed(
        waitsFor.map((unit) => code(unit)),
        50,
      )}.`,
      conclusion: 'action_required',
      actions: [],
    };
  if (verdict.kind !== 'recorded') return renderVerdict(verdict, pullUrl);
  const conclusion = conclusionOf(progress);
  if (conclusion === null)
    return {
      title: state === 'pending' ? 'Waits' : 'Under way',
      summary: `${count(plan.tasks.length, 'task')}, by ${code(plan.provider)}.${releaseReason === null ? '' : ` Given back: ${inline(releaseReason, 500)}.`}`,
      conclusion,
      actions: [],
    };
  const tasks = [...progress.tasks.values()];
  const done = tasks.filter((task) => task.state === 'complete').length;
  const time = startedAt === null || endedAt === null ? '' : `, ${formatDuration(endedAt - startedAt)}`;
  const red = state === 'failed' ? lastRed(events) : undefined;
  return {
    title: titleOf(progress),
    summary: fit([
      {
        text: `${done} of ${count(tasks.length, 'task')}${time}, ${formatTokens(spending.tokens)} tokens.${pullUrl === null ? '' : ` [Its pull request](${pullUrl}).`}`,
        rank: 0,
        name: 'the summary',
      },
      { text: message === null ? '' : inline(message, 2_000), rank: 0, name: 'the reason' },
      { text: hint === null ? '' : `What to do: ${inline(hint, 1_000)}`, rank: 0, name: 'the hint' },
    ]),
    ...(red === undefined
      ? {}
      : {
          text: `The gate of task ${red.task} ended with ${red.exitCode ?? red.ending}:\n\n${fenced(red.tail.slice(-TAIL))}`,
        }),
    conclusion,
    actions: state === 'failed' ? [RETRY] : [],
  };
}

/** The check of a head that the unit's run did not leave. */
function renderVerdict(
  verdict: Exclude<Verdict, { kind: 'recorded' }>,
  pullUrl: string | null,
): RenderedUnitCheck {
  const page = pullUrl === null ? '' : ` [Its pull request](${pullUrl}).`;
  switch (verdict.kind) {
    case 'verified':
      return {
        title: 'Verified at this head',
        summary: `Every gate of the approved specs passed at ${code(verdict.head.slice(0, 12))} in a fresh worktree.${page}`,
        conclusion: 'success',
        actions: [],
      };
    case 'pending':
      return {
        title: 'Its gates are due',
        summary: `The gates of the approved specs run at ${code(verdict.head.slice(0, 12))}, without an agent.${page}`,
        conclusion: null,
        actions: [],
      };
    case 'unverified':
      return {
        title: 'Not verified',
        summary: `${inline(verdict.reason, 2_000)}${page}`,
        conclusion: 'failure',
        actions: [],
      };
    case 'conflict':
      return {
        title: 'Conflicts with its base',
        summary: `These files conflict: ${listed(
          verdict.files.map((file) => code(file)),
          50,
        )}.${page}`,
        conclusion: 'action_required',
        actions: [],
      };
    default:
      return verdict satisfies never;
  }
}

function conclusionOf({ state, failure }: UnitProgress): Conclusion | null {
  if (state === 'complete') return 'success';
  if (state === 'failed') return failure === 'needs-human' ? 'action_required' : 'failure';
  return state === 'cancelled' ? 'cancelled' : state === 'skipped' ? 'skipped' : null;
}

function titleOf({ state, verified, failure }: UnitProgress): string {
  if (state === 'complete') return verified ? 'Complete and verified' : 'Complete, not verified';
  if (state === 'failed') return failure === 'needs-human' ? 'Needs human' : 'Failed';
  return state === 'skipped' ? 'Skipped' : 'Cancelled';
}

/** The newest red gate that did not pass later: one that did is not why the unit failed. */
function lastRed(
  events: readonly RunEvent[],
): Extract<RunEvent, { type: 'task.validation.fail' }> | undefined {
  const passed = new Set<number>();
  for (const event of events.toReversed()) {
    if (event.type === 'task.validation.ok') passed.add(event.task);
    if (event.type === 'task.validation.fail' && !passed.has(event.task)) return event;
  }
  return undefined;
}
