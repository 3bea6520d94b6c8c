import { FILE_START, type Position, type Report } from '../problems/problem.ts';
import { nearest, suggestion } from '../text/nearest.ts';
import type { Field, FrontMatter, Scalar } from './front-matter.ts';

/** Reads typed values from one file's front matter and reports invalid ones. Undefined: absent, empty or reported. */
export interface FieldReader {
  readonly has: (name: string) => boolean;
  /** A whole number, 1 or more. */
  readonly integer: (name: string) => number | undefined;
  readonly text: (name: string) => string | undefined;
  /** One of the given words. `legacy` words are read as `as`. */
  readonly word: <W extends string>(
    name: string,
    words: readonly W[],
    legacy?: readonly string[],
    as?: W,
  ) => W | undefined;
  /** Date and time by RFC 3339. */
  readonly time: (name: string) => string | undefined;
  /** A list; a single value counts as a list of one. Each item once, in the order written. */
  readonly texts: (name: string) => readonly string[];
  readonly integers: (name: string) => readonly number[];
  /** Warns about each field that is probably a misspelling of a known one. */
  readonly unknown: (known: readonly string[]) => void;
}

const DIGITS = /^[0-9]{1,9}$/;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

export function fieldReader({ fields }: FrontMatter, report: Report): FieldReader {
  const wrong = (field: Field, got: string, expected: string, hint?: string): undefined => {
    const at = field.value.at;
    report('error', 'field-type', at, `\`${field.name}\` must be ${expected}`, {
      field: field.name,
      got,
      hint,
    });
  };

  const single = (name: string, expected: string): { field: Field; value: Scalar } | undefined => {
    const field = fields.get(name);
    if (field === undefined || field.value.kind === 'empty') return undefined;
    if (field.value.kind === 'scalar') return { field, value: field.value };
    return wrong(field, whatIs(field), expected);
  };

  const number = (field: Field, value: Scalar, expected: string): number | undefined => {
    if (!DIGITS.test(value.text) || Number(value.text) < 1) return wrong(field, value.text, expected);
    if (value.quoted) {
      report(
        'notice',
        'quoted-integer',
        value.at,
        `\`${field.name}\` is a number in quotes; read as ${Number(value.text)}`,
        {
          field: field.name,
          got: value.text,
          hint: 'write it without quotes',
        },
      );
    }
    return Number(value.text);
  };

  const items = (name: string, expected: string): { field: Field; values: readonly Scalar[] } | undefined => {
    const field = fields.get(name);
    if (field === undefined || field.value.kind === 'empty') return undefined;
    if (field.value.kind === 'unsupported') return wrong(field, whatIs(field), expected);
    if (field.value.kind === 'list') return { field, values: field.value.items };
    report('notice', 'scalar-list', field.value.at, `\`${name}\` is one value; read as a list of one`, {
      field: name,
      got: field.value.text,
      hint: `write \`${name}: [${field.value.text}]\``,
    });
    return { field, values: [field.value] };
  };

  return {
    has: (name) => fields.has(name),
    integer: (name) => {
      const found = single(name, 'a whole number from 1');
      return found && number(found.field, found.value, 'a whole number from 1');
    },
    text: (name) => single(name, 'one line of text')?.value.text,
    word: (name, words, legacy = [], as) => {
      const found = single(name, `one of ${words.join(', ')}`);
      if (found === undefined || found.value.text === '') return undefined;
      const { text, at } = found.value;
      const known = words.find((word) => word === text);
      if (known !== undefined) return known;
      if (legacy.includes(text)) return as;
      const hint = suggestion(text, words);
      report('error', 'status-unknown', at, `\`${name}\` is not a status choo knows`, {
        field: name,
        got: text,
        hint,
      });
      return undefined;
    },
    time: (name) => {
      const found = single(name, 'a date and time');
      if (found === undefined || found.value.text === '') return undefined;
      if (RFC_3339.test(found.value.text)) return found.value.text;
      report(
        'warning',
        'field-time',
        found.value.at,
        `\`${name}\` is not a date and time of RFC 3339; ignored`,
        {
          field: name,
          got: found.value.text,
        },
      );
      return undefined;
    },
    texts: (name) => [...new Set(items(name, 'a list of names')?.values.map((value) => value.text))],
    integers: (name) => {
      const found = items(name, 'a list of task numbers');
      if (found === undefined) return [];
      const numbers = found.values.map((value) =>
        number({ ...found.field, value }, value, 'a list of task numbers'),
      );
      return [...new Set(numbers.filter((value) => value !== undefined))];
    },
    unknown: (known) => {
      for (const field of fields.values()) {
        if (known.includes(field.name)) continue;
        const close = nearest(field.name, known);
        if (close === undefined || fields.has(close)) continue;
        report('warning', 'field-unknown', field.at, `\`${field.name}\` is not a field choo reads`, {
          field: field.name,
          hint: `did you mean \`${close}\`?`,
        });
      }
    },
  };
}

/** Finds the position of a list field's item by its value, for problems found only after the file was read. */
export function itemPositions({ fields }: FrontMatter, name: string): (item: string | number) => Position {
  const value = fields.get(name)?.value;
  const items = value?.kind === 'list' ? value.items : value?.kind === 'scalar' ? [value] : [];
  const positions = new Map<string, Position>();
  for (const { text, at } of items) {
    for (const key of DIGITS.test(text) ? [text, String(Number(text))] : [text]) {
      if (!positions.has(key)) positions.set(key, at);
    }
  }
  return (item) => positions.get(String(item)) ?? value?.at ?? FILE_START;
}

function whatIs(field: Field): string {
  return field.value.kind === 'unsupported' ? field.value.what : `a ${field.value.kind}`;
}
