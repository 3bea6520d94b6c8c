import { openSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC, as /proc shows it: the descriptor closes in a program that this process starts. */
const CLOSES = 0o2000000;

let found: readonly (readonly [descriptor: number, nothing: number])[] | undefined;

/**
 * The descriptors of a command, with `/dev/null` in the place of each that whoever started choo left open for every program: one of
 * a directory would be a way out of a sandbox. Node closes those below 16 itself, and those that follow without a gap.
 */
export function withoutInherited(stdio: readonly ('ignore' | 'pipe')[]): (number | 'ignore' | 'pipe')[] {
  const all: (number | 'ignore' | 'pipe')[] = [...stdio];
  for (const [descriptor, nothing] of (found ??= find())) {
    while (all.length < descriptor) all.push('ignore'); // which opens nothing from 3 on
    all[descriptor] ??= nothing;
  }
  return all;
}

function find(): NonNullable<typeof found> {
  const descriptors = list().filter((descriptor) => descriptor > 2 && staysOpen(descriptor));
  if (descriptors.length === 0) return [];
  const nothing = openSync('/dev/null', 'r+');
  return descriptors.toSorted((one, other) => one - other).map((descriptor) => [descriptor, nothing]);
}

/** The open descriptors of this process; none on a system that does not list them. */
function list(): readonly number[] {
  try {
    return readdirSync('/proc/self/fdinfo').map(Number);
  } catch {
    return [];
  }
}

function staysOpen(descriptor: number): boolean {
  try {
    const [, flags = '0'] =
      /^flags:\t([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
    return Math.floor(Number.parseInt(flags, 8) / CLOSES) % 2 === 0;
  } catch {
    return false; // it was closed meanwhile
  }
}
