import { randomUUID } from 'node:crypto';

/** What is worth telling somebody who looks at nothing. Ids and numbers only: no text of a repository or an agent. */
export type Notice =
  /** Units ended without their work done: nothing goes on with them before a person acts. */
  | {
      readonly type: 'unit.needs_person';
      readonly data: RunOf & {
        /** The first ones. */
        readonly units: readonly { readonly unit: string; readonly failure: string }[];
        readonly more: number;
      };
    }
  | { readonly type: 'run.ended'; readonly data: RunOf & { readonly outcome: string } }
  /** A budget is used to at least 80 %. */
  | {
      readonly type: 'budget.nearly_used';
      readonly data: {
        readonly of: 'run' | 'installation' | 'server';
        /** The run, the installation, or the day of the server. */
        readonly name: string;
        readonly what: 'tokens' | 'cost';
        readonly used: number;
        readonly limit: number;
        readonly url: string | null;
      };
    }
  | { readonly type: 'test'; readonly data: { readonly url: null } };

interface RunOf {
  readonly repository: string | null;
  readonly run: string;
  /** Where the run shows; null: nowhere on the web. */
  readonly url: string | null;
}

/** The body of a notice in the form of Standard Webhooks. `at`: when it happened. */
export function webhookBody({ type, data }: Notice, at: Date): string {
  return JSON.stringify({ type, timestamp: at.toISOString(), data });
}

/** The body of a notice for Slack's incoming webhooks: plain text, in which no name is markup, a link or a mention. */
export function slackBody(notice: Notice): string {
  const { url } = notice.data;
  const text = textOf(notice) + (url === null ? '' : `\n${url}`);
  return JSON.stringify({ text: escapeSlack(text), mrkdwn: false, unfurl_links: false });
}

function textOf(notice: Notice): string {
  switch (notice.type) {
    case 'run.ended': {
      const { run, repository, outcome } = notice.data;
      return `choo: run ${name(run)} of ${name(repository)} has ended: ${name(outcome)}.`;
    }
    case 'unit.needs_person': {
      const { run, repository, units, more } = notice.data;
      const names = units.map(({ unit, failure }) => `${name(unit)} (${name(failure)})`);
      if (more > 0) names.push(`${more} more`);
      return `choo: run ${name(run)} of ${name(repository)} needs a person: ${names.join(', ')}.`;
    }
    case 'budget.nearly_used': {
      const { of, what, used, limit } = notice.data;
      const show = (amount: number): string =>
        what === 'cost' ? `$${amount.toFixed(2)}` : `${Math.round(amount).toLocaleString('en-US')} tokens`;
      const whose =
        of === 'server' ? `the server on ${name(notice.data.name)}` : `${of} ${name(notice.data.name)}`;
      return `choo: the budget of ${whose} is used to ${Math.floor((100 * used) / limit)} %: ${show(used)} of ${show(limit)}.`;
    }
    case 'test':
      break;
  }
  return 'choo: this is a test. Notices come here.';
}

/** A longer name is cut. Characters. */
const MAX_NAME = 200;

/** A name as one line of plain text. */
function name(text: string | null): string {
  return (text ?? 'a repository here').replaceAll(/[\p{C}\p{Z}]+/gu, ' ').slice(0, MAX_NAME);
}

/** Slack reads markup, links and mentions between angle brackets. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A new id of a notice. It stays the same over retries. */
export function newNoticeId(): string {
  return `msg_${randomUUID().replaceAll('-', '')}`;
}
