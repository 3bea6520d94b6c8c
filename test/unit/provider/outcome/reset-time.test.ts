import { describe, expect, test } from 'vitest';
import { resetTime } from '../../../../src/provider/outcome/reset-time.ts';
import { cpuMs } from '../../../helpers/cpu-time.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

/** When a limit ends, as an ISO date. */
function ends(message: string): string | null {
  const time = resetTime(message, NOW);
  return time === null ? null : new Date(time).toISOString();
}

describe('the end of a limit', () => {
  test.each([
    ['Claude AI usage limit reached|1795348800', '2026-11-22T12:00:00.000Z'],
    ['usage limit reached|1795352400000', '2026-11-22T13:00:00.000Z'],
    ['resets at 2026-11-22T15:30:00Z', '2026-11-22T15:30:00.000Z'],
    ['resets at 2026-11-22T15:30:00.500+01:00, it says', '2026-11-22T14:30:00.500Z'],
    ['retry-after: 30', '2026-11-22T12:00:30.000Z'],
    ['{"retry-after":"30"}', '2026-11-22T12:00:30.000Z'],
    ['Please retry in 3s.', '2026-11-22T12:00:03.000Z'],
    ['Please try again in 1.5s. Visit us', '2026-11-22T12:00:01.500Z'],
    ['try again in 250ms', '2026-11-22T12:00:00.250Z'],
    ['Try again in 3 days 2 hours 5 minutes.', '2026-11-25T14:05:00.000Z'],
    ['try again in 1 hour and 1 minute', '2026-11-22T13:01:00.000Z'],
    ['retry after 2 minutes', '2026-11-22T12:02:00.000Z'],
    ["You've hit your limit · resets 3pm (UTC)", '2026-11-22T15:00:00.000Z'],
    ['5-hour limit reached ∙ resets 3:30pm (Europe/Berlin)', '2026-11-22T14:30:00.000Z'],
    ['resets 3am (America/New_York)', '2026-11-23T08:00:00.000Z'],
    ['resets 12am (UTC)', '2026-11-23T00:00:00.000Z'],
    ['resets 12pm (UTC)', '2026-11-22T12:00:00.000Z'],
    ['resets 11:59am (UTC)', '2026-11-23T11:59:00.000Z'],
    ['resets Nov 25 at 9am (UTC)', '2026-11-25T09:00:00.000Z'],
    ['resets Jan 2, 9am (UTC)', '2027-01-02T09:00:00.000Z'],
    ['Try again at Nov 23rd, 2026 3:45 PM (UTC)', '2026-11-23T15:45:00.000Z'],
    ['resets 16:30 (Asia/Tokyo)', '2026-11-23T07:30:00.000Z'],
    ['resets at 18:05 UTC.', '2026-11-22T18:05:00.000Z'],
    ['resets - 4pm [UTC]', '2026-11-22T16:00:00.000Z'],
    ['limit reached; resets: 4 PM GMT+8', '2026-11-23T08:00:00.000Z'],
    ['resets 9am PST', '2026-11-22T17:00:00.000Z'],
    ['will reset at midnight Pacific time', '2026-11-23T08:00:00.000Z'],
    ['resets tomorrow at 9:15am (UTC)', '2026-11-23T09:15:00.000Z'],
    ['resets on Wednesday at 09:00 (UTC)', '2026-11-25T09:00:00.000Z'],
    ['resets Sun 9am (UTC)', '2026-11-29T09:00:00.000Z'],
    ['resets 24 Nov 2026, 10:00 UTC', '2026-11-24T10:00:00.000Z'],
    ['available again on 2026-11-24 10:00 UTC', '2026-11-24T10:00:00.000Z'],
    ['regain access on 2026-12-01 at 00:00 UTC', '2026-12-01T00:00:00.000Z'],
    ['Retry-After: Tue, 24 Nov 2026 07:28:00 GMT', '2026-11-24T07:28:00.000Z'],
    ['"resets_at":"2026-11-22T15:30:00Z"', '2026-11-22T15:30:00.000Z'],
    ['"resetsAt":1795352400', '2026-11-22T13:00:00.000Z'],
    ['"resets_at": 1795352400000', '2026-11-22T13:00:00.000Z'],
    ['"retryDelay": "34s"', '2026-11-22T12:00:34.000Z'],
    ['wait 2 minutes before the next request', '2026-11-22T12:02:00.000Z'],
    ['Resets in 3 hr 12 min', '2026-11-22T15:12:00.000Z'],
    ['resets in about an hour', '2026-11-22T13:00:00.000Z'],
    ['resets in 1w 2d', '2026-12-01T12:00:00.000Z'],
    ['hit the limit of 5 hours in 2 hours; resets 3pm (UTC)', '2026-11-22T15:00:00.000Z'],
    ['reset at 2026-01-01T00:00:00Z, then again at 3pm (UTC)', '2026-11-22T15:00:00.000Z'],
    ['resets Mar 30, 9am (Europe/Berlin)', '2027-03-30T07:00:00.000Z'],
  ])('is found in %j', (message, expected) => {
    expect(ends(message)).toBe(expected);
  });

  test.each([
    'This request would exceed your rate limit',
    'Try again later.',
    'resets 3pm (Middle/Earth)',
    'resets Foo 3 at 9am (UTC)',
    'retry-after: 99999999',
    'try again in 99999999 days',
    'x|9999999999999',
    'status 429 at 10.0.0.1',
    'retry 3 times, then again after 5 attempts',
    'available at 10.0.0.1:443',
    'again and again',
    'resets in no time',
    'exceeded retry limit, last status: 429 Too Many Requests',
    '',
  ])('is not found in %j', (message) => {
    expect(ends(message)).toBeNull();
  });

  test("is by this machine's clock where no zone is named", () => {
    const local = new Date(NOW);
    local.setHours(local.getHours() + 2, 0, 0, 0);
    const hour = local.getHours();
    const message = `try again at ${hour % 12 === 0 ? 12 : hour % 12}:00 ${hour < 12 ? 'AM' : 'PM'}.`;
    expect(ends(message)).toBe(local.toISOString());
  });

  test('takes no time to look for in a long text', async () => {
    const texts = [
      'in 1 s ',
      'resets ',
      'retry-after',
      '1h and ',
      'again at Nov 1 ',
      'again (',
      'reset in in in ',
      'resets Nov 1, ',
    ].map((piece) => piece.repeat(100_000));
    expect(await cpuMs(() => texts.map((text) => resetTime(text, NOW)))).toBeLessThan(500);
  });
});
