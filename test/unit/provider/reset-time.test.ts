import { describe, expect, test } from 'vitest';
import { resetTime } from '../../../src/provider/reset-time.ts';

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

  test('takes no time to look for in a long text', () => {
    const start = performance.now();
    for (const piece of ['in 1 s ', 'resets ', 'retry-after', '1h and ', 'again at Nov 1 ']) {
      resetTime(piece.repeat(1_000_000), NOW);
    }
    expect(performance.now() - start).toBeLessThan(500);
  });
});
