import { html, type Markup } from '../markup.ts';

/** What every page is given. */
export interface PageContext {
  /** The path of the dashboard, without a slash at its end: all its addresses begin with it. */
  readonly base: string;
  /** Where the runs are. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Who reads it, by their name on GitHub; undefined: whoever has the address. */
  readonly login: string | undefined;
  /** Whether there is the page of a server for them. */
  readonly hasServer: boolean;
  /** What forms must carry; undefined: nothing. */
  readonly formToken: string | undefined;
}

/** What a page is given whose reader is not known. */
type AnyContext = Pick<PageContext, 'base' | 'name'> & Partial<PageContext>;

export interface PageParts {
  readonly title: string;
  readonly content: Markup;
  /** The address of the stream that keeps the page up to date; undefined: it has none. */
  readonly stream?: string;
}

/** A whole page. Without script it is loaded again every ten seconds where there is a stream. */
export function renderPage(
  { base, name, login, hasServer, formToken }: AnyContext,
  { title, content, stream }: PageParts,
): Markup {
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
            ${hasServer ? html`<a href="${base}/server">Server</a>` : ''}
          </nav>
          ${stream === undefined ? '' : html`<p id="live" role="status">not live: reload for news</p>`}
          ${login === undefined ? '' : renderSignOut({ base, login, formToken })}
        </header>
        <main id="main" ${stream === undefined ? '' : html` data-stream="${stream}"`}>${content}</main>
      </body>
    </html> `;
}

function renderSignOut({
  base,
  login,
  formToken,
}: Pick<PageContext, 'base' | 'login' | 'formToken'>): Markup {
  return html`<form class="who" method="post" action="${base}/sign-out">
    ${renderToken(formToken)}<span>${login}</span> <button>Sign out</button>
  </form>`;
}

/** The field of a form that shows whose page it is from. */
export function renderToken(formToken: string | undefined): Markup | string {
  return formToken === undefined ? '' : html`<input type="hidden" name="token" value="${formToken}" />`;
}

/** A button that asks for a change, as a form of its own. */
export function renderButton(
  { base, formToken }: Pick<PageContext, 'base' | 'formToken'>,
  { run, unit, kind, label }: { run: string; unit?: string; kind: string; label: string },
): Markup {
  const of = unit === undefined ? '' : ` ${unit}`;
  return html`<form method="post" action="${base}/runs/${run}/change">
    ${renderToken(formToken)}<input type="hidden" name="kind" value="${kind}" />${
      unit === undefined ? '' : html`<input type="hidden" name="unit" value="${unit}" />`
    }<button aria-label="${label}${of}">${label}</button>
  </form>`;
}
