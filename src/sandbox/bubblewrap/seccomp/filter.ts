import { ALLOW, answer, assemble, fail, KILL, load, loadArgument, unless, when } from './program.ts';
import {
  CLONE,
  CLONE3,
  IOCTL,
  LAST_KNOWN,
  REFUSED,
  SHMGET,
  SOCKET,
  SOCKETPAIR,
  type SystemCall,
  UNSHARE,
} from './system-calls.ts';

/** `linux/audit.h`: the architecture that a call is made for; a program may make calls of others than its machine's own. */
const ARCHITECTURES = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;

/** `asm-generic/errno.h`. */
const ERRORS = {
  notPermitted: 1,
  invalid: 22,
  notImplemented: 38,
  noSuchProtocol: 93,
  noSuchFamily: 97,
} as const;

/** `linux/sched.h`: namespaces for mounts, control groups, names, messages, users, processes, networks. */
const NAMESPACES = 0x7e02_0000;
/** One for clocks; a bit of `clone`'s that means something else. */
const CLOCKS = 0x80;

/** `linux/socket.h`: UNIX, IPv4, IPv6, and netlink for addresses and routes. */
const FAMILIES = [1, 2, 10];
const NETLINK = 16;
const NETLINK_ROUTE = 0;

/** `asm-generic/ioctls.h`: they type into a terminal in place of who sits there. */
const TERMINAL_INPUT = [0x5412, 0x541c];

/** A namespace has at most 4,096 segments: together 256 MiB. Databases need one of less than a page. */
const SMALL_SEGMENT_BYTES = 65_536;

/**
 * The seccomp filter of every command in bubblewrap, as the bytes that the kernel takes; undefined for an architecture that has
 * none. What it refuses fails as missing rights do, so that programs go on without it. `segments`: of System V's shared memory,
 * which only a control group can count.
 */
export function seccompFilter(
  architecture: string,
  { segments }: { readonly segments: 'any' | 'small' },
): Buffer | undefined {
  if (architecture !== 'x64' && architecture !== 'arm64') return undefined;
  const numbers = (calls: readonly SystemCall[]): readonly number[] =>
    calls.map((call) => call[architecture]).filter((number) => number !== undefined);
  const refused = fail(ERRORS.notPermitted);
  const allowed = answer(ALLOW);
  return assemble([
    // Another architecture has other numbers: a program for it cannot run here.
    ...load('architecture'),
    ...unless(['equal', ARCHITECTURES[architecture]], answer(KILL)),
    ...load('number'),
    ...when(['greater', LAST_KNOWN], fail(ERRORS.notImplemented)),
    ...when(['equal', CLONE3[architecture] ?? 0], fail(ERRORS.notImplemented)),
    ...numbers(Object.values(REFUSED)).flatMap((number) => when(['equal', number], refused)),
    ...when(
      ['equal', CLONE[architecture]],
      [...loadArgument(0), ...when(['anyBit', NAMESPACES], refused), ...allowed],
    ),
    ...when(
      ['equal', UNSHARE[architecture]],
      [...loadArgument(0), ...when(['anyBit', NAMESPACES | CLOCKS], refused), ...allowed],
    ),
    ...when(
      ['equal', IOCTL[architecture]],
      [
        ...loadArgument(1),
        ...TERMINAL_INPUT.flatMap((request) => when(['equal', request], refused)),
        ...allowed,
      ],
    ),
    ...(segments === 'any'
      ? []
      : when(
          ['equal', SHMGET[architecture]],
          [
            ...loadArgument(1, 'upper'),
            ...unless(['equal', 0], fail(ERRORS.invalid)),
            ...loadArgument(1),
            ...when(['greater', SMALL_SEGMENT_BYTES], fail(ERRORS.invalid)),
            ...allowed,
          ],
        )),
    ...numbers([SOCKET, SOCKETPAIR]).flatMap((number) =>
      when(
        ['equal', number],
        [
          ...loadArgument(0),
          ...FAMILIES.flatMap((family) => when(['equal', family], allowed)),
          ...unless(['equal', NETLINK], fail(ERRORS.noSuchFamily)),
          ...loadArgument(2),
          ...unless(['equal', NETLINK_ROUTE], fail(ERRORS.noSuchProtocol)),
          ...allowed,
        ],
      ),
    ),
    ...allowed,
  ]);
}
