import { html, type Markup } from '../markup.ts';

/** The page for who is not signed in. `to`: where it leads to in the end. */
export function renderSignIn(base: string, to: string): Markup {
  return html`<section aria-labelledby="title">
    <h1 id="title">Sign in</h1>
    <p>These pages show the runs of repositories that you can read on GitHub.</p>
    <p>
      <a class="button" href="${base}/sign-in/github?to=${encodeURIComponent(to)}">Sign in with GitHub</a>
    </p>
    <p class="note">
      GitHub tells choo the name and the number of your account. What you may see and do here is what you may
      read and push there, asked again every few minutes.
    </p>
  </section>`;
}

/** The page after a sign-in that came to nothing. */
export function renderRefusedSignIn(base: string, reason: string): Markup {
  return html`<section aria-labelledby="title">
    <h1 id="title">Not signed in</h1>
    <p class="why">${reason}</p>
    <p><a class="button" href="${base}/sign-in">Try again</a></p>
  </section>`;
}
