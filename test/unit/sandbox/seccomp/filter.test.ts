import { describe, expect, test } from 'vitest';
import { seccompFilter } from '../../../../src/sandbox/bubblewrap/seccomp/filter.ts';
import { ALLOW, CODES, KILL, PLACES } from '../../../../src/sandbox/bubblewrap/seccomp/program.ts';
import { REFUSED } from '../../../../src/sandbox/bubblewrap/seccomp/system-calls.ts';

const X64 = 0xc000_003e;
const ARM64 = 0xc000_00b7;

/** What the kernel would answer: reads the bytes as `linux/filter.h` says. */
function run(
  bytes: Buffer,
  call: { readonly number: number; readonly architecture: number; readonly args?: readonly bigint[] },
): number {
  const data = Buffer.alloc(64);
  data.writeInt32LE(call.number | 0, PLACES.number);
  data.writeUInt32LE(call.architecture, PLACES.architecture);
  for (const [index, value] of (call.args ?? []).entries())
    data.writeBigUInt64LE(value, PLACES.arguments + 8 * index);
  let loaded = 0;
  for (let at = 0; ; at += 8) {
    const [code, operand] = [bytes.readUInt16LE(at), bytes.readUInt32LE(at + 4)];
    if (code === CODES.answer) return operand;
    if (code === CODES.load) {
      loaded = data.readUInt32LE(operand);
      continue;
    }
    const holds =
      code === CODES.equal
        ? loaded === operand
        : code === CODES.greater
          ? loaded > operand
          : (loaded & operand) !== 0;
    at += 8 * bytes.readUInt8(at + (holds ? 2 : 3));
  }
}

function error(answer: number): number | 'allowed' | 'killed' {
  return answer === ALLOW ? 'allowed' : answer === KILL ? 'killed' : answer & 0xffff;
}

const MACHINES = [
  [
    'x64',
    X64,
    { read: 0, clone: 56, unshare: 272, socket: 41, socketpair: 53, ioctl: 16, shmget: 29, openat2: 437 },
  ],
  [
    'arm64',
    ARM64,
    { read: 63, clone: 220, unshare: 97, socket: 198, socketpair: 199, ioctl: 29, shmget: 194, openat2: 437 },
  ],
] as const;

describe.each(MACHINES)('the filter of %s', (name, architecture, calls) => {
  const bytes = seccompFilter(name, { segments: 'small' }) ?? Buffer.alloc(0);
  const answer = (number: number, ...args: readonly bigint[]) =>
    error(run(bytes, { number, architecture, args }));

  test('is one that the kernel takes: jumps forward within itself, ends with an answer, not too long', () => {
    expect(bytes.length % 8).toBe(0);
    expect(bytes.length / 8).toBeLessThan(4096);
    for (let at = 0; at < bytes.length; at += 8) {
      const furthest = Math.max(bytes.readUInt8(at + 2), bytes.readUInt8(at + 3));
      expect(at + 8 * (furthest + 1)).toBeLessThanOrEqual(bytes.length);
    }
    expect(bytes.readUInt16LE(bytes.length - 8)).toBe(CODES.answer);
  });

  test('allows what every program needs', () => {
    expect(answer(calls.read)).toBe('allowed');
    expect(answer(calls.openat2)).toBe('allowed');
  });

  test('refuses every call on the list', () => {
    const numbers = Object.values(REFUSED).flatMap((call) => call[name] ?? []);
    expect(numbers.length).toBeGreaterThan(40);
    expect(numbers.filter((number) => answer(number) !== 1)).toEqual([]);
  });

  test('has no clone3, nothing newer than it knows, and no x32', () => {
    expect(answer(435)).toBe(38);
    expect(answer(469)).toBe('allowed');
    expect(answer(470)).toBe(38);
    expect(answer(0x4000_0000 | calls.read)).toBe(38);
    expect(answer(-1)).toBe(38);
  });

  test('ends a program of another architecture', () => {
    for (const other of [0x4000_0003, 0x4000_0028, 0x8000_00b7, name === 'x64' ? ARM64 : X64])
      expect(error(run(bytes, { number: calls.read, architecture: other }))).toBe('killed');
  });

  test('allows threads and processes, and no namespaces', () => {
    expect(answer(calls.clone, 0x3d0f00n)).toBe('allowed'); // a thread, as pthread_create has it
    expect(answer(calls.clone, 17n)).toBe('allowed'); // fork
    expect(answer(calls.unshare, 0x200n)).toBe('allowed');
    for (let bit = 0x0002_0000n; bit <= 0x4000_0000n; bit <<= 1n) {
      if ((bit & 0x7e02_0000n) === 0n) continue;
      expect(answer(calls.clone, bit | 17n)).toBe(1);
      expect(answer(calls.unshare, bit)).toBe(1);
    }
    expect(answer(calls.unshare, 0x80n)).toBe(1);
    expect(answer(calls.clone, 0x80n)).toBe('allowed'); // a part of the signal there
  });

  test.each(['socket', 'socketpair'] as const)('gives %s four families', (call) => {
    for (let family = 0n; family < 64n; family += 1n) {
      const known = [1n, 2n, 10n, 16n].includes(family);
      expect([family, answer(calls[call], family, 1n, 0n)]).toEqual([family, known ? 'allowed' : 97]);
    }
    for (let protocol = 1n; protocol < 32n; protocol += 1n)
      expect(answer(calls[call], 16n, 3n, protocol)).toBe(93);
    // The kernel reads an int: what stands above it changes nothing.
    expect(answer(calls[call], 0xffff_ffff_0000_0026n)).toBe(97);
    expect(answer(calls[call], 0xffff_ffff_0000_0001n)).toBe('allowed');
  });

  test('makes only small segments, where nobody counts them', () => {
    expect(answer(calls.shmget, 0n, 65_536n)).toBe('allowed');
    expect(answer(calls.shmget, 0n, 65_537n)).toBe(22);
    expect(answer(calls.shmget, 0n, 0x1_0000_0000n)).toBe(22);
    const any = seccompFilter(name, { segments: 'any' }) ?? Buffer.alloc(0);
    expect(error(run(any, { number: calls.shmget, architecture, args: [0n, 2n ** 40n] }))).toBe('allowed');
  });

  test('types into no terminal', () => {
    expect(answer(calls.ioctl, 0n, 0x5401n)).toBe('allowed'); // reads its settings
    expect(answer(calls.ioctl, 0n, 0x5412n)).toBe(1);
    expect(answer(calls.ioctl, 0n, 0x1_0000_5412n)).toBe(1);
    expect(answer(calls.ioctl, 0n, 0x541cn)).toBe(1);
  });
});

test('there is none for other machines', () => {
  expect(seccompFilter('riscv64', { segments: 'any' })).toBeUndefined();
});
