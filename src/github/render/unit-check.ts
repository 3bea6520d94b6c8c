import type { RunEvent } from '../../events/event.ts';
import { trialResult } from '../../events/judge-change.ts';
import { needsHuman } from '../../events/run-rules.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { formatDuration, formatTokens } from '../../text/amounts.ts';
import { count } from '../../text/terminal-layout.ts';
import { reuseText } from '../../text/set-up-words.ts';
import { cut } from '../../text/cut.ts';
import { harmlessLine } from '../../text/harmless.ts';
import type { Annotation, Conclusion } from '../api/checks.ts';
import { code, fenced, fit, inline, listed } from './markdown.ts';
import { words } from './words.ts';
import { RESOLVE_BUTTON } from '../commands/boxes.ts';
import { conflictWords } from './conflict-words.ts';
import { flakyGates } from './flaky-gates.ts';
import { judgeSection } from './judge-section.ts';
import type { Verdict } from './verdict.ts';

/** The check of a unit as GitHub shows it. */
export interface RenderedUnitCheck {
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  /** Null: it is under way. */
  readonly conclusion: Conclusion | null;
  /** Where the gates failed that are red, in the files of the repository. */
  readonly annotations?: readonly Annotation[];
  readonly actions: readonly {
    readonly label: string;
    readonly description: string;
    readonly identifier: string;
  }[];
}

/** The button on the check of a unit that failed. */
const RESOLVE = {
  label: 'Resolve',
  description: 'Let an agent resolve the conflict',
  identifier: RESOLVE_BUTTON,
};
const RETRY = { label: 'Retry', description: 'Retry this unit', identifier: 'retry' };

/** What GitHub takes in one request. */
const MAX_ANNOTATIONS = 50;
/** A longer title is cut. Characters. */
const TITLE = 120;

/** The end of a gate's output that is shown. Characters. */
const TAIL = 20_000;

/**
 * The check `choo / <unit>` on a commit of which `verdict` is true. While the unit runs it says no more than that: what it is
 * busy with is in the status comment. `events` are those of the unit. Pure.
 */
export function renderUnitCheck({
  progress,
  events,
  directory,
  pullUrl,
  verdict,
  waitsFor,
}: {
  /** From the repository's root to the project; empty, or with a slash at its end. */
  readonly directory: string;
  readonly verdict: Verdict;
  /** Units whose pull requests have to be merged first, where nothing else says so. */
  readonly waitsFor: readonly string[];
  readonly progress: UnitProgress;
  readonly events: readonly RunEvent[];
  readonly pullUrl: string | null;
}): RenderedUnitCheck {
  const { state, plan, message, hint, releaseReason, spending, startedAt, endedAt, reused } = progress;
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
  if (verdict.kind !== 'recorded') return renderVerdict(verdict, pullUrl, progress);
  const conclusion = conclusionOf(progress);
  if (conclusion === null)
    return {
      title: state === 'pending' ? 'Waits' : 'Under way',
      summary: `${count(plan.tasks.length, 'task')}, by ${code(plan.provider)}.${releaseReason === null ? '' : ` Given back: ${words(releaseReason, 500)}.`}`,
      conclusion,
      actions: [],
    };
  const tasks = [...progress.tasks.values()];
  const done = tasks.filter((task) => task.state === 'complete').length;
  const time = startedAt === null || endedAt === null ? '' : `, ${formatDuration(endedAt - startedAt)}`;
  const reds = state === 'failed' ? findReds(events) : [];
  const [red] = reds;
  const reason = red?.reason;
  return {
    title: cut(`${titleOf(progress)}${reason === undefined ? '' : `: ${harmlessLine(reason.text)}`}`, TITLE),
    summary: fit([
      {
        text: `${done} of ${count(tasks.length, 'task')}${time}, ${formatTokens(spending.tokens)} tokens.${reused === null ? '' : ` Set-up was reused: ${reuseText(reused)}.`}${pullUrl === null ? '' : ` [Its pull request](${pullUrl}).`}`,
        rank: 0,
        name: 'the summary',
      },
      { text: message === null ? '' : words(message, 2_000), rank: 0, name: 'the reason' },
      {
        text: hint === null || hint === reason?.text ? '' : `What to do: ${words(hint, 1_000)}`,
        rank: 0,
        name: 'the hint',
      },
      { text: judgeSection(progress, events), rank: 0, name: 'what judges it' },
      {
        text: reason === undefined ? '' : `Why it is red: ${inline(reason.text, 1_000)}`,
        rank: 0,
        name: 'why it is red',
      },
    ]),
    ...textOf(red, flakyGates(events)),
    conclusion,
    annotations: reds.flatMap((each) => annotationOf(each, directory)).slice(0, MAX_ANNOTATIONS),
    actions: state === 'failed' ? [RETRY] : [],
  };
}

const BY_CHANGED_JUDGE = 'Passes only with the changed judge';

/** The check of a head that the unit's run did not leave. */
function renderVerdict(
  verdict: Exclude<Verdict, { kind: 'recorded' }>,
  pullUrl: string | null,
  progress: UnitProgress,
): RenderedUnitCheck {
  const page = pullUrl === null ? '' : ` [Its pull request](${pullUrl}).`;
  switch (verdict.kind) {
    case 'verified': {
      const judge = progress.judge?.head === verdict.head ? judgeSection(progress, []) : '';
      const isByJudge = judge !== '' && needsChangedJudge(progress);
      return {
        title: isByJudge ? BY_CHANGED_JUDGE : 'Verified at this head',
        summary: fit([
          {
            text: `Every gate of the approved specs passed at ${code(verdict.head.slice(0, 12))} in a fresh worktree.${page}`,
            rank: 0,
            name: 'the summary',
          },
          { text: judge, rank: 0, name: 'what judges it' },
        ]),
        conclusion: isByJudge ? 'neutral' : 'success',
        actions: [],
      };
    }
    case 'specs-changed':
      return {
        title: 'Specs changed since; /choo run takes them',
        summary: `Every gate of the approved specs passed at ${code(verdict.head.slice(0, 12))}, but what it stands on has other specs for this unit. \`/choo run\` takes them.${page}`,
        conclusion: 'neutral',
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
        summary: `Not verified: ${words(verdict.reason, 2_000)}.${page}`,
        conclusion: 'failure',
        actions: [],
      };
    case 'conflict':
      return {
        title: verdict.isOfBase === true ? 'What it builds on conflicts' : 'Conflicts with its base',
        summary: `${verdict.isOfBase === true ? 'These branches conflict with each other or with the target' : 'These files conflict'}: ${listed(
          verdict.files.map((file) => code(file)),
          50,
        )}.${conflictWords(verdict)}${page}`,
        conclusion: 'action_required',
        actions: verdict.agent === 'offered' ? [RESOLVE] : [],
      };
    default:
      return verdict satisfies never;
  }
}

/** What gates printed: the red one, and those that were red and green. */
function textOf(red: RedGate | undefined, flaky: string): Pick<RenderedUnitCheck, 'text'> {
  const ofRed =
    red === undefined
      ? ''
      : `The gate of task ${red.task} ended with ${red.exitCode ?? red.ending}:\n\n${fenced(red.tail.slice(-TAIL))}`;
  const text = [ofRed, flaky].filter((part) => part !== '').join('\n\n');
  return text === '' ? {} : { text };
}

/** Whether the gates of a complete unit pass only with changes to the judge that no task may make. */
function needsChangedJudge({ judge }: UnitProgress): boolean {
  return judge?.trial !== undefined && trialResult(judge.trial) === 'changed';
}

function conclusionOf(progress: UnitProgress): Conclusion | null {
  const { state, failure } = progress;
  if (state === 'complete') return needsChangedJudge(progress) ? 'neutral' : 'success';
  if (state === 'failed') return needsHuman(failure) ? 'action_required' : 'failure';
  return state === 'cancelled' ? 'cancelled' : state === 'skipped' ? 'skipped' : null;
}

function titleOf(progress: UnitProgress): string {
  const { state, verified, failure } = progress;
  if (state === 'complete' && needsChangedJudge(progress)) return BY_CHANGED_JUDGE;
  if (state === 'complete') return verified ? 'Complete and verified' : 'Complete, not verified';
  if (state === 'failed') return needsHuman(failure) ? 'Needs human' : 'Failed';
  return state === 'skipped' ? 'Skipped' : 'Cancelled';
}

type RedGate = Extract<RunEvent, { type: 'task.validation.fail' }>;

/** The newest red gate of each task that did not pass later, newest first: one that did is not why the unit failed. */
function findReds(events: readonly RunEvent[]): readonly RedGate[] {
  const seen = new Set<number>();
  const reds: RedGate[] = [];
  for (const event of events.toReversed()) {
    if (event.type !== 'task.validation.ok' && event.type !== 'task.validation.fail') continue;
    if (event.type === 'task.validation.fail' && !seen.has(event.task)) reds.push(event);
    seen.add(event.task);
  }
  return reds;
}

/** The reason of a red gate on its line; none where the file is not known. GitHub takes columns only within one line. */
function annotationOf({ task, reason }: RedGate, directory: string): readonly Annotation[] {
  if (reason === undefined || reason.file === null) return [];
  const line = reason.line ?? 1;
  return [
    {
      path: `${directory}${reason.file}`,
      start_line: line,
      end_line: line,
      ...(reason.line === null || reason.column === null
        ? {}
        : { start_column: reason.column, end_column: reason.column }),
      annotation_level: 'failure',
      title: `The gate of task ${task} is red`,
      message: reason.text,
    },
  ];
}
