import { messageOf } from '../../errors.ts';

/** What one check found. `skipped`: there is nothing to check here. */
export interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly message: string;
  /** What to do about it. */
  readonly cure?: string;
}

export function ok(name: string, message: string): Finding {
  return { name, status: 'ok', message };
}

export function skipped(name: string, message: string): Finding {
  return { name, status: 'skipped', message };
}

export function warning(name: string, message: string, cure: string): Finding {
  return { name, status: 'warning', message, cure };
}

export function failed(name: string, message: string, cure: string): Finding {
  return { name, status: 'failed', message, cure };
}

/** A check that does not end by itself in this time has failed. Milliseconds. */
const TIME_LIMIT_MS = 60_000;

/** Runs a check. What it throws, and no end of it, is what it found. */
export async function runCheck(
  name: string,
  check: () => Promise<readonly Finding[]>,
  cure: string,
  limitMs = TIME_LIMIT_MS,
): Promise<readonly Finding[]> {
  const late = Promise.withResolvers<readonly Finding[]>();
  const timer = setTimeout(
    () => late.resolve([failed(name, `it did not answer within ${limitMs / 1_000} s`, cure)]),
    limitMs,
  );
  try {
    return await Promise.race([check(), late.promise]);
  } catch (error) {
    const hint =
      error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : cure;
    return [failed(name, messageOf(error), hint)];
  } finally {
    clearTimeout(timer);
  }
}
