import { z } from 'zod';
import { listAttempts } from '../../github/api/app-deliveries.ts';
import { type GitHubApp, statusOf } from '../../github/api/client.ts';
import type { AppManifest } from '../../github/setup/manifest.ts';
import { failed, type Finding, ok, warning } from './finding.ts';
import { compareClocks } from './clocks.ts';

/** Deliveries that are looked at. Milliseconds, to now. */
const LOOK_BACK_MS = 24 * 60 * 60_000;

const appSchema = z.object({
  slug: z.string(),
  permissions: z.record(z.string(), z.string()),
  events: z.array(z.string()),
  installations_count: z.number().optional(),
});

/** Asks GitHub about the App: whether the key is its key, what it may do, and whether deliveries arrive. */
export async function checkApp(
  github: Pick<GitHubApp, 'asApp' | 'appId'>,
  manifest: AppManifest,
  now: () => number = Date.now,
): Promise<readonly Finding[]> {
  const client = github.asApp();
  const answer = await client.request('GET /app').catch((error: unknown) => {
    const status = statusOf(error);
    if (status !== 401 && status !== 404) throw error;
    return undefined;
  });
  if (answer === undefined)
    return [
      failed(
        'App',
        `GitHub does not know the App ${github.appId} by this key`,
        "check APP_ID and PRIVATE_KEY: make a new key on the App's page, *Private keys*; a clock that is wrong does it, too",
      ),
    ];
  const { slug, permissions, events, installations_count: installations = 0 } = appSchema.parse(answer.data);
  const sentAt = Date.parse(answer.headers.date ?? '');
  return [
    ok('App', `${slug}, number ${github.appId}`),
    ...checkGrants({ slug, permissions, events }, manifest),
    installations === 0
      ? warning('installations', 'the App is installed nowhere', 'install it: its page, *Install App*')
      : ok('installations', `on ${installations} account${installations === 1 ? '' : 's'}`),
    ...(Number.isNaN(sentAt) ? [] : [compareClocks('GitHub', sentAt, now())]),
    await checkDeliveries(client, now()),
  ];
}

function checkGrants(
  app: Pick<z.output<typeof appSchema>, 'slug' | 'permissions' | 'events'>,
  { default_permissions: wanted, default_events }: AppManifest,
): readonly Finding[] {
  const lacks = Object.entries(wanted).filter(([name, level]) => !isGranted(app.permissions[name], level));
  const unheard = default_events.filter((event) => !app.events.includes(event));
  const where = `on the page of the App \`${app.slug}\`, *Permissions & events*`;
  return [
    lacks.length === 0
      ? ok('permissions', 'all that choo uses')
      : failed(
          'permissions',
          `the App lacks ${lacks.map(([name, level]) => `${name}: ${level}`).join(', ')}`,
          `grant them ${where}; each installation has to accept them`,
        ),
    unheard.length === 0
      ? ok('events', 'all that choo acts on')
      : failed('events', `the App does not subscribe to ${unheard.join(', ')}`, `subscribe ${where}`),
  ];
}

function isGranted(has: string | undefined, wanted: string): boolean {
  return has === 'admin' || has === 'write' || (has === 'read' && wanted === 'read');
}

/** Whether GitHub reached this server: its own list of what it delivered says so. */
async function checkDeliveries(client: ReturnType<GitHubApp['asApp']>, now: number): Promise<Finding> {
  const { attempts } = await listAttempts(client, new Date(now - LOOK_BACK_MS));
  const [newest] = attempts;
  if (newest === undefined)
    return warning(
      'webhook',
      'GitHub delivered nothing in the last day',
      "have it deliver one: the App's page, *Advanced*, *Redeliver*; then call this again",
    );
  const lost = attempts.filter(({ isOk }) => !isOk).length;
  if (newest.isOk)
    return ok(
      'webhook',
      `GitHub's last delivery arrived${lost === 0 ? '' : `; ${lost} in the last day did not`}`,
    );
  return failed(
    'webhook',
    `GitHub's last delivery (${newest.event}, ${newest.sentAt.toISOString()}) was not taken`,
    "see that the webhook's address leads to `/api/github/webhooks` of `choo serve`, through the proxy and its limits, and that WEBHOOK_SECRET is the App's; its page, *Advanced*, has the answers",
  );
}
