import type { Logger } from 'pino';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { type DeliveryAttempt, listAttempts, redeliver } from '../../github/api/app-deliveries.ts';
import { isHandled } from '../../github/api/delivery.ts';
import {
  beginSearch,
  endSearch,
  saveRedelivery,
  unknownDeliveries,
} from '../../store/github/lost-deliveries.ts';
import type { HandlerServices } from '../repository/open-repository.ts';

/** What a search needs. */
type Services = Pick<HandlerServices, 'database' | 'github' | 'redact'> & { readonly log: Logger };

/** Intervals of searches; the first one after a start waits for less. Milliseconds. */
const INTERVAL_MS = 3_600_000;
const START_INTERVAL_MS = 60_000;
/** GitHub keeps deliveries for three days. Milliseconds. */
const MAX_AGE_MS = 3 * 86_400_000;
/** Searches overlap by this: an attempt is listed some time after it began. Milliseconds. */
const OVERLAP_MS = 600_000;
/** Maximum deliveries that one search asks for, and the pause between two requests. */
const MAX_REDELIVERIES = 500;
const PAUSE_MS = 200;

/**
 * Finds the deliveries that never came, because choo was down or could not store them, and has GitHub send each again, once: at
 * start and then hourly, in one process of all that share the database. Failures are logged, and the next search repeats it.
 */
export class LostDeliveries implements AsyncDisposable {
  readonly #services: Services;
  readonly #ending = new AbortController();
  readonly #life: Promise<void>;

  constructor(services: Services) {
    this.#services = services;
    this.#life = this.#live();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#life;
  }

  async #live(): Promise<void> {
    const { log, redact } = this.#services;
    const { signal } = this.#ending;
    for (let interval = START_INTERVAL_MS; !signal.aborted;) {
      try {
        if (await searchLostDeliveries(this.#services, { intervalMs: interval, signal }))
          interval = INTERVAL_MS;
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ reason: redact(messageOf(error)) }, 'failed to search for lost deliveries');
      }
      await wait(interval, undefined, { signal }).catch(() => {});
    }
  }
}

/**
 * Searches once. False: a process searched less than `intervalMs` ago. Throws when GitHub or the database does not answer.
 *
 * @internal
 */
export async function searchLostDeliveries(
  { database, github, log }: Services,
  { intervalMs, signal }: { readonly intervalMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const began = new Date();
  const last = await beginSearch(database, github.appId, intervalMs);
  if (last === undefined) return false;
  const oldest = began.getTime() - MAX_AGE_MS;
  const since = new Date(Math.max(oldest, (last.completeTo?.getTime() ?? 0) - OVERLAP_MS));
  const app = github.asApp(signal);
  const { attempts, isComplete } = await listAttempts(app, since);
  const failed = firstFailures(attempts);
  const unknown = await unknownDeliveries(database, [...failed.keys()]);
  const lost = [...failed.values()].filter(({ guid }) => unknown.has(guid));
  for (const { id, guid, sentAt } of lost.slice(0, MAX_REDELIVERIES)) {
    signal.throwIfAborted();
    await saveRedelivery(database, guid, sentAt);
    await redeliver(app, id);
    await wait(PAUSE_MS, undefined, { signal });
  }
  const left = Math.max(0, lost.length - MAX_REDELIVERIES);
  if (left === 0) await endSearch(database, github.appId, began);
  if (lost.length > 0 || !isComplete)
    log.info({ since, asked: lost.length - left, left, isComplete }, 'asked GitHub for lost deliveries');
  return true;
}

/** The events that choo handles and that no attempt delivered, oldest first: for each its first attempt, by guid. Pure. */
function firstFailures(attempts: readonly DeliveryAttempt[]): ReadonlyMap<string, DeliveryAttempt> {
  const delivered = new Set(attempts.filter(({ isOk }) => isOk).map(({ guid }) => guid));
  const first = new Map<string, DeliveryAttempt>();
  for (const attempt of attempts.toReversed())
    if (!delivered.has(attempt.guid) && isHandled(attempt.event) && !first.has(attempt.guid))
      first.set(attempt.guid, attempt);
  return first;
}
