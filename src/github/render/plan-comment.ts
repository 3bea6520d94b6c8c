import { grantedBy } from '../api/missing-permission.ts';
import { isClamp } from '../../config/apply-ceilings.ts';
import { willRun } from '../../plan/fate.ts';
import type { PlanUnit } from '../../plan/schema.ts';
import type { Problem } from '../../problems/problem.ts';
import { count } from '../../text/terminal-layout.ts';
import { code, fit, inline, rowsWithin, table } from './markdown.ts';
import { graphOf } from './plan-check.ts';
import type { PlanCheckInput } from './plan-input.ts';
import { collisionsOf, configChangeOf, happensWith, isOnlyConfig, nothingOf, workOf } from './plan-words.ts';

/** What the comment of a plan shows. */
export interface PlanCommentInput extends Omit<PlanCheckInput, 'limits'> {
  /** Null: choo may write no checks here. */
  readonly checkUrl: string | null;
  readonly marker: string;
  /** A run would be of all units, not only of those that changed. */
  readonly isOfAll: boolean;
}

/** The comment of a pull request that shows its plan, before anything runs. Pure. */
export function renderPlanComment(shown: PlanCommentInput): string {
  const { plan, commit, changed, fates, checkUrl, marker } = shown;
  const { errors } = plan.problems;
  const at = commit.slice(0, 12);
  const isRun = errors === 0 && scopeOf(shown).some(({ id }) => willRun(fates.get(id)));
  const inCheck = (shows: string): string =>
    checkUrl === null
      ? `There is no check, which ${shows}: ${grantedBy('checks=write')}.`
      : `[Its check](${checkUrl}) ${shows}.`;
  const inPlan =
    errors > 0
      ? `❌ The plan of ${at} has **${count(errors, 'error')}**. ${inCheck('shows each on its line')} Nothing runs until they are mended.`
      : isOnlyConfig(shown)
        ? `Only the configuration changes at ${at}: there is nothing to run.`
        : !isRun
          ? `**Nothing to do** at ${at}: ${whyNothing(shown)} ${inCheck('shows all units')}`
          : `The plan of ${at}: **${workOf(shown)}**${shown.isOfAll ? '' : `, ${changed.size} changed here`}. ${inCheck('shows gates and providers')}`;
  const clamps = plan.problems.list
    .filter(isClamp)
    .map(({ message }) => `- ${inline(message.replaceAll('`', ''), 300)}`);
  return fit(
    [
      { text: inPlan, rank: 0, name: 'the plan' },
      { text: shown.configNote ?? '', rank: 0, name: 'what is wrong with the configuration' },
      { text: configChangeOf(shown), rank: 0, name: 'the configuration' },
      { text: collisionsOf(shown), rank: 1, name: 'what other branches work on' },
      { text: clamps.join('\n'), rank: 1, name: 'limits that do not hold' },
      { text: isRun ? howOf(shown) : '', rank: 0, name: 'what to do' },
      { text: isRun ? rowsOf(shown) : '', rank: 1, name: 'the units' },
      { text: isRun ? graphOf(plan) : '', rank: 2, name: 'the graph' },
    ],
    marker,
  );
}

/** The units that a run without names would be of. */
function scopeOf({ plan: { units }, changed, isOfAll }: PlanCommentInput): readonly PlanUnit[] {
  return isOfAll ? units : units.filter(({ id }) => changed.has(id));
}

function howOf({ isOfAll }: PlanCommentInput): string {
  const how = isOfAll
    ? `Write ${code('/choo run')} to run it.`
    : `Put the label ${code('choo:run')} on, or write ${code('/choo run')}, to run the units that changed here.`;
  return `${how} ${code('/choo help')} shows what else there is.`;
}

/** Units that are shown with what will happen. */
const MAX_ROWS = 20;

/** The units that a run would be of, and what will happen with each. */
function rowsOf(shown: PlanCommentInput): string {
  const units = scopeOf(shown);
  const { rows } = rowsWithin(units.slice(0, MAX_ROWS), 10_000, ({ id, title }) => [
    code(id),
    inline(title, 80),
    happensWith(id, shown),
  ]);
  const more = units.length - rows.length;
  const first = shown.isOfAll ? 'Unit' : 'Changed here';
  return `${table([first, 'Title', 'What happens'], rows)}${more > 0 ? `\n\n… and ${more} more.` : ''}`;
}

function whyNothing(shown: PlanCommentInput): string {
  if (shown.isOfAll) return nothingOf(shown);
  const kinds = new Set(scopeOf(shown).map(({ id }) => shown.fates.get(id)?.kind));
  if (kinds.has('blocked')) return 'what changed here is blocked.';
  return kinds.size === 0 ? 'the units that changed here are gone.' : 'every unit that changed here is done.';
}

/** The issue that is open while the configuration of the default branch is broken. Pure. */
export function renderConfigIssue({
  problems,
  commit,
  holds,
  marker,
}: {
  readonly problems: readonly Problem[];
  readonly commit: string;
  /** The commit of the configuration that holds instead; null: none does. */
  readonly holds: string | null;
  readonly marker: string;
}): { readonly title: string; readonly body: string } {
  const { rows } = rowsWithin(problems, 30_000, ({ file, line, message, hint }) => [
    file === '' ? 'the commit' : `${code(file)}:${line}`,
    inline(message.replaceAll('`', '')) +
      (hint === undefined ? '' : ` — ${inline(hint.replaceAll('`', ''))}`),
  ]);
  const meanwhile =
    holds === null
      ? 'No earlier one is without errors, so **nothing runs** until somebody corrects it.'
      : `Until somebody corrects it, choo uses the one at ${holds.slice(0, 12)}.`;
  return {
    title: 'The configuration of choo has errors',
    body: fit(
      [
        {
          text: `choo cannot use the configuration at ${commit.slice(0, 12)}, the head of the default branch. ${meanwhile}`,
          rank: 0,
          name: 'the summary',
        },
        { text: table(['Line', 'Error'], rows), rank: 1, name: 'the problems' },
        {
          text: 'choo closes this issue when a push to the default branch corrects them all.',
          rank: 0,
          name: 'the end',
        },
      ],
      marker,
    ),
  };
}
