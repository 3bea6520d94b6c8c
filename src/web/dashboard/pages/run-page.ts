import { nameOfRemote } from '../../../events/run-story.ts';
import { type Spending, sumSpending } from '../../../events/spending.ts';
import type { RunState } from '../../../events/state.ts';
import type { UnitProgress } from '../../../events/unit-progress.ts';
import { describeCost, formatCost, formatDuration, formatTokens } from '../../../text/amounts.ts';
import { count, printable } from '../../../text/terminal-layout.ts';
import { criticalPathOf, type RunPicture } from '../live/run-picture.ts';
import { axisLength } from '../live/timeline.ts';
import { html, type Markup } from '../markup.ts';
import type { DashboardSource } from '../source.ts';
import type { Access } from '../visitor.ts';
import { type Axis, renderBar } from './bar.ts';
import { renderGraph } from './graph.ts';
import { type PageContext, renderButton } from './layout.ts';
import {
  activityOf,
  attemptsOf,
  durationOf,
  RUN_STATUS,
  type ShownStatus,
  SIGN,
  tasksDone,
  timeOf,
  UNIT_STATE,
} from './words.ts';

/** A run as a page shows it at one moment. */
export interface RunView {
  readonly context: PageContext;
  readonly picture: RunPicture;
  readonly isAlive: boolean;
  readonly source: Pick<DashboardSource, 'changesRuns' | 'repositories'>;
  /** What its reader may see: spending and buttons are for who may push. */
  readonly access: Access;
}

/** In larger runs, bars have fewer steps, so that a page stays small. */
const MANY_UNITS = 100;

export function axisOf({ context, picture, isAlive }: RunView): Axis {
  const { startedAt, lastAt, status, units } = picture.state;
  const now = status === 'running' && isAlive ? Math.max(context.now, lastAt) : lastAt;
  const steps = units.size > MANY_UNITS ? 240 : 1_000;
  return { from: startedAt, length: Math.max(1, axisLength(now - startedAt)), now, steps };
}

/** The content of the page of a run. */
export function renderRun(view: RunView): Markup {
  const { picture, context } = view;
  const axis = axisOf(view);
  return html`${renderRunSummary(view)}
    <section aria-labelledby="units-title">
      <h2 id="units-title">Units</h2>
      <div class="wide">
        <table class="units">
          <thead>
            <tr>
              <th scope="col">unit</th>
              <th scope="col">state</th>
              <th scope="col">tasks</th>
              ${renderAxis(axis)}
              <th scope="col">attempts</th>
              <th scope="col">cost</th>
            </tr>
          </thead>
          <tbody>
            ${renderRows(view, [...picture.state.units.values()])}
          </tbody>
        </table>
      </div>
      <p class="note">
        <span class="mark">◆</span> on the critical path: no run of these units ends sooner than that chain.
      </p>
    </section>
    ${renderGraph(context, picture.state)}`;
}

/** The head of the bars: how long their axis is, and what their colours mean. */
export function renderAxis({ length }: Axis): Markup {
  return html`<th scope="col" class="time" id="axis">
    the first ${formatDuration(length)}
    <span class="legend"
      ><i class="k-agent"></i>agent <i class="k-gate"></i>gates <i class="k-set-up"></i>set-up
      <i class="k-waiting"></i>waiting</span
    >
  </th>`;
}

/** How the run stands, and what can be done with it. */
export function renderRunSummary(view: RunView): Markup {
  const { context, picture, isAlive, source, access } = view;
  const { state } = picture;
  const { start, status, startedAt, target } = state;
  const shown: ShownStatus = status === 'running' && !isAlive ? 'stopped' : status;
  const units = [...state.units.values()];
  const spending = sumSpending(units.map((unit) => unit.spending));
  const { now } = axisOf(view);
  return html`<section id="summary" aria-labelledby="title">
    <h1 id="title">Run ${start.run} <span class="status s-${shown}">${RUN_STATUS[shown]}</span></h1>
    <p class="counts">${countsOf(units)}</p>
    <dl class="facts">
      <div>
        <dt>started</dt>
        <dd>${timeOf(startedAt)}</dd>
      </div>
      <div>
        <dt>took</dt>
        <dd>${durationOf(startedAt, now)}</dd>
      </div>
      <div>
        <dt>target</dt>
        <dd>${printable(target)}</dd>
      </div>
      ${
        source.repositories === undefined
          ? ''
          : html`<div>
              <dt>repository</dt>
              <dd>
                <a href="${context.base}/runs/${start.run}/repository"
                  >${printable(nameOfRemote(start.remote) ?? 'its page')}</a
                >
              </dd>
            </div>`
      }
      <div>
        <dt>commit</dt>
        <dd><code>${start.commit.slice(0, 12)}</code></dd>
      </div>
      <div>
        <dt>for</dt>
        <dd>${printable(start.actor ?? 'a user of this machine')}</dd>
      </div>
      ${
        spending.tokens === 0 || access !== 'push'
          ? ''
          : html`<div>
              <dt>used</dt>
              <dd>${usageOf(spending)}</dd>
            </div>`
      }
      ${
        state.branch === null
          ? ''
          : html`<div>
              <dt>result</dt>
              <dd><code>${printable(state.branch)}</code></dd>
            </div>`
      }
    </dl>
    ${source.changesRuns && access === 'push' ? renderRunActions(context, state) : ''}
  </section>`;
}

function renderRunActions(context: PageContext, { start, status }: RunState): Markup {
  const { run } = start;
  const kinds =
    status === 'running' || status === 'interrupted'
      ? (['cancel', 'Cancel the run'] as const)
      : status === 'complete'
        ? undefined
        : (['retry', 'Retry what did not complete'] as const);
  if (kinds === undefined) return html``;
  const [kind, label] = kinds;
  return html`<div class="actions">${renderButton(context, { run, kind, label })}</div>`;
}

function usageOf(spending: Spending): string {
  return `${formatTokens(spending.tokens)} tokens, ${describeCost(spending)}`;
}

function countsOf(units: readonly UnitProgress[]): string {
  const of = (state: UnitProgress['state']): number => units.filter((unit) => unit.state === state).length;
  const rest = (['running', 'failed', 'blocked', 'cancelled', 'skipped', 'pending'] as const).flatMap(
    (state) => (of(state) === 0 ? [] : [`${of(state)} ${UNIT_STATE[state]}`]),
  );
  return [`${of('complete')} of ${count(units.length, 'unit')} complete`, ...rest].join(', ');
}

/** The rows of these units. */
export function renderRows(view: RunView, units: readonly UnitProgress[]): readonly Markup[] {
  const critical = criticalPathOf(view.picture.state);
  const axis = axisOf(view);
  return units.map((unit) => renderRow(view, unit, { axis, isCritical: critical.has(unit.plan.id) }));
}

function renderRow(
  { context, picture, access }: RunView,
  unit: UnitProgress,
  { axis, isCritical }: { readonly axis: Axis; readonly isCritical: boolean },
): Markup {
  const { plan, state, spending, cause } = unit;
  const why =
    state === 'failed'
      ? unit.message
      : state === 'blocked'
        ? `by ${cause ?? 'another unit'}`
        : unit.releaseReason;
  const attempts = attemptsOf(unit);
  return html`<tr id="unit-${plan.id}" class="s-${state}">
    <th scope="row">
      ${isCritical ? html`<span class="mark" title="on the critical path">◆</span> ` : ''}<a
        href="${context.base}/runs/${picture.state.start.run}/units/${plan.id}"
        title="${printable(plan.title)}"
        >${plan.id}</a
      >
    </th>
    <td>
      <span class="state">${SIGN[state]} ${UNIT_STATE[state]}</span>
      <span class="activity">${activityOf(unit)}</span>${
        why === null ? '' : html`<p class="why">${printable(why.slice(0, 300))}</p>`
      }
    </td>
    <td>${tasksDone(unit)} of ${plan.tasks.length}</td>
    <td class="time">${renderBar(picture.spans.get(plan.id) ?? [], axis)}</td>
    <td>${attempts === 0 ? '' : attempts}</td>
    <td>${spending.tokens === 0 || access !== 'push' ? '' : formatCost(spending)}</td>
  </tr>`;
}
