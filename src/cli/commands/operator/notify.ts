import { Command } from 'commander';
import { endpointsOf, requireNotifySecret } from '../../../notify/settings.ts';
import { readSettings } from '../../../config/settings.ts';
import { ChooError } from '../../../errors.ts';
import { newNoticeId, slackBody, webhookBody } from '../../../notify/notice.ts';
import { send } from '../../../notify/send.ts';
import type { CommandContext } from '../../context.ts';

/** `choo notify`: the notices that a server sends. */
export function notifyCommand({ terminal, finish }: CommandContext): Command {
  const notify = new Command('notify')
    .summary('try where a server sends its notices')
    .description(
      'CHOO_NOTIFY_URL, CHOO_NOTIFY_SECRET and CHOO_NOTIFY_SLACK name where a server tells of runs that ended or need a person, and of budgets that are nearly used.',
    );
  notify
    .command('test')
    .summary('send a test notice to each address, once')
    .addHelpText('after', '\nExit status: 0 each address took it, 1 one did not, or none is set.')
    .action(async () => {
      const settings = readSettings();
      requireNotifySecret(settings);
      const endpoints = endpointsOf(settings);
      if (endpoints.length === 0)
        throw new ChooError('environment', 'no address for notices is set', {
          hint: 'set CHOO_NOTIFY_URL with CHOO_NOTIFY_SECRET, or CHOO_NOTIFY_SLACK',
        });
      const notice = { type: 'test', data: { url: null } } as const;
      let failed = false;
      for (const endpoint of endpoints) {
        const body = endpoint.channel === 'slack' ? slackBody(notice) : webhookBody(notice, new Date());
        const sent = await send(endpoint, { id: newNoticeId(), body });
        failed ||= sent.kind !== 'taken';
        const said =
          sent.kind === 'failed' ? sent.reason : sent.kind === 'gone' ? 'it answered 410' : 'taken';
        terminal.out(`${endpoint.channel}: ${said}\n`);
      }
      finish(failed ? 1 : 0);
    });
  return notify;
}
