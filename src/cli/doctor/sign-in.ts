import type { GitHubApp } from '../../github/api/client.ts';
import { CALLBACK_PATH, findOAuthFault, type OAuthApp } from '../../github/api/oauth.ts';
import { failed, type Finding, ok, warning } from './finding.ts';

/** How people sign in to the dashboard: the settings, or the names of those that are missing. */
type SignIn = OAuthApp | { readonly missing: readonly string[] };

/** Whether people can sign in to the dashboard: whether GitHub takes the client's id and secret, and whether they are the App's. */
export async function checkSignIn(github: Pick<GitHubApp, 'asApp'>, signIn: SignIn): Promise<Finding> {
  if ('missing' in signIn)
    return warning(
      'sign-in',
      `nobody can sign in to the dashboard: ${signIn.missing.join(', ')} not set`,
      `on the App's page, add \`https://HOST${CALLBACK_PATH}\` as a callback URL and make a client secret; then set them`,
    );
  const where = `on the App's page, *General*`;
  const { data } = await github.asApp().request('GET /app');
  const clientId = (data as { readonly client_id?: string } | null)?.client_id;
  if (clientId !== undefined && clientId !== signIn.clientId)
    return failed(
      'sign-in',
      `GITHUB_CLIENT_ID is not this App's: it has \`${clientId}\``,
      `read it ${where}`,
    );
  const fault = await findOAuthFault(signIn);
  if (fault === 'redirect_uri_mismatch')
    return failed(
      'sign-in',
      `\`${signIn.callbackUrl}\` is no callback URL of the App`,
      `add it ${where}, *Callback URL*`,
    );
  if (fault !== undefined)
    return failed('sign-in', `GitHub refuses GITHUB_CLIENT_SECRET (${fault})`, `make a new one ${where}`);
  return ok('sign-in', `with GitHub; an App from before has \`${signIn.callbackUrl}\` added by hand`);
}
