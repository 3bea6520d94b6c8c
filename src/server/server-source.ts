import { randomUUID } from 'node:crypto';
import { ChooError } from '../errors.ts';
import { appendEntries } from '../store/audit/chain.ts';
import type { Database } from '../store/database/database.ts';
import { OPERATOR_VIEWS, type OperatorViewName, readOperatorView } from '../store/database/operator-views.ts';
import { handleAgain } from '../store/github/deliveries.ts';
import { ROWS_SHOWN } from '../web/dashboard/pages/server-page.ts';
import type { ServerSource } from '../web/dashboard/source.ts';

const NAMES = Object.keys(OPERATOR_VIEWS) as OperatorViewName[];

/** A server, for the page of its operators. `holder`: who asks that did not sign in. */
export function openServerSource(database: Database, holder: string): ServerSource {
  return {
    views: async () =>
      Promise.all(
        NAMES.map(async (name) => {
          const { summary } = OPERATOR_VIEWS[name];
          return { name, summary, rows: await readOperatorView(database, name, ROWS_SHOWN + 1) };
        }),
      ),
    handleAgain: async (delivery, actor = holder) =>
      database.transaction().execute(async (trx) => {
        const event = await handleAgain(trx, delivery);
        if (event === undefined)
          throw new ChooError('usage', 'there is no such delivery that waits or was given up');
        const entry = { what: 'delivery handled again', facts: { actor, delivery, event } };
        await appendEntries(trx, [{ source: `again ${randomUUID()}`, ...entry }]);
      }),
  };
}
