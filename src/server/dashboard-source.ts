import { hostname } from 'node:os';
import { cancelRun, retryRun, skipUnits } from '../store/runs/change-run.ts';
import { findTail, type OutputPart as StoredPart, readOutputPart } from '../store/runs/output.ts';
import { PostgresStore } from '../store/runs/postgres.ts';
import type { Settings } from '../config/settings.ts';
import { openServerStore, type ServerStore } from '../store/server-store.ts';
import type { Logger } from 'pino';
import type { DashboardSource, OutputPart } from '../web/dashboard/source.ts';
import { openRepositorySource } from './repository-source.ts';
import { openServerSource } from './server-source.ts';

/** Without a notice, output is looked at so often. Milliseconds. */
const POLL_MS = 5_000;

/** Database connections of a dashboard, beside those of the process that serves it. */
const CONNECTIONS = 4;

/** More than the last pieces of a unit have: each is a megabyte at most. Characters. */
const MAX_TAIL = 4 * 1024 * 1024;

/** Opens the store that a dashboard reads. */
export async function openDashboardStore(settings: Settings, log: Logger): Promise<ServerStore> {
  return openServerStore({
    url: settings.DATABASE_URL,
    dataDirectory: settings.CHOO_DATA_DIR,
    name: 'choo dashboard',
    size: CONNECTIONS,
    tables: 'require',
    onError: (error) => log.warn({ reason: error.message }, 'lost a database connection'),
  });
}

/** The runs of a server, for the dashboard. `holder`: who a change is by that nobody signed for. */
export function openServerDashboard(
  { database, listener, runStore }: ServerStore,
  holder: string,
): DashboardSource {
  return {
    name: hostname(),
    store: new PostgresStore(database, listener, null),
    isAlive: async () => true, // while there is a worker, or once there is one again
    readOutput: async (of, after, length) =>
      joined(await readOutputPart(database, of, { after, length }), false),
    tailOutput: async (of, length) => {
      const after = await findTail(database, of, length);
      const all = joined(await readOutputPart(database, of, { after, length: MAX_TAIL }), after > 0);
      if (all === undefined) return undefined;
      const text = lastOf(all.text, length);
      return { ...all, text, isCut: all.isCut || text !== all.text };
    },
    followOutput: async ({ run, unit }, onGrowth, signal) => {
      const timer = setInterval(onGrowth, POLL_MS);
      listener.subscribe((notice) => {
        const isOwn = notice.about === 'output' && notice.run === run && notice.unit === unit;
        if (isOwn || notice.about === 'connected') onGrowth();
      }, signal);
      const ended = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => ended.resolve(), { once: true });
      if (!signal.aborted) await ended.promise;
      clearInterval(timer);
    },
    readPatch: undefined, // the copies of repositories are the workers'
    change: async ({ kind, run, units, actor = holder }) => {
      const request = { run, units, actor };
      if (kind === 'cancel') await cancelRun(runStore, request);
      else if (kind === 'skip') await skipUnits(runStore, request);
      else await retryRun(runStore, request);
    },
    changesRuns: true,
    repositories: openRepositorySource(database),
    server: openServerSource(database, holder),
  };
}

function joined(part: StoredPart | undefined, isCut: boolean): OutputPart | undefined {
  if (part === undefined) return undefined;
  const texts = part.pieces.map(({ missing, text }) =>
    missing > 0 ? `… ${missing} characters are not kept\n${text}` : text,
  );
  return { text: texts.join(''), cursor: part.cursor, isCut };
}

/** The end of a text, from the beginning of a line where it has more than one. */
function lastOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const from = text.length - length;
  const line = text.indexOf('\n', from);
  return text.slice(line === -1 || line === text.length - 1 ? from : line + 1);
}
