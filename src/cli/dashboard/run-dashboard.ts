import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { RepositoryPaths } from '../../git/repository.ts';
import { askOwner } from '../../orchestrator/local/ask-owner.ts';
import { openDashboard } from '../../web/dashboard/dashboard.ts';
import { loopbackHosts } from '../../web/dashboard/defence.ts';
import { serveWeb } from '../../web/server.ts';
import type { CommandContext } from '../context.ts';
import { openJournalDashboard } from './journal-dashboard.ts';
import { terminalActor } from '../sources/server-store.ts';
/** The dashboard of a run in this process. Disposing sends its pages the end of the run, and closes it. */
export interface RunDashboard extends AsyncDisposable {
  /** Its address, which only who started the run knows. */
  readonly url: string;
}

/**
 * Serves the runs of a repository to the browser of who started one, on this machine only: another user of it, and a page of
 * another site, lack the secret in the address. Throws a ChooError or an error of the system when it cannot listen.
 */
export async function openRunDashboard(
  { terminal }: Pick<CommandContext, 'terminal'>,
  {
    place,
    directory,
    searchPath,
    port,
  }: { place: RepositoryPaths; directory: string; searchPath: string; port: number },
): Promise<RunDashboard> {
  const { commonDirectory } = place;
  const base = `/t/${randomBytes(16).toString('base64url')}`;
  let hosts = loopbackHosts(port);
  const dashboard = openDashboard({
    base,
    hosts: () => hosts,
    source: openJournalDashboard({
      name: basename(directory),
      place,
      searchPath,
      change: async ({ kind, run, units }) => {
        const request = { kind, units: [...units], actor: terminalActor(), fresh: false, from: null };
        await askOwner({ commonDirectory, run }, request);
      },
    }),
    onError: (error) => terminal.notice(`dashboard: ${messageOf(error)}\n`),
  });
  const server = await serveWeb(
    { host: '127.0.0.1', port },
    { readiness: async () => ({ ready: true }), receiver: undefined, pages: [dashboard] },
  );
  hosts = loopbackHosts(server.port);
  return {
    url: `http://127.0.0.1:${server.port}${base}/`,
    [Symbol.asyncDispose]: async () => {
      dashboard[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
