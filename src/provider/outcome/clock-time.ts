const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The parts of a date and a time in a text; undefined where the text omits them. */
export interface ClockTime {
  readonly year: number | undefined;
  /** 0 to 11. */
  readonly month: number | undefined;
  readonly day: number | undefined;
  /** 0 to 6, from Sunday. */
  readonly weekday: number | undefined;
  /** `tomorrow`. */
  readonly tomorrow: boolean;
  readonly hour: number;
  readonly minute: number;
  /** A name that `Intl` knows, or `+HH:MM`; undefined for this machine's zone. */
  readonly zone: string | undefined;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const GAP = /^(?:[\s,]|at\b|on\b){1,6}/i;
const ISO_DATE = /^(\d{4})-(\d\d)-(\d\d)(?!\d)/;
/** `Nov 23rd, 2026`, `July 3`. */
const MONTH_DAY = /^([a-z]{3})[a-z]{0,6}\.?\s(\d{1,2})(?:st|nd|rd|th)?(?![\d:])(?:,?\s(\d{4})(?!\d))?/i;
/** `21 Oct 2026`. */
const DAY_MONTH = /^(\d{1,2})(?:st|nd|rd|th)?\s([a-z]{3})[a-z]{0,6}\.?(?:,?\s(\d{4})(?!\d))?/i;
const WEEKDAY = /^(sun|mon|tue|wed|thu|fri|sat)[a-z]{0,6}\b/i;
const NEAR_DAY = /^(today|tomorrow)\b/i;
const TIME =
  /^(?:(\d{1,2}):(\d\d)(?::\d\d)?(?:\s?([ap])\.?m\b)?|(\d{1,2})\s?([ap])\.?m\b|(midnight|noon)\b)/i;
/** `(Asia/Kuala_Lumpur)`, `UTC`, `GMT+8`, `-03:00`, `PST`, `Pacific time`. */
const ZONE =
  /^\.?\s?[([]?(?:((?:UTC|GMT)?[+-]\d{1,2}(?::?\d\d)?)|([a-z][a-z_]{1,30}(?:\/[a-z_+-]{1,30}\d{0,2}){1,2})|([a-z]{1,8})(?![a-z]))/i;

/** Time zones by their abbreviations. */
const NAMED_ZONES: Readonly<Record<string, string>> = {
  z: 'UTC',
  utc: 'UTC',
  gmt: 'UTC',
  pt: 'America/Los_Angeles',
  pst: 'America/Los_Angeles',
  pdt: 'America/Los_Angeles',
  pacific: 'America/Los_Angeles',
  mt: 'America/Denver',
  mst: 'America/Denver',
  mdt: 'America/Denver',
  ct: 'America/Chicago',
  cst: 'America/Chicago',
  cdt: 'America/Chicago',
  et: 'America/New_York',
  est: 'America/New_York',
  edt: 'America/New_York',
  eastern: 'America/New_York',
  bst: 'Europe/London',
  cet: 'Europe/Berlin',
  cest: 'Europe/Berlin',
  eet: 'Europe/Athens',
  eest: 'Europe/Athens',
  ist: 'Asia/Kolkata',
  jst: 'Asia/Tokyo',
  kst: 'Asia/Seoul',
  sgt: 'Asia/Singapore',
  aest: 'Australia/Sydney',
  aedt: 'Australia/Sydney',
};

/** Reads the time of day, the day, or both at the start of a text; undefined when there is neither. */
export function readClock(text: string): ClockTime | undefined {
  let rest = text;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const match = pattern.exec(rest);
    if (match !== null) rest = rest.slice(match[0].length).replace(GAP, '');
    return match;
  };
  const early = take(TIME); // `9am on Monday`
  const earlyZone = early === null ? undefined : takeZone();
  const near = take(NEAR_DAY)?.[1]?.toLowerCase();
  const weekday = take(WEEKDAY)?.[1]?.toLowerCase();
  const date = readDate(take);
  if (date === undefined) return undefined;
  const late = early === null ? take(TIME) : null;
  const time = early ?? late;
  if (time === null && near === undefined && weekday === undefined && date.day === undefined)
    return undefined;
  return {
    ...date,
    weekday: weekday === undefined || date.day !== undefined ? undefined : DAYS.indexOf(weekday),
    tomorrow: near === 'tomorrow',
    ...timeOfDay(time),
    zone: earlyZone ?? (time === null ? undefined : takeZone()),
  };

  function takeZone(): string | undefined {
    const [found = '', offset, place, letters = ''] = ZONE.exec(rest) ?? [];
    const zone = offset ?? place ?? NAMED_ZONES[letters.toLowerCase()];
    if (zone !== undefined)
      rest = rest
        .slice(found.length)
        .replace(/^[)\]]/, '')
        .replace(GAP, '');
    return zone;
  }
}

type DateWords = Pick<ClockTime, 'year' | 'month' | 'day'>;

/** Reads a date; its fields are undefined when there is none. Undefined when the month does not exist. */
function readDate(take: (pattern: RegExp) => RegExpExecArray | null): DateWords | undefined {
  const iso = take(ISO_DATE);
  if (iso !== null) return { year: Number(iso[1]), month: Number(iso[2]) - 1, day: Number(iso[3]) };
  const first = take(MONTH_DAY);
  const second = first === null ? take(DAY_MONTH) : null;
  if (first === null && second === null) return { year: undefined, month: undefined, day: undefined };
  const [name, day, year] = first === null ? [second?.[2], second?.[1], second?.[3]] : first.slice(1);
  const month = MONTHS.indexOf((name ?? '').toLowerCase());
  if (month < 0) return undefined;
  return { year: year === undefined ? undefined : Number(year), month, day: Number(day) };
}

function timeOfDay(match: RegExpExecArray | null): Pick<ClockTime, 'hour' | 'minute'> {
  const [, hour, minute, half, fullHour, fullHalf, word] = match ?? [];
  if (word !== undefined) return { hour: word.toLowerCase() === 'noon' ? 12 : 0, minute: 0 };
  const letter = (half ?? fullHalf)?.toLowerCase();
  const written = Number(hour ?? fullHour ?? 0);
  const inDay = letter === undefined ? written : (written % 12) + (letter === 'p' ? 12 : 0);
  return { hour: inDay, minute: Number(minute ?? 0) };
}

/** The next moment at which the wall clock shows this; undefined for an unknown zone. Milliseconds since 1970. */
export function clockTime(words: ClockTime, now: number): number | undefined {
  const { year, month, day, weekday, tomorrow, hour, minute, zone } = words;
  const ahead = zoneOffset(zone, now);
  if (ahead === undefined) return undefined;
  const here = new Date(now + ahead); // its UTC fields are the wall clock of the zone
  const inDays = weekday === undefined ? Number(tomorrow) : (weekday - here.getUTCDay() + 7) % 7;
  const at = (years: number, days: number): number => {
    const wall = Date.UTC(
      (year ?? here.getUTCFullYear()) + years,
      month ?? here.getUTCMonth(),
      (day ?? here.getUTCDate()) + days,
      hour,
      minute,
    );
    const guess = wall - ahead;
    return wall - (zoneOffset(zone, guess) ?? ahead); // the clocks may change before then
  };
  const time = at(0, inDays);
  // Up to a minute ago counts as now; an earlier time means the next day, week or year.
  if (time > now - MINUTE || year !== undefined) return time;
  if (day !== undefined) return at(1, 0);
  return at(0, weekday === undefined ? 1 : inDays + 7);
}

/** The zone's offset from UTC at a moment, in milliseconds; undefined for an unknown zone. */
function zoneOffset(zone: string | undefined, at: number): number | undefined {
  const fixed = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?$/i.exec(zone ?? '');
  if (fixed !== null) return offset(fixed[1], fixed[2], fixed[3]);
  if (zone === undefined) return -new Date(at).getTimezoneOffset() * MINUTE;
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
    return offset(sign, hours, minutes);
  } catch {
    return undefined;
  }
}

function offset(sign: string | undefined, hours: string | undefined, minutes: string | undefined): number {
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * HOUR + Number(minutes ?? 0) * MINUTE);
}
