import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import type { Database } from '../../store/database/database.ts';
import type { Listener } from '../../store/database/notifications.ts';
import { deleteRemovedRepositories } from '../../store/github/github-repositories.ts';
import { deleteOld, reconcile, withMaintenanceLock } from '../../store/queue/reconcile.ts';
import type { Jobs } from '../../store/runs/jobs.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import type { ServerContexts } from './server-context.ts';

/** How often rows are compared with jobs, and how often what is old goes. Milliseconds. */
const RECONCILE_MS = 30_000;
const HOURLY_MS = 3_600_000;
/** What is kept of a repository that choo was taken off goes after so long: somebody may have slipped. */
const REMOVED_RETENTION_HOURS = 12;

interface Services {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly runStore: RunStore;
  readonly contexts: ServerContexts;
  readonly listener: Listener;
}

/** What has to be done now and then, whoever asks for it: of all processes one does what concerns the database. */
export class Maintenance implements AsyncDisposable {
  readonly #services: Services;
  readonly #retentionDays: number;
  readonly #log: (found: object, message: string) => void;
  readonly #ending = new AbortController();
  readonly #life: Promise<void>;

  /** `log` is told of what was found and done; of nothing, nothing. */
  constructor(services: Services, retentionDays: number, log: (found: object, message: string) => void) {
    this.#services = services;
    this.#retentionDays = retentionDays;
    this.#log = log;
    services.listener.subscribe(({ about }) => {
      if (about === 'gone') void this.#removeGone().catch(() => {}); // the next round tries again, and tells
    }, this.#ending.signal);
    this.#life = this.#live();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#life;
    await this.#services.contexts.remotes.removeLeftovers().catch(() => []); // the next one to start finds them, too
  }

  async #live(): Promise<void> {
    const { signal } = this.#ending;
    for (let lastHourly = 0; !signal.aborted;) {
      const hourly = Date.now() - lastHourly > HOURLY_MS;
      if (hourly) lastHourly = Date.now();
      try {
        await this.#round(hourly);
      } catch (error) {
        this.#log({ reason: messageOf(error) }, 'housekeeping failed');
      }
      await wait(RECONCILE_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #round(hourly: boolean): Promise<void> {
    const { database, jobs, runStore, contexts } = this.#services;
    await withMaintenanceLock(database, async () => {
      const found = await reconcile(database, jobs, runStore);
      const { queuesLeft, ...faults } = found;
      if (Object.values(faults).some((count) => count > 0)) this.#log(found, 'rows and jobs did not agree');
      if (!hourly) return;
      const runs = await deleteOld(database, this.#retentionDays);
      if (runs > 0) this.#log({ runs, queuesLeft }, 'old runs were deleted');
      const lost = await deleteRemovedRepositories(database, REMOVED_RETENTION_HOURS);
      if (lost.length > 0)
        this.#log({ remotes: lost }, 'repositories that choo was taken off were forgotten');
    });
    const removed = await contexts.remotes.removeLeftovers();
    if (removed.length > 0) this.#log({ worktrees: removed }, 'worktrees of dead claims were removed');
    await this.#removeGone();
    if (hourly) await contexts.remotes.pack();
  }

  async #removeGone(): Promise<void> {
    const copies = await this.#services.contexts.remotes.removeGone();
    if (copies.length > 0) this.#log({ copies }, 'copies of repositories that are gone were removed');
  }
}
