import type { ProblemCode } from '../problems/codes.ts';
import type { Position } from '../problems/problem.ts';

/** One value as written; no type is guessed, so `1` and `"1"` differ only in `quoted`. Offsets count UTF-16 code units of the text. */
export interface Scalar {
  readonly kind: 'scalar';
  readonly text: string;
  readonly quoted: boolean;
  readonly at: Position;
  readonly start: number;
  /** Exclusive; quotes are inside the range. */
  readonly end: number;
}

/** What a field holds. `unsupported` is valid YAML that no field of a spec uses: mappings, nested lists, aliases, tags. */
export type FieldValue =
  | Scalar
  | { readonly kind: 'empty'; readonly at: Position; readonly start: number; readonly end: number }
  | {
      readonly kind: 'list';
      readonly items: readonly Scalar[];
      readonly at: Position;
      readonly start: number;
      readonly end: number;
    }
  | {
      readonly kind: 'unsupported';
      readonly what: string;
      readonly at: Position;
      readonly start: number;
      readonly end: number;
    };

export interface Field {
  readonly name: string;
  readonly at: Position;
  /** Offset of the name. */
  readonly start: number;
  readonly value: FieldValue;
}

/** The YAML between the two `---` lines at the start of a file. */
export interface FrontMatter {
  readonly fields: ReadonlyMap<string, Field>;
  /** Offset of the first character after the opening line. */
  readonly start: number;
  /** Offset of the closing line. */
  readonly end: number;
  /** Offset of the first character after the closing line. */
  readonly bodyStart: number;
  /** Written in braces, `{task: 1}`. */
  readonly braces: boolean;
}

/** Where the YAML of a front matter stands. */
export type Fences = Pick<FrontMatter, 'start' | 'end' | 'bodyStart'>;

/** Why a file has no front matter that can be used; every fault with its place. */
export interface FrontMatterFault extends Position {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string;
}

/** A longer list is not kept: no field of a spec can mean so many. Items. */
const MAX_ITEMS = 5_000;

/** The value of a list field; too long a list is a value like any other that no field can use. */
export function listValue(
  items: readonly Scalar[],
  place: { at: Position; start: number; end: number },
): FieldValue {
  return items.length > MAX_ITEMS
    ? { kind: 'unsupported', what: `a list of more than ${MAX_ITEMS} items`, ...place }
    : { kind: 'list', items, ...place };
}
