import { type Fate, willRun } from '../../plan/fate.ts';
import { count } from '../../text/terminal-layout.ts';
import { code } from './markdown.ts';
import type { PlanCheckInput } from './plan-input.ts';

/** What will happen with a unit, as a cell of a table. */
function fateWords(fate: Fate | undefined): string {
  switch (fate?.kind) {
    case undefined:
      return '';
    case 'run':
      return fate.changed ? 'run, its specs changed' : 'run';
    case 'waits':
      return fate.changed ? 'waits, then runs: its specs changed' : 'waits';
    case 'done':
    case 'merged':
      return `${fate.kind}${fate.pull === null ? '' : `, #${fate.pull}`}`;
    case 'blocked':
      if (fate.by !== null) return `blocked by ${code(fate.by)}`;
      return fate.rejected === null ? 'blocked, it has errors' : `blocked, #${fate.rejected} was closed`;
    case 'left-out':
      return fate.state === 'complete' ? 'complete in the specs' : 'not asked for';
    default:
      return fate satisfies never;
  }
}

/** What will happen with a unit of a plan, and which other branch works on it, too. */
export function happensWith(
  id: string,
  { fates, elsewhere, changed }: Pick<PlanCheckInput, 'fates' | 'elsewhere' | 'changed'>,
): string {
  const others = changed.has(id) ? elsewhere.filter(({ unit }) => unit === id) : [];
  const [first, ...more] = others.map(({ target }) => code(target));
  const and = more.length === 0 ? '' : ` and ${more.length} more`;
  return [fateWords(fates.get(id)), ...(first === undefined ? [] : [`collides with ${first}${and}`])]
    .filter((text) => text !== '')
    .join('; ');
}

/** Whether nothing is left to do for a unit. */
export function isIdle(fate: Fate | undefined): boolean {
  return fate?.kind === 'done' || fate?.kind === 'merged' || fate?.kind === 'left-out';
}

type Shown = Pick<PlanCheckInput, 'plan' | 'fates' | 'changed' | 'changesConfig'>;

/** Whether a run of the plan would work on anything. */
export function hasWork({ fates }: Pick<Shown, 'fates'>): boolean {
  return [...fates.values()].some(willRun);
}

/** `3 units in 2 waves`; with work that was done before, `2 of 3 units to run`. */
export function workOf({ plan: { waves }, fates }: Pick<Shown, 'plan' | 'fates'>): string {
  const planned = waves.flat();
  const run = planned.filter((id) => willRun(fates.get(id))).length;
  return run === planned.length
    ? `${count(run, 'unit')} in ${count(waves.length, 'wave')}`
    : `${run} of ${count(planned.length, 'unit')} to run`;
}

/** A push or pull request of a configuration and no specs. */
export function isOnlyConfig({ changed, changesConfig }: Pick<Shown, 'changed' | 'changesConfig'>): boolean {
  return changesConfig && changed.size === 0;
}

/** Why there is nothing to do, as the end of a sentence. */
export function nothingOf({ plan, fates }: Pick<Shown, 'plan' | 'fates'>): string {
  if (plan.units.length === 0) return 'there are no units.';
  const isBlocked = [...fates.values()].some(({ kind }) => kind === 'blocked');
  return isBlocked ? 'what is not done is blocked.' : 'every unit is done.';
}

/** That a configuration does not count where it stands. */
export function configChangeOf({
  changesConfig,
  commit,
  configCommit,
  brokenConfig,
}: Pick<PlanCheckInput, 'changesConfig' | 'commit' | 'configCommit' | 'brokenConfig'>): string {
  if (!changesConfig || commit === configCommit || commit === brokenConfig) return '';
  return `The configuration changes here. It counts once it is on the default branch; until then this plan and its runs follow the one at ${configCommit.slice(0, 12)}.`;
}

/** Other branches that are shown to work on the same units. */
const MAX_COLLISIONS = 10;

/** Units that this push or pull request changes, and that another branch works on. */
export function collisionsOf({
  elsewhere,
  changed,
  target,
}: Pick<PlanCheckInput, 'elsewhere' | 'changed' | 'target'>): string {
  const colliding = elsewhere.filter(({ unit }) => changed.has(unit));
  const lines = colliding.slice(0, MAX_COLLISIONS).map(({ unit, target: other, pull, isSameBranch }) => {
    if (pull === null)
      return `- ${code(unit)} is changed on ${code(other)}, too: what is merged last will conflict.`;
    const work = `- ${code(unit)} is in #${pull}, which goes to ${code(other)}`;
    return isSameBranch
      ? `${work} and has the unit branch that ${code(target)} needs: **they collide**. Merge or close it first, or give this branch another name.`
      : `${work}: results for both branches change the same, and what is merged last will conflict.`;
  });
  const more = colliding.length - lines.length;
  return [...lines, ...(more > 0 ? [`- … and ${more} more.`] : [])].join('\n');
}
