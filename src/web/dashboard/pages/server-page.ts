import { printable } from '../../../text/terminal-layout.ts';
import { html, type Markup } from '../markup.ts';
import type { ServerView } from '../source.ts';
import { type PageContext, renderToken } from './layout.ts';

/** Rows of a view that the page shows. */
export const ROWS_SHOWN = 50;

/** What an operator sees of a whole server: the views of `choo db`, and what can be done about deliveries. */
export function renderServer(context: PageContext, views: readonly ServerView[]): Markup {
  return html`<h1>The server</h1>
    ${views.map(
      (view) =>
        html`<section id="${view.name}" aria-labelledby="${view.name}-title">
          <h2 id="${view.name}-title">${view.name}</h2>
          <p>${view.summary}.</p>
          ${renderRows(context, view)}
        </section>`,
    )}`;
}

function renderRows(context: PageContext, { name, rows }: ServerView): Markup {
  const [first] = rows;
  if (first === undefined) return html`<p class="calm">There are none.</p>`;
  const columns = Object.keys(first);
  const isDeliveries = name === 'deliveries';
  return html`<div class="wide" role="region" aria-labelledby="${name}-title" tabindex="0">
      <table>
        <thead>
          <tr>
            ${columns.map((column) => html`<th scope="col">${column.replaceAll('_', ' ')}</th>`)}
            ${isDeliveries ? html`<th scope="col">what to do</th>` : ''}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, ROWS_SHOWN).map(
            (row) =>
              html`<tr>
                ${columns.map((column) => html`<td>${renderCell(context, column, row[column] ?? null)}</td>`)}
                ${isDeliveries ? html`<td>${renderAgain(context, row)}</td>` : ''}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${rows.length > ROWS_SHOWN ? html`<p>There are more: <code>choo db show ${name}</code>.</p>` : ''}`;
}

function renderCell(
  { base }: PageContext,
  column: string,
  value: ServerView['rows'][number][string],
): Markup {
  if (value === null || value === false) return html``;
  if (column === 'run') return html`<a href="${base}/runs/${value}">${value}</a>`;
  return html`${value === true ? 'yes' : printable(String(value))}`;
}

/** Also for one that waits: it is then tried at once. */
function renderAgain(
  { base, formToken }: PageContext,
  { id, handled_now: isHandled }: ServerView['rows'][number],
): Markup {
  if (isHandled === true) return html``;
  return html`<form method="post" action="${base}/server/deliveries">
    ${renderToken(formToken)}<input type="hidden" name="id" value="${id}" /><button
      aria-label="Handle again: ${id}"
    >
      Handle again
    </button>
  </form>`;
}
