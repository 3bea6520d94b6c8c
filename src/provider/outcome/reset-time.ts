import { cut } from '../stream.ts';
import { clockTime, readClock } from './clock-time.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Units of time by their first letters, in milliseconds. */
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^m(?:s|illi)/i, 1],
  [/^s/i, SECOND],
  [/^m/i, MINUTE],
  [/^h/i, HOUR],
  [/^d/i, DAY],
  [/^w/i, 7 * DAY],
];

/** `|1712345678`: seconds, or milliseconds with three digits more. */
const UNIX = /\|(\d{10}|\d{13})(?!\d)/;
/** A word before a time: `resets`, `try again`, `retry-after`, `"retryDelay"`, `regain access`. */
const ANCHOR =
  /(?<![a-z])(?:(?:resets?|retry|retrying|again|wait|available|renews?|refresh(?:es)?|regain|access|back)(?![a-z])|(?:resets?|retry)(?=at|in|after|delay))/gi;
/** Words that may stand between the anchor and the time. */
const FILLER =
  /^(?:will|be|is|are|at|on|by|until|about|around|approximately|roughly|access|again|the|your|limit|time|to|(?:in|after|delay)(?:seconds|secs|ms)?|seconds|secs|ms)(?![a-z])/i;
const SEPARATORS = /^[\s"'`:;=·∙•|,()[\]{}_—–-]{1,8}/;
const MAX_FILLERS = 8;
/** The maximum number of characters that are read after an anchor, and of anchors. */
const AHEAD = 100;
const MAX_ANCHORS = 20;

const NUMBER = /^(\d{1,13}(?:\.\d{1,9})?)/;
/** `5s`, `1.5 hours`, `2 hours 5 minutes`, `18h31m10s`: one part of it. */
const PART =
  /^(\d{1,8}(?:\.\d{1,9})?)\s?(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?![a-z])[\s,]{0,3}(?:and\s)?/i;
const ONE = /^(?:an?|one)\s(minute|hour|day|week)\b/i;
const ISO =
  /^(\d{4}-\d\d-\d\d)(?:T|\s)(\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)(?![a-z\d])/i;

/** A limit that lasts longer than this is a misreading. Milliseconds. */
const MAX_TIME_LENGTH = 400 * DAY;

/**
 * When a rate limit resets, by a provider's message; null when the message does not say. Of several times, the first that
 * has not passed. Milliseconds since 1970, as is `now`.
 */
export function resetTime(message: string, now: number): number | null {
  const times = findTimes(cut(message), now).filter((time) => time <= now + MAX_TIME_LENGTH);
  return times.find((time) => time >= now) ?? times[0] ?? null;
}

/** Whether a provider's message names a time at which a rate limit resets. */
export function hasResetTime(message: string): boolean {
  return findTimes(cut(message), 0).length > 0;
}

function findTimes(text: string, now: number): readonly number[] {
  const unix = UNIX.exec(text)?.[1];
  const times = unix === undefined ? [] : [unixTime(unix)];
  let anchors = 0;
  for (const { index, 0: word } of text.matchAll(ANCHOR)) {
    const end = index + word.length;
    const time = timeAhead(text.slice(end, end + AHEAD), now);
    if (time !== undefined) times.push(time);
    if ((anchors += 1) === MAX_ANCHORS) break;
  }
  return times;
}

function unixTime(digits: string): number {
  return Number(digits) * (digits.length === 10 ? SECOND : 1);
}

/** The time at the start of a text, after fillers. */
function timeAhead(text: string, now: number): number | undefined {
  let rest = text;
  let unit: number | undefined; // the unit of a bare number, which is a duration
  for (let fillers = 0; fillers < MAX_FILLERS; fillers += 1) {
    rest = rest.replace(SEPARATORS, '');
    const filler = FILLER.exec(rest)?.[0];
    if (filler === undefined) break;
    unit = /ms$/i.test(filler) ? 1 : /^(?:in|after|delay|seconds|secs)/i.test(filler) ? SECOND : undefined;
    rest = rest.slice(filler.length);
  }
  return isoTime(rest) ?? delayTime(rest, now) ?? numberTime(rest, unit, now) ?? wallTime(rest, now);
}

function isoTime(text: string): number | undefined {
  const [, date, time, zone = ''] = ISO.exec(text) ?? [];
  if (date === undefined) return undefined;
  const at = Date.parse(`${date}T${time}${/^[+-]/.test(zone) ? zone : 'Z'}`);
  return Number.isNaN(at) ? undefined : at;
}

function delayTime(text: string, now: number): number | undefined {
  const one = ONE.exec(text)?.[1];
  if (one !== undefined) return now + unitOf(one);
  let total = 0;
  let rest = text;
  for (let part = PART.exec(rest); part !== null; part = PART.exec(rest)) {
    total += Number(part[1]) * unitOf(part[2] ?? '');
    rest = rest.slice(part[0].length);
  }
  return rest === text ? undefined : now + Math.round(total);
}

function unitOf(word: string): number {
  return UNITS.find(([pattern]) => pattern.test(word))?.[1] ?? 0;
}

/** A number alone: with 10 or 13 digits a time since 1970, else a duration in the unit that the fillers name. */
function numberTime(text: string, unit: number | undefined, now: number): number | undefined {
  const digits = NUMBER.exec(text)?.[1];
  if (digits === undefined || /^[\d.:]|^ ?[a-z-]/i.test(text.slice(digits.length).replace(/^["']/, '')))
    return undefined;
  if (/^(?:\d{10}|\d{13})$/.test(digits)) return unixTime(digits);
  return unit === undefined ? undefined : now + Math.round(Number(digits) * unit);
}

function wallTime(text: string, now: number): number | undefined {
  const clock = readClock(text);
  return clock === undefined ? undefined : clockTime(clock, now);
}
