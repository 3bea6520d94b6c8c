import type { ProblemCode } from '../problems/codes.ts';
import type { Position } from '../problems/problem.ts';

/** One value as written, without a guessed type: `1` and `"1"` differ only in `quoted`. Offsets in UTF-16 code units. */
export interface Scalar {
  readonly kind: 'scalar';
  readonly text: string;
  readonly quoted: boolean;
  readonly at: Position;
  readonly start: number;
  /** Exclusive; the range includes quotes. */
  readonly end: number;
}

/** The value of a field. `unsupported`: valid YAML that no spec field uses, such as mappings, nested lists, aliases, tags. */
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

/** The range of the YAML of a front matter. */
export type Fences = Pick<FrontMatter, 'start' | 'end' | 'bodyStart'>;

/** Why front matter is unusable, with the position of the fault. */
export interface FrontMatterFault extends Position {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string;
}

/** Longer lists are unsupported: no spec field needs so many items. */
const MAX_ITEMS = 5_000;

/** The value of a list field; `unsupported` when the list is too long. */
export function listValue(
  items: readonly Scalar[],
  position: { at: Position; start: number; end: number },
): FieldValue {
  return items.length > MAX_ITEMS
    ? { kind: 'unsupported', what: `a list of more than ${MAX_ITEMS} items`, ...position }
    : { kind: 'list', items, ...position };
}
