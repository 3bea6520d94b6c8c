import { describe, expect, test } from 'vitest';
import { slackBody, webhookBody } from '../../../src/notify/notice.ts';

const HOSTILE = '<!channel> <https://evil.example|click> & *bold*\u202e\n`x`';

describe('a notice for Slack', () => {
  test('says in a line what happened, and where', () => {
    const of = {
      repository: 'team/widgets',
      run: '4k2j9x0q7a',
      url: 'https://git.example/team/widgets/issues/7',
    };
    const text = (body: string): unknown => (JSON.parse(body) as { text: unknown }).text;
    expect(text(slackBody({ type: 'run.ended', data: { ...of, outcome: 'complete' } }))).toBe(
      'choo: run 4k2j9x0q7a of team/widgets has ended: complete.\nhttps://git.example/team/widgets/issues/7',
    );
    const units = [{ unit: 'api', failure: 'judge-changed' }];
    expect(text(slackBody({ type: 'unit.needs_person', data: { ...of, url: null, units, more: 3 } }))).toBe(
      'choo: run 4k2j9x0q7a of team/widgets needs a person: api (judge-changed), 3 more.',
    );
    const budget = {
      of: 'run',
      name: '4k2j9x0q7a',
      what: 'cost',
      used: 83.1,
      limit: 100,
      url: null,
    } as const;
    expect(text(slackBody({ type: 'budget.nearly_used', data: budget }))).toBe(
      'choo: the budget of run 4k2j9x0q7a is used to 83 %: $83.10 of $100.00.',
    );
  });

  test('makes no markup, mention or second line of a hostile name, and stays short', () => {
    const data = { repository: HOSTILE, run: 'x', outcome: 'failed', url: null };
    const body = JSON.parse(slackBody({ type: 'run.ended', data })) as Record<string, unknown>;
    expect(body['mrkdwn']).toBe(false);
    expect(body['text']).toBe(
      'choo: run x of &lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; *bold* `x` has ended: failed.',
    );
    const units = Array.from({ length: 20 }, () => ({ unit: 'u'.repeat(5_000), failure: 'attempts' }));
    const long = slackBody({ type: 'unit.needs_person', data: { ...data, units, more: 0 } });
    expect(long.length).toBeLessThan(6_000);
  });
});

test('a webhook has the form of Standard Webhooks', () => {
  const data = { repository: null, run: 'x', outcome: 'failed', url: null };
  expect(JSON.parse(webhookBody({ type: 'run.ended', data }, new Date(0)))).toEqual({
    type: 'run.ended',
    timestamp: '1970-01-01T00:00:00.000Z',
    data,
  });
});
