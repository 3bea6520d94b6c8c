import { html, type Markup } from '../markup.ts';

/** What every page is given. */
export interface PageContext {
  /** The path of the dashboard, without a slash at its end: all its addresses begin with it. */
  readonly base: string;
  /** Where the runs are. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface PageParts {
  readonly title: string;
  readonly content: Markup;
  /** The address of the stream that keeps the page up to date; undefined: it has none. */
  readonly stream?: string;
}

/** A whole page. Without script it is loaded again every ten seconds where there is a stream. */
export function renderPage({ base, name }: PageContext, { title, content, stream }: PageParts): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · choo</title>
        <link rel="stylesheet" href="${base}/assets/dashboard.css" />
        <link rel="icon" href="${base}/assets/icon.svg" type="image/svg+xml" />
        ${
          stream === undefined
            ? ''
            : html`<script src="${base}/assets/dashboard.js" defer></script>
                <noscript><meta http-equiv="refresh" content="10" /></noscript>`
        }
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <nav aria-label="Dashboard">
            <a href="${base}/" class="brand">choo</a> <span class="where">${name}</span>
          </nav>
          ${stream === undefined ? '' : html`<p id="live" role="status">not live: reload for news</p>`}
        </header>
        <main id="main" ${stream === undefined ? '' : html` data-stream="${stream}"`}>${content}</main>
      </body>
    </html> `;
}

/** A button that asks for a change, as a form of its own. */
export function renderButton(
  { base }: Pick<PageContext, 'base'>,
  { run, unit, kind, label }: { run: string; unit?: string; kind: string; label: string },
): Markup {
  const of = unit === undefined ? '' : ` ${unit}`;
  return html`<form method="post" action="${base}/runs/${run}/change">
    <input type="hidden" name="kind" value="${kind}" />${
      unit === undefined ? '' : html`<input type="hidden" name="unit" value="${unit}" />`
    }<button aria-label="${label}${of}">${label}</button>
  </form>`;
}
