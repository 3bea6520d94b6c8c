import type { IncomingMessage, ServerResponse } from 'node:http';
import { ASSETS, readAsset } from './dashboard/assets.ts';
import { SECURITY_HEADERS } from './dashboard/defence.ts';
import { html, type Markup } from './dashboard/markup.ts';
import { renderPage } from './dashboard/pages/layout.ts';
import type { Pages } from './server.ts';

/** What the App may do by `app.yml`, and what for. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  metadata: 'see that a repository is there, and who may push to it; every App may',
  contents:
    'read the specs, push the branches of units, and merge them into the branch of a run; never a fork',
  'pull requests': 'open pull requests, keep their bases true, and answer reviews',
  issues: 'comment, and read and set its labels; pull requests share both with issues',
  checks: 'show a plan and the state of each unit as checks, and read red ones when asked to mend them',
};

export interface Home {
  /** The name that browsers know the server by. */
  readonly name: string;
  /** The App's page on GitHub; undefined: GitHub has not named it yet. */
  readonly appUrl: () => Promise<string | undefined>;
  /** Whether people can sign in to a dashboard, and where. */
  readonly dashboard: string | undefined;
}

/** The home of an App, for people who wonder what it is: the address that GitHub shows on its page. It knows of no repository. */
export function openHome(home: Home): Pages {
  const assets = new Map(ASSETS.map((name) => [`/assets/${name}`, name]));
  const answer = async ({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const asset = assets.get(pathOf(url));
    const { type, text } =
      asset === undefined
        ? { type: 'text/html; charset=utf-8', text: await renderHome(home) }
        : await readAsset(asset);
    response.writeHead(200, { 'content-type': type });
    response.end(method === 'HEAD' ? undefined : text);
  };
  return {
    owns: ({ url = '' }) => pathOf(url) === '/' || assets.has(pathOf(url)),
    handle: (request, response) => void answer(request, response).catch(() => response.destroy()), // its reader has gone, or the database
  };
}

function pathOf(url: string): string {
  return url.split('?')[0] ?? '';
}

async function renderHome({ name, appUrl, dashboard }: Home): Promise<string> {
  const app = await appUrl().catch(() => undefined);
  return String(
    renderPage(
      { base: '', name },
      {
        title: 'What it is and may do',
        content: html`<h1>choo</h1>
          <p>
            choo turns the spec files of a repository into pull requests. It plans what depends on what, has
            coding agents do the tasks, commits only what passes the gate that the spec names, and keeps the
            pull requests true until they are merged. It merges none of its own.
          </p>
          ${dashboard === undefined ? '' : html`<p><a href="${dashboard}">Sign in to the dashboard</a></p>`}
          <h2>What it may do, and what for</h2>
          <dl class="reasons">
            ${Object.entries(PERMISSIONS).map(
              ([what, why]): Markup =>
                html`<dt>${what}</dt>
                  <dd>${why}</dd>`,
            )}
          </dl>
          <p>
            It may not change workflows: GitHub refuses a push that does, so no agent reaches the secrets of
            Actions. It may not administer a repository, and reads no secrets and no members.
          </p>
          <h2>Who it listens to</h2>
          <p>
            People who may push to the repository, by a label, a <code>/choo</code> comment or a button of a
            check. What others write starts nothing. Nothing runs for a fork.
          </p>
          <h2>Where code goes</h2>
          <p>
            The server that this page is on keeps a copy of the repository while the App is installed, and
            shows an agent what its unit needs. The agent sends what it reads to the provider of its model.
            Who runs this server decides which agents there are.
          </p>
          <h2>To install it, and to remove it</h2>
          ${
            app === undefined
              ? html`<p>Its owner has the address of its page on GitHub; <em>Install</em> is there.</p>`
              : html`<p>
                  <a href="${app}">Its page on GitHub</a> has <em>Install</em>, for its owner or for
                  everybody.
                </p>`
          }
          <p>
            To remove it, open the settings of your account or organization on GitHub, <em>Applications</em>,
            <em>Configure</em>, <em>Uninstall</em>; or take single repositories out there. Its runs are then
            cancelled, its copies go at once, and what it stored about the repository within a day. Branches
            and pull requests stay yours.
          </p>`,
      },
    ),
  );
}
