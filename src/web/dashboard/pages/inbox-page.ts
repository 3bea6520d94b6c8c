import { sumSpending } from '../../../events/spending.ts';
import type { RunState } from '../../../events/state.ts';
import { formatCost } from '../../../text/amounts.ts';
import { printable } from '../../../text/terminal-layout.ts';
import { html, type Markup } from '../markup.ts';
import type { DashboardSource } from '../source.ts';
import { type PageContext, renderButton } from './layout.ts';
import type { Access } from '../visitor.ts';
import { findNeeds, type KnownRun, type Need } from './needs.ts';
import { durationOf, RUN_STATUS, timeOf } from './words.ts';

/** Needs that one page lists. */
const MAX_NEEDS = 100;

/** A run, and what its reader may see of it. */
export type SeenRun = KnownRun & { readonly access: Access };

/** The first page: what needs a person, and the newest runs. */
export function renderInbox(
  context: PageContext,
  runs: readonly SeenRun[],
  source: Pick<DashboardSource, 'changesRuns'>,
): Markup {
  const needs = findNeeds(runs, context.now);
  const left = needs.length - MAX_NEEDS;
  const mayRetry = ({ run }: Need): boolean =>
    runs.some(({ state, access }) => state.start.run === run && access === 'push');
  const canRetry = ({ run }: Need): boolean =>
    source.changesRuns || runs.some(({ state, isAlive }) => state.start.run === run && isAlive);
  return html`<section id="needs" aria-labelledby="needs-title">
      <h1 id="needs-title">Needs a person</h1>
      ${
        needs.length === 0
          ? html`<p class="calm">Nothing does.</p>`
          : html`<ul class="needs">
              ${needs.slice(0, MAX_NEEDS).map((need) => renderNeed(context, mayRetry(need) ? need : { ...need, action: undefined }, canRetry(need)))}
            </ul>`
      }
      ${left > 0 ? html`<p>… and ${left} more.</p>` : ''}
    </section>
    <section id="runs" aria-labelledby="runs-title">
      <h2 id="runs-title">Runs</h2>
      ${runs.length === 0 ? html`<p>Nothing has run here yet.</p>` : renderRuns(context, runs)}
    </section>`;
}

function renderNeed(context: PageContext, need: Need, canRetry: boolean): Markup {
  const { base } = context;
  const { run, unit, kind, message, hint, todo, action, isLocal } = need;
  const address = unit === undefined ? `${base}/runs/${run}` : `${base}/runs/${run}/units/${unit}`;
  return html`<li class="need">
    <p>
      <span class="kind ${kind.replace(' ', '-')}">${kind}</span>
      <a href="${address}">${unit ?? `run ${run}`}</a>
    </p>
    <p class="why">${printable(message)}</p>
    ${hint === undefined ? '' : html`<p class="said">${printable(hint)}</p>`}
    <p class="todo">
      ${printable(todo)}
      ${
        action === undefined || unit === undefined
          ? ''
          : canRetry
            ? renderButton(context, { run, unit, kind: action, label: 'Retry' })
            : html`<code>choo retry ${isLocal ? unit : `${run} ${unit}`}</code>`
      }
    </p>
  </li>`;
}

/** Runs as rows. */
export function renderRuns({ base, now }: PageContext, runs: readonly SeenRun[]): Markup {
  return html`<div class="wide">
    <table class="runs">
      <thead>
        <tr>
          <th scope="col">run</th>
          <th scope="col">state</th>
          <th scope="col">units</th>
          <th scope="col">target</th>
          <th scope="col">started</th>
          <th scope="col">took</th>
          <th scope="col">cost</th>
        </tr>
      </thead>
      <tbody>
        ${runs.map(({ state, isAlive, access }) => {
          const { start, status, startedAt, lastAt, units } = state;
          const isStopped = status === 'running' && !isAlive;
          const complete = [...units.values()].filter((unit) => unit.state === 'complete').length;
          return html`<tr>
            <th scope="row"><a href="${base}/runs/${start.run}">${start.run}</a></th>
            <td class="s-${isStopped ? 'failed' : status}">${RUN_STATUS[isStopped ? 'stopped' : status]}</td>
            <td>${complete} of ${units.size}</td>
            <td>${printable(state.target)}</td>
            <td>${timeOf(startedAt)}</td>
            <td>${durationOf(startedAt, status === 'running' && isAlive ? now : lastAt)}</td>
            <td>${access === 'push' ? costOf(state) : ''}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

function costOf({ units }: RunState): string {
  const spending = sumSpending([...units.values()].map((unit) => unit.spending));
  return spending.tokens === 0 ? '' : formatCost(spending);
}
