import { isClamp } from '../../config/apply-ceilings.ts';
import { renderMermaid } from '../../plan/mermaid.ts';
import type { Problem } from '../../problems/problem.ts';
import { count } from '../../text/terminal-layout.ts';
import { code, fenced, fit, inline, rowsWithin, table } from './markdown.ts';
import type { PlanCheckInput } from './plan-check.ts';

/** The comment of a pull request that shows its plan, before anything runs. Pure. */
export function renderPlanComment({
  plan,
  commit,
  changed,
  checkUrl,
  marker,
}: Pick<PlanCheckInput, 'plan' | 'commit' | 'changed'> & {
  readonly checkUrl: string;
  readonly marker: string;
}): string {
  const { errors } = plan.problems;
  const units = plan.waves.flat().length;
  const inPlan =
    errors > 0
      ? `The plan of ${commit.slice(0, 12)} has **${count(errors, 'error')}**: [its check](${checkUrl}) shows each on its line. Nothing runs until they are mended.`
      : units === 0
        ? `There is nothing to run at ${commit.slice(0, 12)}: every unit is complete.`
        : `The plan of ${commit.slice(0, 12)}: **${count(units, 'unit')} in ${count(plan.waves.length, 'wave')}**, ${changed.size} changed here. [Its check](${checkUrl}) shows gates and providers.`;
  const how =
    errors > 0 || units === 0
      ? ''
      : `Put the label ${code('choo:run')} on, or write ${code('/choo run')}, to have the units that changed here carried out. ${code('/choo help')} shows what else there is.`;
  const clamps = plan.problems.list
    .filter(isClamp)
    .map(({ message }) => `- ${inline(message.replaceAll('`', ''), 300)}`);
  return fit(
    [
      { text: inPlan, rank: 0, name: 'the plan' },
      { text: clamps.join('\n'), rank: 0, name: 'limits that do not hold' },
      { text: how, rank: 0, name: 'what to do' },
      {
        text: units === 0 ? '' : fenced(renderMermaid(plan).trimEnd(), 'mermaid'),
        rank: 1,
        name: 'the graph',
      },
    ],
    marker,
  );
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
    `${code(file)}:${line}`,
    inline(message.replaceAll('`', '')) +
      (hint === undefined ? '' : ` — ${inline(hint.replaceAll('`', ''))}`),
  ]);
  const meanwhile =
    holds === null
      ? 'There never was a good one: **nothing runs** until it is mended.'
      : `Until it is mended, the one at ${holds.slice(0, 12)} holds.`;
  return {
    title: 'The configuration of choo is broken',
    body: fit(
      [
        {
          text: `The configuration at ${commit.slice(0, 12)} cannot be used. ${meanwhile}`,
          rank: 0,
          name: 'the summary',
        },
        { text: table(['Where', 'What'], rows), rank: 1, name: 'the problems' },
        {
          text: 'choo closes this issue when a push to the default branch mends it.',
          rank: 0,
          name: 'the end',
        },
      ],
      marker,
    ),
  };
}
