import { describe, expect, test } from 'vitest';
import { openAgentWorld, print } from '../../helpers/agent-world.ts';

const DONE = { type: 'result', subtype: 'success', is_error: false, result: 'Done', total_cost_usd: 0.5 };
const failed = (result: string) => ({ type: 'result', subtype: 'success', is_error: true, result });
/** The first start says one thing, each later one another. */
const first = (one: string, later: string): string =>
  `if [ -e met ]; then ${later}; exit 0; fi; touch met; ${one}; exit 1`;
const QUICK = { firstMs: 5, outageMs: 100, totalMs: 10_000 };

describe('an attempt', () => {
  test.each([
    ["You've hit your limit · resets 4pm (Asia/Kuala_Lumpur)", 'rate-limited'],
    [
      'API Error: 500 {"type":"error","error":{"type":"api_error","message":"Internal server error"}}',
      'overloaded',
    ],
    ['API Error: Unable to connect to API (ECONNRESET)', 'overloaded'],
  ])('that meets %j waits and is made once', async (said, reason) => {
    const text = said.replace('4pm (Asia/Kuala_Lumpur)', 'in 20 ms');
    const script = first(print(failed(text)), print(DONE));
    await using world = await openAgentWorld('claude', script, { patience: QUICK });
    expect(await world.attempt()).toMatchObject({ outcome: { kind: 'finished' } });
    expect(world.of('task.provider.waiting')).toMatchObject([{ reason }]);
    expect(world.of('task.provider.invoke').map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  test('waits for an outage longer and longer, and not for ever', async () => {
    await using world = await openAgentWorld('claude', print(failed('API Error: 503')), { patience: QUICK });
    await expect(world.attempt()).rejects.toMatchObject({
      end: { kind: 'failed', failure: 'waiting', message: expect.stringContaining('API Error: 503') },
    });
    const waits = world.of('task.provider.waiting');
    expect(waits.length).toBeGreaterThan(3); // 5, 5, 10, 20, 40 of the 100
    expect(waits.length).toBeLessThan(7);
  });

  test('does not wait for a limit that ends after its patience, and says when it does', async () => {
    const limit = {
      type: 'rate_limit_event',
      rate_limit_info: { status: 'rejected', resetsAt: 4_000_000_000 },
    };
    const script = print(limit, { ...failed('no'), api_error_status: 429 });
    await using world = await openAgentWorld('claude', script);
    await expect(world.attempt()).rejects.toMatchObject({
      end: { failure: 'waiting', hint: 'run again after 2096-10-02T07:06:40.000Z' },
    });
    expect(world.of('task.provider.waiting')).toEqual([]);
  });

  test.each([
    ['Credit balance is too low', 'not-authenticated', /credit/],
    ['API Error: 401 OAuth token has expired', 'not-authenticated', /ANTHROPIC_API_KEY/],
    ["There's an issue with the selected model (x). It may not exist", 'environment', /\.claude\.model/],
    ['Unable to connect to API: Self-signed certificate detected', 'environment', /certificate/],
  ])('that meets %j ends the unit and says what to mend', async (said, failure, cure) => {
    await using world = await openAgentWorld('claude', print(failed(said)));
    await expect(world.attempt()).rejects.toMatchObject({
      end: { kind: 'failed', failure, message: said, hint: expect.stringMatching(cure) },
    });
    expect(world.of('task.provider.invoke')).toHaveLength(1);
  });
});
