import type { Logger } from 'pino';
import { slackBody, webhookBody } from '../notify/notice.ts';
import { type Endpoint, send } from '../notify/send.ts';
import type { Listener } from '../store/database/notifications.ts';
import type { DueNotice, NoticeQueue } from '../store/notices/notice-queue.ts';
import { WorkLoop } from '../store/queue/work-loop.ts';

/** Tells the notices of one endpoint, one after the other, until it is disposed of. */
export function startNotifier(
  endpoint: Endpoint,
  {
    queue,
    listener,
    log,
  }: { readonly queue: NoticeQueue; readonly listener: Listener; readonly log: Logger },
): AsyncDisposable {
  const { channel } = endpoint;
  const tell = async ({ id, notice, at, tries }: DueNotice) => {
    const body = channel === 'slack' ? slackBody(notice) : webhookBody(notice, at);
    const sent = await send(endpoint, { id, body });
    const reason = sent.kind === 'failed' ? sent.reason : undefined;
    const facts = { notice: id, channel, type: notice.type, outcome: sent.kind, tries: tries + 1, reason };
    log[sent.kind === 'taken' ? 'info' : 'warn'](facts, 'notice sent');
    return sent;
  };
  return new WorkLoop({
    listener,
    about: [],
    width: 1,
    act: async () => (await queue.tellNext(endpoint, tell)) !== undefined,
    onError: (error) => log.error({ reason: String(error) }, 'failed to read notices'),
  });
}
