import type { Unit } from '../../discovery/unit.ts';
import type { RunEvent } from '../../events/event.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { describeCost, formatTokens } from '../../text/amounts.ts';
import { reuseText } from '../../text/set-up-words.ts';
import { harmlessLine } from '../../text/harmless.ts';
import { boxLine } from '../commands/boxes.ts';
import { isCommandName } from '../commands/commands.ts';
import { code, details, fit, inline, listed, preformatted, rowsWithin } from './markdown.ts';
import { conflictWords } from './conflict-words.ts';
import { flakyGates } from './flaky-gates.ts';
import { judgeSection } from './judge-section.ts';
import { at, moveOf, type PullMove, type PullTruths, pullTruths } from './pull-truths.ts';
import { words } from './words.ts';
import { bodyOf, fileUrl, printedOf, purposeOf, requirementsOf, summariesOf, tasksOf } from './unit-tasks.ts';
import type { ConflictVerdict, Verdict } from './verdict.ts';

/** A unit's work, and where it stands among the others. */
export interface UnitPullInput {
  readonly unit: Unit;
  readonly progress: UnitProgress;
  /** The events of the unit. */
  readonly events: readonly RunEvent[];
  readonly run: { readonly id: string; readonly url: string };
  /** The address of the project at the commit of the approved specs, with a slash at its end. */
  readonly specsUrl: string;
  readonly sandbox: 'bubblewrap' | 'host';
  readonly dependsOn: readonly {
    readonly unit: string;
    /** `revert`: the commit that took its merge back. */
    readonly pull:
      | { readonly number: number; readonly merged: boolean; readonly revert: string | null }
      | undefined;
  }[];
  /** What builds on it and has a pull request, which is open. */
  readonly dependents: readonly { readonly unit: string; readonly number: number }[];
  /** What must be merged before. */
  readonly needs: readonly string[];
  /** The branch that it goes to. */
  readonly base: string;
  /** The head of its branch; null: there is none. */
  readonly head: string | null;
  /** What is true of that head. */
  readonly verdict: Verdict;
  /** Its branch is being brought up to date. */
  readonly isBehind: boolean;
  /** Whether its branch can be brought up to date by a box in the text. */
  readonly offersUpdate: boolean;
  /** Why its branch was not brought up to date though it has to be; null: it was, or will be. */
  readonly stuck: string | null;
  /** What the last update of its branch came to; null: it was not moved. */
  readonly update: PullMove | null;
  /** How its branch is brought up to date, which says how it can be merged. */
  readonly way: 'merge' | 'rebase';
  /** A merge commit on its branch keeps it from being merged by rebase. */
  readonly hasMerges: boolean;
  /** It is in one of GitHub's own stacks. */
  readonly isStacked: boolean;
  /** What else is true of its branch and base. */
  readonly truths: PullTruths;
  /** Commits on its branch that choo did not make. */
  readonly others: readonly OtherCommit[];
  /** The number of an earlier pull request, which was closed and not merged; null: there is none. */
  readonly replaces: number | null;
  readonly marker: string;
}

/** A commit on a unit branch that choo did not make. */
export interface OtherCommit {
  readonly id: string;
  readonly author: string;
  readonly subject: string;
}

/** The longest part of the spec that is repeated. Characters. */
const SPEC = 4_000;
/** The longest list of what a unit builds on. Characters. */
const STACK = 8_000;

/** The pull request of a unit, for who reviews it. Pure. */
export function renderUnitPull(shown: UnitPullInput): { readonly title: string; readonly body: string } {
  const { unit, progress, marker } = shown;
  const name = harmlessLine(unit.title) === '' ? unit.id : unit.title;
  return {
    title: harmlessLine(`${progress.state === 'failed' ? 'Unfinished: ' : ''}${name}`),
    body: fit(
      [
        { text: whatOf(shown), rank: 0, name: 'what changed' },
        { text: stateOf(shown), rank: 0, name: 'the verdict' },
        { text: judgeSection(progress, shown.events), rank: 0, name: 'what judges it' },
        { text: stackOf(shown), rank: 1, name: 'the stack' },
        { text: feedbackOf(unit.id), rank: 0, name: 'how to give feedback' },
        { text: tasksOf(shown), rank: 1, name: 'the tasks' },
        { text: requirementsOf(unit, shown.specsUrl), rank: 2, name: 'what each task asked for' },
        { text: printedOf(shown), rank: 3, name: 'what the gates printed' },
        { text: flakyGates(shown.events), rank: 3, name: 'flaky gates' },
        { text: summariesOf(shown), rank: 4, name: "the agent's own summary" },
        { text: reviewNotes(shown), rank: 1, name: 'what to know' },
        { text: specOf(unit), rank: 3, name: 'the spec' },
        { text: madeOf(shown), rank: 0, name: 'how it was made' },
      ],
      marker,
    ),
  };
}

/** What changed and why, in the words of the specs. */
function whatOf({ unit, specsUrl }: UnitPullInput): string {
  const purpose = purposeOf(unit);
  const specs = `the [specs of ${code(unit.id)}](${fileUrl(specsUrl, unit.plan)})`;
  return purpose === '' ? `This does what ${specs} ask for.` : `${purpose} From ${specs}.`;
}

function stateOf(input: UnitPullInput): string {
  const { unit } = input;
  return [
    headOf(input),
    ...updateOf(input),
    ...pullTruths(unit.id, input.truths),
    ...(input.replaces === null ? [] : [`It takes the place of #${input.replaces}, which was closed.`]),
    ...(input.isStacked
      ? [
          "It is in one of GitHub's own stacks: GitHub moves its base and its branch, and choo verifies what comes.",
        ]
      : []),
  ].join('\n\n');
}

function feedbackOf(unit: string): string {
  const lines = isCommandName('fix')
    ? [
        `Request changes in a review, or comment ${code('/choo fix')} and what to change: an agent makes one more attempt, and answers each thread.`,
        'Or push to this branch: choo runs all gates on your commit.',
      ]
    : [
        'Push to this branch, and choo runs all gates on your commit.',
        `Or change the specs and comment ${code(`/choo retry ${unit}`)}: an agent goes on from here.`,
      ];
  return `### How to give feedback\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}

function madeOf({ unit, progress: { plan, spending }, run }: UnitPullInput): string {
  return `Unit ${code(unit.id)} by ${code(plan.provider)}, made by choo from ${code(unit.directory)} in [run ${run.id}](${run.url}): ${formatTokens(spending.tokens)} tokens, ${describeCost(spending)}.`;
}

/** What is true of the head, which is named wherever something is claimed of it. */
function headOf({ unit, progress, verdict, base, head, isBehind }: UnitPullInput): string {
  const { state, verified, message, hint, failure } = progress;
  switch (verdict.kind) {
    case 'verified':
      return passedAt(verdict.head, isBehind);
    case 'specs-changed':
      return `${passedAt(verdict.head, isBehind)} **Its specs changed since:** ${code(base)} has others than those that these gates are of. Comment \`/choo run ${unit.id}\` to take them.`;
    case 'pending':
      return `**Its gates are due** at ${at(verdict.head)}, the head of this branch. Nothing is claimed of it until they have passed.`;
    case 'unverified':
      return `**Not verified** at ${at(verdict.head)}: ${words(verdict.reason, 500)}. Push to this branch, or comment \`/choo retry ${unit.id}\`.`;
    case 'conflict':
      if (verdict.isOfBase === true)
        return `**What it builds on does not merge:** ${listed(
          verdict.files.map((branch) => code(branch)),
          20,
        )} and ${code(base)} conflict with each other, so it goes to ${code(base)}. Merge on one of those branches by hand, and choo goes on from there.`;
      return `**It conflicts with ${code(base)}** in ${listed(
        verdict.files.map((file) => code(file)),
        20,
      )}.${conflictWords(verdict)} ${cureOf(verdict, unit.id, base)}`;
    case 'recorded':
      break;
    default:
      return verdict satisfies never;
  }
  if (state === 'failed')
    return `**${failure === 'judge-changed' ? 'Needs human' : 'Incomplete'}**: ${words(message ?? '', 500)}${hint === null ? '' : ` — ${words(hint, 300)}`} What is committed passed its gates.`;
  if (!verified) return '**Not verified.**';
  return head === null
    ? 'Every gate passed in a fresh worktree; its branch is gone.'
    : passedAt(head, isBehind);
}

function cureOf({ agent }: ConflictVerdict, unit: string, base: string): string {
  const byHand = `Merge ${code(base)} into this branch by hand, and choo runs its gates there`;
  const fresh = `comment \`/choo retry ${unit} --fresh\``;
  if (agent === 'works') return 'Its work is pushed when every gate has passed.';
  if (agent === 'none') return `${byHand}; or ${fresh}.`;
  return `${byHand}; let an agent do it, within what is left of the budget, by this box or \`/choo update ${unit}\`; or ${fresh}.\n\n${boxLine('resolve')}`;
}

/** A branch that is about to move is not said to be at a commit. */
function passedAt(head: string, isMoving: boolean): string {
  const isHead = isMoving
    ? '. Its branch moves on; nothing is claimed of a later head'
    : ', the head of this branch';
  return `Every gate passed in a fresh worktree at ${at(head)}${isHead}.`;
}

/** How the branch was moved since the unit's run. */
function updateOf(input: UnitPullInput): readonly string[] {
  const { unit, update, head, isBehind, stuck, base, others, way, hasMerges, offersUpdate } = input;
  if (stuck !== null)
    return [
      `**Its branch could not be brought up to date with ${code(base)}:** ${words(stuck, 500)}. Comment \`/choo update ${unit.id}\` to try it again.`,
    ];
  if (isBehind) return [`Its branch is being brought up to date with ${code(base)}.`];
  const result = update === null || update.to !== head ? [] : [moveOf(update)];
  if (way === 'merge' && hasMerges) result.push('Merge this pull request by squash or with a merge commit.');
  if (way === 'rebase' && hasMerges)
    result.push(
      `A merge commit is on this branch, and this repository merges by rebase only. Comment \`/choo update ${unit.id}\` to have the unit's own commits made again without it.`,
    );
  if (offersUpdate) result.push(boxLine('update'));
  if (others.length === 0) return result;
  const lines = others.map(
    ({ id, author, subject }) =>
      `- ${code(id.slice(0, 12))} by ${inline(author, 80)}: ${inline(subject, 120)}`,
  );
  return [...result, `Commits on this branch that choo did not make:\n\n${lines.join('\n')}`];
}

/** What it builds on and what builds on it, in the order in which they are merged. */
function stackOf({ unit, dependsOn, dependents, needs }: UnitPullInput): string {
  if (dependsOn.length + dependents.length === 0) return '';
  const below = rowsWithin(dependsOn, STACK, ({ unit: id, pull }) => [
    `- ${code(id)}: ${pull === undefined ? 'in the target' : wherePull(pull)}`,
  ]);
  const above = rowsWithin(dependents, STACK, ({ unit: id, number }) => [
    `- ${code(id)}: #${number}, builds on this one`,
  ]);
  const lines = [
    ...below.rows.flat(),
    ...(below.missing > 0 ? [`- … and ${below.missing} more`] : []),
    `- **${code(unit.id)}: this one**`,
    ...above.rows.flat(),
    ...(above.missing > 0 ? [`- … and ${above.missing} more`] : []),
  ];
  const first =
    needs.length === 0
      ? ''
      : `\n\n**Merge first:** ${listed(
          needs.map((id) => code(id)),
          50,
        )}. This is a draft until then.`;
  return `### The stack, in the order of merging\n\n${lines.join('\n')}${first}`;
}

function wherePull({
  number,
  merged,
  revert,
}: NonNullable<UnitPullInput['dependsOn'][number]['pull']>): string {
  return `#${number}${merged ? ', merged' : ''}${revert === null ? '' : `, reverted by ${at(revert)}`}`;
}

/** What a reviewer would want to have been told. */
function reviewNotes({ progress, sandbox }: UnitPullInput): string {
  const green = [...progress.tasks].filter(([, { alreadyGreen }]) => alreadyGreen).map(([number]) => number);
  const lines = [
    ...(green.length === 0
      ? []
      : [
          `- The gate of task ${green.join(', ')} was *already green* before any work: it says little about what was done.`,
        ]),
    ...[...new Set(progress.notices.map(({ message }) => message))]
      .slice(0, 30)
      .map((message) => `- ${words(message, 500)}`),
    ...(progress.reused === null ? [] : [`- Set-up was reused: ${reuseText(progress.reused)}.`]),
    ...(sandbox === 'host' ? ['- It ran without a sandbox.'] : []),
    ...(progress.spending.basis === 'reserved'
      ? ['- Some of its cost is what was set aside for an attempt: what that took is not known.']
      : []),
    ...(progress.spending.unknownCost ? ['- Not all of its cost is known: the provider does not say.'] : []),
  ];
  return lines.length === 0 ? '' : `### To know\n\n${lines.join('\n')}`;
}

/** What was asked for, as it is written and not as it would be rendered: it is text from the repository. */
function specOf({ plan }: Unit): string {
  const shown = bodyOf(plan, SPEC);
  return shown === '' ? '' : details('What was asked for', preformatted(shown, 'markdown'));
}
