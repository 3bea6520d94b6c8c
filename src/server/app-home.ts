import type { AppSettings } from '../app/receiver.ts';
import { DASHBOARD_PATH } from '../github/api/oauth.ts';
import type { Database } from '../store/database/database.ts';
import { findAppBot } from '../store/github/app-bot.ts';
import { openHome } from '../web/home.ts';
import type { Pages } from '../web/server.ts';

/** The home of this server's App. `publicUrl`: where browsers reach the server. */
export function openAppHome(
  { appId, origin }: Pick<AppSettings, 'appId' | 'origin'>,
  database: Database,
  { publicUrl, hasDashboard }: { readonly publicUrl: string | undefined; readonly hasDashboard: boolean },
): Pages {
  return openHome({
    name: publicUrl === undefined ? '' : new URL(publicUrl).host,
    dashboard: hasDashboard ? DASHBOARD_PATH : undefined,
    appUrl: async () => {
      const bot = await findAppBot(database, appId);
      const [, slug] = /^([A-Za-z0-9_-]+)\[bot\]$/.exec(bot?.login ?? '') ?? [];
      const place = origin === 'https://github.com' ? 'apps' : 'github-apps';
      return slug === undefined ? undefined : `${origin}/${place}/${slug}`;
    },
  });
}
