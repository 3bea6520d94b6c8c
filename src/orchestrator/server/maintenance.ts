import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { pruneAudit } from '../../store/audit/chain.ts';
import type { Database } from '../../store/database/database.ts';
import type { Listener } from '../../store/database/notifications.ts';
import { deleteRemovedRepositories } from '../../store/github/github-repositories.ts';
import { beginWaitingRuns, deleteOld, withMaintenanceLock } from '../../store/queue/maintenance.ts';
import type { RunStore } from '../../store/runs/run-store.ts';
import type { ServerContexts } from './server-context.ts';

/** Intervals of looking for runs that wait for nothing, and of deleting old data. Milliseconds. */
const ROUND_MS = 30_000;
const HOURLY_MS = 3_600_000;
/** How long a removed repository's data is retained, in case it was removed by mistake. */
const REMOVED_RETENTION_HOURS = 12;

interface Services {
  readonly database: Database;
  readonly runStore: RunStore;
  readonly contexts: ServerContexts;
  readonly listener: Listener;
}

/** How long what is over stays. Days. */
interface RetentionDays {
  readonly runs: number;
  readonly audit: number;
}

/** Periodic work of a server process. Only one process at a time does the part that concerns the database. */
export class Maintenance implements AsyncDisposable {
  readonly #services: Services;
  readonly #days: RetentionDays;
  readonly #log: (found: object, message: string) => void;
  readonly #ending = new AbortController();
  readonly #life: Promise<void>;

  /** `log` is called when something was found or done. */
  constructor(services: Services, days: RetentionDays, log: (found: object, message: string) => void) {
    this.#services = services;
    this.#days = days;
    this.#log = log;
    services.listener.subscribe(({ about }) => {
      if (about === 'gone') void this.#removeGone().catch(() => {}); // the next round tries again and logs
    }, this.#ending.signal);
    this.#life = this.#live();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#life;
    await this.#services.contexts.remotes.removeLeftovers().catch(() => []); // the next process to start removes them
  }

  async #live(): Promise<void> {
    const { signal } = this.#ending;
    for (let lastHourly = 0; !signal.aborted;) {
      const hourly = Date.now() - lastHourly > HOURLY_MS;
      if (hourly) lastHourly = Date.now();
      try {
        await this.#round(hourly);
      } catch (error) {
        this.#log({ reason: messageOf(error) }, 'maintenance failed');
      }
      await wait(ROUND_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #round(hourly: boolean): Promise<void> {
    const { database, runStore, contexts } = this.#services;
    await withMaintenanceLock(database, async () => {
      const runsWaiting = await beginWaitingRuns(database, runStore);
      if (runsWaiting > 0) this.#log({ runsWaiting }, 'began runs that waited for nothing');
      if (!hourly) return;
      const runs = await deleteOld(database, this.#days.runs);
      if (runs > 0) this.#log({ runs }, 'deleted old runs');
      const entries = await pruneAudit(database, new Date(Date.now() - this.#days.audit * 24 * HOURLY_MS));
      if (entries > 0) this.#log({ entries }, 'pruned the audit');
      const lost = await deleteRemovedRepositories(database, REMOVED_RETENTION_HOURS);
      if (lost.length > 0) this.#log({ remotes: lost }, 'deleted the data of removed repositories');
    });
    const removed = await contexts.remotes.removeLeftovers();
    if (removed.length > 0) this.#log({ worktrees: removed }, 'removed worktrees of dead claims');
    await this.#removeGone();
    if (hourly) await contexts.remotes.pack(this.#days.runs);
  }

  async #removeGone(): Promise<void> {
    const copies = await this.#services.contexts.remotes.removeGone();
    if (copies.length > 0) this.#log({ copies }, 'removed copies of deleted repositories');
  }
}
