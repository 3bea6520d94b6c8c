import { formatCost, formatTokens } from '../../../text/amounts.ts';
import { printable } from '../../../text/terminal-layout.ts';
import { html, type Markup } from '../markup.ts';
import type { RepositoryFacts } from '../source.ts';
import { renderRuns, type SeenRun } from './inbox-page.ts';
import type { PageContext } from './layout.ts';

/** A repository as a page shows it. */
export interface RepositoryView {
  readonly id: string;
  readonly facts: RepositoryFacts;
  /** The runs of this page, of those in `facts`. */
  readonly runs: readonly SeenRun[];
  /** From 1. */
  readonly page: number;
  readonly hasMore: boolean;
}

/** The runs of a repository and, for who may push to it, what it used and what its newest run went by. */
export function renderRepository(
  context: PageContext,
  { id, facts, runs, page, hasMore }: RepositoryView,
): Markup {
  const [newest] = runs;
  const address = `${context.base}/repositories/${id}`;
  const mayPush = newest?.access === 'push';
  return html`<h1>${printable(facts.name)}</h1>
    <section aria-labelledby="runs-title">
      <h2 id="runs-title">Runs</h2>
      ${renderRuns(context, runs)}
      <p class="pages">
        ${page > 1 ? html`<a href="${address}?page=${page - 1}">Newer runs</a>` : ''}
        ${hasMore ? html`<a href="${address}?page=${page + 1}">Older runs</a>` : ''}
      </p>
    </section>
    ${mayPush ? renderSpending(facts) : ''} ${mayPush && page === 1 ? renderSettings(newest) : ''}`;
}

function renderSpending({ days }: RepositoryFacts): Markup {
  return html`<section aria-labelledby="spending-title">
    <h2 id="spending-title">Spending by day</h2>
    ${
      days.length === 0
        ? html`<p class="calm">Its runs used nothing yet.</p>`
        : html`<div class="wide">
            <table>
              <thead>
                <tr>
                  <th scope="col">day (UTC)</th>
                  <th scope="col">runs</th>
                  <th scope="col">tokens</th>
                  <th scope="col">cost</th>
                </tr>
              </thead>
              <tbody>
                ${days.map(
                  ({ day, runs, tokens, cost }) =>
                    html`<tr>
                      <th scope="row">${day}</th>
                      <td>${runs}</td>
                      <td>${formatTokens(tokens)}</td>
                      <td>${formatCost({ cost, unknownCost: tokens > 0 && cost === 0 })}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}

/** What the newest run goes by: `.choo.yml` at its commit, as far as the operator's ceilings let it. */
function renderSettings({ state }: SeenRun): Markup {
  const { commit, parallelism, verify, stack, sandbox, limits } = state.start;
  const { attempts, unitTokens, unitCost, runTokens, runCost } = limits;
  const rows: readonly (readonly [string, string])[] = [
    ['units at once', String(parallelism)],
    ['attempts a task', String(attempts)],
    ['a unit may use', amount(unitTokens, unitCost)],
    ['a run may use', amount(runTokens, runCost)],
    ['verified in a clean copy', verify ? 'yes' : 'no'],
    ['a new base', stack === 'rebase' ? 'by rebases' : 'by merges'],
    ['sandbox', sandbox],
  ];
  return html`<section aria-labelledby="settings-title">
    <h2 id="settings-title">What the newest run goes by</h2>
    <p>
      <code>.choo.yml</code> at <code>${commit.slice(0, 12)}</code>, as far as the server's limits let it. The
      check <code>choo / plan</code> shows the provider of each unit and where it comes from.
    </p>
    <dl class="facts">
      ${rows.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </section>`;
}

function amount(tokens: number | null, cost: number | null): string {
  const parts = [
    ...(tokens === null ? [] : [`${formatTokens(tokens)} tokens`]),
    ...(cost === null ? [] : [formatCost({ cost, unknownCost: false })]),
  ];
  return parts.length === 0 ? 'no limit' : parts.join(', ');
}
