import { cut } from './stream.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The first letters of a unit decide, `ms` aside. */
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^m(?:s|illi)/i, 1],
  [/^s/i, SECOND],
  [/^m/i, MINUTE],
  [/^h/i, HOUR],
  [/^d/i, DAY],
];

/** `|1712345678`: seconds, or milliseconds with three digits more. */
const UNIX = /\|(\d{10}|\d{13})(?!\d)/;
const ISO = /\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)/;
/** `retry-after: 30`: seconds. */
const RETRY_AFTER = /retry.?after["':=\s]{1,4}(\d{1,8})\b(?! ?[a-z])/i;
/** `in 1.5s`, `after 2 hours 5 minutes`. */
const DELAY =
  /\b(?:in|after)\s((?:about\s)?(?:\d{1,8}(?:\.\d{1,6})?\s?(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b[\s,]*(?:and\s)?)+)/i;
const DELAY_PART = /(\d+(?:\.\d+)?)\s?([a-z]+)/gi;
/** `resets 3pm (Europe/Berlin)`, `try again at Nov 23rd, 2026 3:45 PM`. */
const CLOCK =
  /\b(?:resets?|again)(?:\s(?:at|on))?\s(?:([A-Z][a-z]{2})[a-z]*\.?\s(\d{1,2})(?:st|nd|rd|th)?,?\s(?:(\d{4}),?\s)?(?:at\s)?)?(\d{1,2})(?::(\d\d))?\s?([ap])m\b(?:\s\(([A-Za-z_]+(?:\/[A-Za-z_+-]+)*)\))?/i;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Nobody means a limit that lasts longer. */
const LONGEST = 400 * DAY;

/** When a limit ends, from a provider's words; null when they do not say it. Milliseconds since 1970, as is `now`. */
export function resetTime(message: string, now: number): number | null {
  const time = findTime(cut(message), now);
  return time === null || time > now + LONGEST ? null : time;
}

function findTime(text: string, now: number): number | null {
  const unix = UNIX.exec(text)?.[1];
  if (unix !== undefined) return Number(unix) * (unix.length === 10 ? SECOND : 1);
  const iso = Date.parse(ISO.exec(text)?.[0] ?? '');
  if (!Number.isNaN(iso)) return iso;
  const seconds = RETRY_AFTER.exec(text)?.[1];
  if (seconds !== undefined) return now + Number(seconds) * SECOND;
  const delay = DELAY.exec(text)?.[1];
  if (delay !== undefined) return now + duration(delay);
  const clock = CLOCK.exec(text);
  return clock === null ? null : clockTime(clock, now);
}

function duration(text: string): number {
  let total = 0;
  for (const [, amount, unit = ''] of text.matchAll(DELAY_PART)) {
    total += Number(amount) * (UNITS.find(([pattern]) => pattern.test(unit))?.[1] ?? 0);
  }
  return Math.round(total);
}

/** The next time that a wall clock shows this; without a zone, this machine's. */
function clockTime(match: RegExpExecArray, now: number): number | null {
  const [, monthName, day, year, hour, minute, half, zone] = match;
  const month = MONTHS.indexOf((monthName ?? '').toLowerCase());
  if (monthName !== undefined && month < 0) return null;
  const offset = zoneOffset(zone, now);
  if (offset === undefined) return null;
  const here = new Date(now + offset); // read with the UTC getters: the wall clock there
  const hours = (Number(hour) % 12) + (half?.toLowerCase() === 'p' ? 12 : 0);
  const wall = Date.UTC(
    year === undefined ? here.getUTCFullYear() : Number(year),
    month < 0 ? here.getUTCMonth() : month,
    day === undefined ? here.getUTCDate() : Number(day),
    hours,
    Number(minute ?? 0),
  );
  const time = wall - offset;
  if (time > now || year !== undefined) return time;
  // A minute ago is now; anything older means the next day, or the next year.
  if (now - time < MINUTE) return time;
  return month < 0
    ? time + DAY
    : Date.UTC(here.getUTCFullYear() + 1, month, Number(day), hours, Number(minute ?? 0)) - offset;
}

/** How far the zone's clocks are ahead of UTC at that moment, in milliseconds; undefined for a zone there is not. */
function zoneOffset(zone: string | undefined, at: number): number | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      ...(zone === undefined ? {} : { timeZone: zone }),
      timeZoneName: 'longOffset',
    });
    const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
    return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * HOUR + Number(minutes ?? 0) * MINUTE);
  } catch {
    return undefined;
  }
}
