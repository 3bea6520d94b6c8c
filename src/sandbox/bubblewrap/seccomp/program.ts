/** One instruction of a seccomp program, as `struct sock_filter` (`linux/filter.h`) has it. */
interface Instruction {
  readonly code: number;
  /** Instructions to skip when a comparison is true, and when it is false: less than 256. */
  readonly ifTrue: number;
  readonly ifFalse: number;
  /** Its operand, 32 bits without a sign. */
  readonly operand: number;
}

type Block = readonly Instruction[];

/**
 * Codes of `linux/bpf_common.h`: class, width or operation, source.
 *
 * @internal
 */
export const CODES = { load: 0x20, equal: 0x15, greater: 0x25, anyBit: 0x45, answer: 0x06 } as const;

/**
 * Places in `struct seccomp_data` (`linux/seccomp.h`).
 *
 * @internal
 */
export const PLACES = { number: 0, architecture: 4, arguments: 16 } as const;

/** Answers of `linux/seccomp.h`. */
export const ALLOW = 0x7fff_0000;
export const KILL = 0x8000_0000;
const ERROR = 0x0005_0000;

/** Answers a call with an error. */
export function fail(errno: number): Block {
  return answer(ERROR | errno);
}

export function answer(operand: number): Block {
  return [{ code: CODES.answer, ifTrue: 0, ifFalse: 0, operand }];
}

/** Loads what the following comparisons look at: the call's number, its architecture. */
export function load(place: 'number' | 'architecture'): Block {
  return loadAt(PLACES[place]);
}

/** Loads 32 bits of an argument: the lower ones, since the kernel looks at no others in most that are compared here. */
export function loadArgument(index: number, half: 'lower' | 'upper' = 'lower'): Block {
  return loadAt(PLACES.arguments + 8 * index + (half === 'lower' ? 0 : 4)); // both architectures have the lower half first
}

function loadAt(operand: number): Block {
  return [{ code: CODES.load, ifTrue: 0, ifFalse: 0, operand }];
}

/** A comparison of what was loaded. */
export type Comparison = readonly [is: 'equal' | 'greater' | 'anyBit', operand: number];

export function when([is, operand]: Comparison, block: Block): Block {
  return [{ code: CODES[is], ifTrue: 0, ifFalse: block.length, operand }, ...block];
}

export function unless([is, operand]: Comparison, block: Block): Block {
  return [{ code: CODES[is], ifTrue: block.length, ifFalse: 0, operand }, ...block];
}

/** The bytes of a program, as the kernel takes them. Both architectures have the lower byte first. */
export function assemble(program: Block): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, ifTrue, ifFalse, operand }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2); // throws for a jump that is too far
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  });
  return bytes;
}
