import type { Octokit } from '@octokit/rest';

/** An attempt of GitHub to deliver an event to the App. */
export interface DeliveryAttempt {
  readonly id: number;
  /** Of the event: the same in each attempt. */
  readonly guid: string;
  readonly event: string;
  readonly sentAt: Date;
  /** Whether choo acknowledged it. */
  readonly isOk: boolean;
}

/** Maximum attempts per page, which is GitHub's, and pages of one list. */
const PAGE_SIZE = 100;
const MAX_PAGES = 50;

/** Lists the attempts since a time, newest first, up to a maximum. Throws as the client does. */
export async function listAttempts(
  app: Octokit,
  since: Date,
): Promise<{ readonly attempts: readonly DeliveryAttempt[]; readonly isComplete: boolean }> {
  const attempts: DeliveryAttempt[] = [];
  let pages = 0;
  // By the links of GitHub's answers, which hold its cursor.
  const iterator = app.paginate.iterator('GET /app/hook/deliveries', { per_page: PAGE_SIZE });
  for await (const { data } of iterator) {
    for (const { id, guid, event, delivered_at, status_code } of data) {
      const sentAt = new Date(delivered_at);
      if (sentAt < since) return { attempts, isComplete: true };
      attempts.push({ id, guid, event, sentAt, isOk: status_code >= 200 && status_code < 300 });
    }
    if (++pages === MAX_PAGES) return { attempts, isComplete: false };
  }
  return { attempts, isComplete: true };
}

/** Has GitHub deliver an event again, as it was. Throws as the client does. */
export async function redeliver(app: Octokit, attempt: number): Promise<void> {
  await app.rest.apps.redeliverWebhookDelivery({ delivery_id: attempt });
}
