import { type Finding, ok, warning } from './finding.ts';

/** The longest that two clocks may differ. Heartbeats and resets of rate limits are judged by them. Milliseconds. */
const MAX_SKEW_MS = 5_000;

/** Compares this machine's clock with another. Milliseconds since 1970. */
export function compareClocks(other: string, at: number, now: number): Finding {
  const seconds = ((now - at) / 1_000).toFixed(1);
  const name = `clock of ${other}`;
  return Math.abs(now - at) <= MAX_SKEW_MS
    ? ok(name, "it agrees with this machine's")
    : warning(
        name,
        `this machine is ${seconds} s ahead of it`,
        "keep both in step with NTP (`timedatectl set-ntp true`); GitHub refuses the App's tokens when it is a minute",
      );
}
